"""Others' code is run behind a guard, whatever it does.

What it prints goes to standard error, since standard output may be read by a program. What it raises, SystemExit and
its own kinds included, becomes an InputError; only Ctrl-C passes. Gradient mode and torch's default dtype are
afterwards what they were, and after an import or a construction also random numbers' states, warning filters, the
working directory, and the handlers of Ctrl-C and termination.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from weightlab.errors import InputError, reason
from weightlab.lazy import np, torch

__all__ = ["contained", "guarded", "guarded_function", "guarded_import", "reason_of"]


@contextmanager
def contained() -> Iterator[None]:
    """Inside, what is printed goes to standard error; gradient mode, default dtype and streams are put back."""
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        with contextlib.redirect_stdout(sys.stderr), contextlib.redirect_stderr(sys.stderr):
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """As `contained`. Whatever is raised inside becomes an InputError, "what: why", but for Ctrl-C and InputErrors."""
    try:
        with contained():
            yield
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise InputError(f"{what}: {reason_of(error)}") from error


@contextmanager
def guarded_import(what: str) -> Iterator[None]:
    """As `guarded`, for an import or a construction: more is put back."""
    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    folder, handlers = os.getcwd(), _handlers()
    try:
        with warnings.catch_warnings(), guarded(what):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.random.set_rng_state(states[2])
        os.chdir(folder)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def guarded_function(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function behind the guard, with its arguments, by a name."""

    @functools.wraps(function)
    def call(*given: object, **named: object) -> object:
        with guarded(f"{name} fails"):
            return function(*given, **named)

    call.__name__ = name
    return call


def reason_of(error: BaseException) -> str:
    """As `reason`, of an error whose text may be others' code too."""
    try:
        return reason(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # such as SystemExit
        return type(error).__name__


def _handlers() -> dict[signal.Signals, Any]:
    """Only the main thread can set them."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    return {number: handler for number, handler in found.items() if handler is not None}
