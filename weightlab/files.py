"""Files that are either whole or absent: written under a temporary name, then renamed; and files that people wrote."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import stat
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from weightlab.errors import InputError, describe, printable, reason, shown
from weightlab.locks import locked

if sys.platform == "darwin":
    import fcntl

__all__ = [
    "AnyPath",
    "as_path",
    "check_folder",
    "check_readable",
    "exists",
    "make_folder",
    "read_json",
    "read_text",
    "read_toml",
    "sweep",
    "write_atomically",
    "write_text",
]

AnyPath = str | os.PathLike[str]

_TEMPORARY = ".weightlab-"  # begins the names of folders that files are written in, before they are renamed
_MOST_BYTES = 2**24  # of a text: what people write, and what is written here, has a thousandth of it
_DEEPEST = 64  # lists in lists in lists
_WHOLE = 2**63  # TOML's whole numbers, and those of everything that reads JSON


def as_path(name: str, given: object) -> Path:
    """A path as a `Path`, given as one, as a text or as anything with `__fspath__`; InputError for what is none."""
    try:
        return Path(given)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(f"{name} must be a path, not {describe(given)}") from error


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = False) -> None:
    """Call `write(temporary)`, then rename the file that it wrote to `path`; on any error nothing is left.

    The file has the name of `path`, for writers that go by its suffix, in a folder of its own beside it, for writers
    that have temporary files themselves. Folders are made as needed. durable: a loss of power, too, leaves either this
    file, whole, or the one before; it waits for the disk, some ten milliseconds or more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    apart = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=path.parent))
    try:
        with locked(apart):
            temporary = apart / path.name
            write(temporary)
            temporary.chmod(0o644)  # some writers' 0600 is for secrets
            if durable:
                _flush(temporary)
            temporary.replace(path)
            if durable:
                _flush(path.parent)
    finally:
        shutil.rmtree(apart, ignore_errors=True)


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write `text` to `path` in UTF-8, atomically; durable: as of `write_atomically`."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), durable=durable)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, such that a loss of power leaves them there."""
    missing = [each for each in (folder, *folder.parents) if not exists(each)]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        with suppress(PermissionError):  # a folder that takes new names may not be open to be read
            _flush(each.parent)


def sweep(folder: Path) -> None:
    """Remove from a folder what `write_atomically` had begun there in processes that have died since."""
    for left in folder.glob(f"{_TEMPORARY}*"):
        with suppress(OSError), locked(left) as dead:  # one that ends just now takes its own away
            if dead:
                shutil.rmtree(left, ignore_errors=True)


def check_folder(folder: Path, option: str = "--out", files: Sequence[str] = ()) -> None:
    """Before the work, not after it: raise InputError unless files can be written to `folder`, once it is made.

    files: names in it that will be written, where no folder may lie.
    """
    try:
        there = next((path for path in (folder, *folder.parents) if exists(path)), Path())
        if not there.is_dir():
            raise InputError(f"{option} {folder}: {there} is a file, not a folder")
        for part in folder.parts:
            exists(there / part)  # for a name that is too long
        with tempfile.TemporaryFile(dir=there):  # permissions alone would pass a read-only or a full disk
            pass
        if taken := next((folder / name for name in files if (folder / name).is_dir()), None):
            raise InputError(f"{option} {folder}: {taken} is a folder, where a file is to be written")
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{option} {folder}: can't write there: {_cause(error)}") from error


def exists(path: Path) -> bool:
    """Whether something is at `path`. Raises InputError where nobody can tell: a name too long, a closed folder."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"there can be no {path}: {_cause(error)}") from error
    return True


def check_readable(path: Path) -> None:
    """Raise InputError, which tells what is missing from what can't be read, unless `path` can be opened and read."""
    _read(path, 1)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises InputError where it is missing, unreadable, too long (16 MiB) or no text."""
    content = _read(path, _MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path} has more than {_MOST_BYTES // 2**20} MiB: it is no such file")
    try:
        return content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: byte 0x{content[error.start]:02x} at {error.start}") from error


def read_json(path: Path) -> Any:  # noqa: ANN401 (whatever the file holds)
    """What a JSON file holds.

    Raises InputError where it is missing, unreadable or no JSON, names a key twice, is nested more than 64 deep, or
    holds a number that is not finite, a whole one outside of 64 bits, or a text with half a character.
    """
    return _parsed(path, "JSON", lambda text: json.loads(text, object_pairs_hook=_distinct))


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds. Raises InputError as `read_json` does."""
    found: dict[str, Any] = _parsed(path, "TOML", tomllib.loads)
    return found


def _flush(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    folder = path.is_dir()
    if folder and sys.platform == "win32":
        return  # there a folder can't be opened
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        if sys.platform == "darwin":
            with suppress(OSError):  # fsync alone leaves it in the disk's own memory; not every file system has this
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems have it for files alone
            raise
    finally:
        os.close(handle)


def _parsed(path: Path, kind: str, parse: Callable[[str], Any]) -> Any:  # noqa: ANN401 (whatever the file holds)
    try:
        found = parse(read_text(path))
    except RecursionError as error:
        raise InputError(f"{path} is nested more than {_DEEPEST} deep") from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{path} is not valid {kind}: {_text(error)}") from error
    _check_values(path, found)
    return found


def _read(path: Path, most: int) -> bytes:
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise InputError(f"{path} is a folder, not a file")
        with path.open("rb") as opened:
            return opened.read(most)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}") from error
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: {_cause(error)}") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"key {shown(twice)} appears twice")
    return found


def _check_values(path: Path, found: object) -> None:
    """Numbers and texts are what all that comes after can hold, and not nested beyond what it can follow."""
    level: list[tuple[str, object]] = [("", found)]
    for _ in range(_DEEPEST):
        for where, value in level:
            _check_value(f"{path}: {where.lstrip('.')}" if where else str(path), value)
        level = [inner for where, value in level for inner in _parts(where, value)]
        if not level:
            return
    raise InputError(f"{path} is nested more than {_DEEPEST} deep")


def _parts(where: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield f"{where}.{key}", each
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield f"{where}[{number}]", each


def _check_value(where: str, value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where} must be finite, not {value}")
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        raise InputError(f"{where} must be a whole number of 64 bits, not {shown(value)}")
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, Mapping) else []
    for text in texts:
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise InputError(f"{where} holds half a character: {shown(text)}")


def _cause(error: OSError | ValueError) -> str:
    """Why the system refuses: without the number and the path that OSError adds."""
    return (error.strerror if isinstance(error, OSError) else None) or _text(error)


def _text(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "set_int_max_str_digits" in text:
        return "a whole number has too many digits"
    return printable(text) if text else reason(error)
