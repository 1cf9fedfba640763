"""Files that are either whole or absent: written under a temporary name, then renamed; and TOML files, read."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weightlab.errors import InputError

__all__ = ["read_toml", "write_atomically", "write_text"]

_MOST_BYTES = 1 << 20  # of a TOML file: one that people write is far smaller


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file in UTF-8, with or without a byte order mark.

    Raises InputError where it is absent, can't be read, is larger than 1 MiB, is no UTF-8 or no TOML, is nested too
    deep, or holds a number of too many digits.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{str(path)!r} is no path: {error}") from None
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path} is too large: more than {_MOST_BYTES:,} bytes of TOML")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not valid TOML: byte {error.start} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{path} is not valid TOML: it is nested too deep") from None
    except ValueError:  # the only other one: Python's limit on digits
        raise InputError(f"{path} is not valid TOML: a number has too many digits, or a date is none") from None


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
