"""Files that are either whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from weightlab.errors import InputError, describe

__all__ = ["AnyPath", "as_path", "write_atomically", "write_text"]

AnyPath = str | os.PathLike[str]


def as_path(name: str, given: object) -> Path:
    """A path as a `Path`, given as one, as a text or as anything with `__fspath__`; InputError for what is none."""
    try:
        return Path(given)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(f"{name} must be a path, not {describe(given)}") from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` on a file beside `path`, then rename it to `path`; on any error nothing is left.

    The temporary name keeps the suffix of `path`, for writers that go by it. Folders are made as needed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)  # mkstemp's 0600 is for secrets
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
