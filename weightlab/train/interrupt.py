"""Ctrl-C and SIGTERM between two steps rather than in the middle of one, so that what is saved is a whole state."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["deferred_interrupt"]

_UNHANDLED = {  # by anybody but Python, the system, and the command line, which makes the one like the other
    signal.SIGINT: (signal.default_int_handler,),
    signal.SIGTERM: (signal.SIG_DFL, signal.default_int_handler),
}


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Inside, a first Ctrl-C or SIGTERM only makes the function that it gives answer True; a second one, of either
    kind, interrupts at once.

    Where somebody else handles one of them, or outside the main thread, it stays as it is.
    """
    asked = threading.Event()

    def note(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    ours = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in _UNHANDLED} if ours else {}
    taken = {number: handler for number, handler in before.items() if handler in _UNHANDLED[number]}
    for number in taken:
        signal.signal(number, note)
    try:
        yield asked.is_set
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
