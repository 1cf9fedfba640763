"""A fresh working folder, captured streams, a bound on time, an environment that is put back."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = [
    "CANARY",
    "OUTSIDE",
    "STRANGER",
    "TimeUpError",
    "bounded",
    "captured",
    "environment",
    "folder",
    "listing",
    "where",
]

CANARY = "CANARY"  # the name of the file that data make if they are executed
STRANGER = "a word of a stranger"  # what others' code prints
OUTSIDE = "outside weightlab"
_WALL = 6  # times the bound on processor time: other processes may want the processor too


class TimeUpError(BaseException):
    """A case that went on for too long; no Exception, lest somebody else's code swallows it."""


@contextmanager
def folder() -> Iterator[Path]:
    """Work in a fresh folder, three folders deep in one that is removed afterwards, so that ../.. stays inside."""
    before = Path.cwd()
    root = Path(tempfile.mkdtemp(prefix="weightlab-fuzz-"))
    here = root / "home" / "deep" / "work"
    here.mkdir(parents=True)
    os.chdir(here)
    try:
        yield root
    finally:
        os.chdir(before)
        shutil.rmtree(root, ignore_errors=True)


def listing(root: Path) -> dict[str, str]:
    """All that is in a folder: path → a digest of what it holds. Python's own caches of bytecode are left out."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        if "__pycache__" in path.parts:
            continue
        with suppress(OSError):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "folder"
            found[str(path.relative_to(root))] = content
    return found


@contextmanager
def environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    """The process's environment with some variables set, or absent (None); afterwards as it was."""
    before = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def captured() -> Iterator[Callable[[], tuple[str, str]]]:
    """Nothing to read on standard input, and what is printed caught, by C code too; the function given says what."""
    kept = [os.dup(number) for number in range(3)]
    streams = sys.stdin, sys.stdout, sys.stderr
    files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115
    null = os.open(os.devnull, os.O_RDONLY)
    for stream in streams[1:]:
        stream.flush()
    for number, target in enumerate((null, *(file.fileno() for file in files))):
        os.dup2(target, number)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115

    def read() -> tuple[str, str]:
        for stream in (sys.stdout, sys.stderr):
            with suppress(ValueError, OSError):
                stream.flush()
        for file in files:
            file.seek(0)
        out, err = (file.read().decode(errors="backslashreplace") for file in files)
        return out, err

    try:
        yield read
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(ValueError, OSError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, copy in enumerate(kept):
            os.dup2(copy, number)
        for handle in (*kept, null):
            os.close(handle)
        for file in files:
            file.close()


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise TimeUpError inside after so much processor time, or six times as much on the clock."""

    def stop(number: int, frame: object) -> None:
        raise TimeUpError(f"more than {seconds:g} s")

    timers = (signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, _WALL * seconds)
    before = [signal.signal(number, stop) for _, number, _ in timers]
    for timer, _, limit in timers:
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def where(error: BaseException) -> str:
    """The innermost place in weightlab that an error passed: file:function."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}weightlab{os.sep}" in frame.filename
    ]
    if not frames:
        return OUTSIDE
    return f"{frames[-1].filename.rpartition(f'{os.sep}weightlab{os.sep}')[2]}:{frames[-1].name}"
