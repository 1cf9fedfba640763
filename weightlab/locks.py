"""Locks that a process holds on files and folders: others can tell, and the system frees them however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

__all__ = ["locked"]

_HELD: set[int] = set()  # the handles of this process's locks


@contextmanager
def locked(path: Path) -> Iterator[bool | None]:
    """Inside, the lock of the file or folder at `path`: True; False where somebody else holds it, here or elsewhere.

    None where the system or the file system has no such locks. Raises OSError where `path` can't be opened.
    """
    if sys.platform == "win32":
        yield None
        return
    handle = os.open(path, os.O_RDONLY)
    _HELD.add(handle)
    try:
        yield _take(handle)
    finally:
        _HELD.discard(handle)
        os.close(handle)


def _take(handle: int) -> bool | None:
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _let_go() -> None:
    """In a process that was forked: what it got of its parent's locks would keep them beyond the parent's end."""
    for handle in _HELD:
        with suppress(OSError):
            os.close(handle)
    _HELD.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_let_go)
