"""Where the files of an archive lie: lists and folders in one of several places, images by their folders."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from weightlab.data.source import Source
from weightlab.errors import InputError, reason
from weightlab.files import exists

__all__ = ["files", "find", "first", "folders", "is_file", "is_folder", "located", "root", "strays"]

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def root(source: Source, archive: str, *inner: str) -> Path:
    """The folder that was given, or the one in it called `inner`, where that is there (it was unpacked).

    archive: what should be in it. Raises InputError where there is no such folder.
    """
    place = Path(source.place)
    if not exists(place):
        raise InputError(f"there is no folder {place}: give the folder of {archive}")
    if not place.is_dir():
        raise InputError(f"{place} is no folder: unpack {archive} and give the folder")
    return next((place / name for name in inner if is_folder(place / name)), place)


def find(folder: Path, what: str, names: Sequence[str], give: str) -> Path:
    """The first of these names that is there in a folder: files, or, where `what` begins so, folders.

    Raises InputError that says which were looked for where, and what to give.
    """
    name = first(folder, names, is_folder if what.startswith("folder") else is_file)
    if name is not None:
        return folder / name
    raise InputError(f"there is no {what} in {folder}: looked for {', '.join(names)}; give {give}")


def first(folder: Path, names: Sequence[str], there: Callable[[Path], bool]) -> str | None:
    """The first of these names for which `there`, `is_file` or `is_folder`, holds."""
    return next((name for name in names if there(folder / name)), None)


def is_file(path: Path) -> bool:
    """Whether there is a file. Raises InputError where nobody can tell."""
    return exists(path) and path.is_file()


def is_folder(path: Path) -> bool:
    """Whether there is a folder. Raises InputError where nobody can tell."""
    return exists(path) and path.is_dir()


def located(folder: Path, paths: Sequence[str]) -> list[str]:
    """The paths, each as it is called on disk, where that differs in upper and lower case (x.jpg, x.JPG)."""
    return [path if found is None else found for path, found in zip(paths, _found(folder, paths), strict=True)]


def strays(folder: Path, paths: Sequence[str]) -> list[str]:
    """Images in the folders of the paths, at any depth, that are none of them; "._x" of macOS are no images."""
    known = set(paths)
    tops = sorted({path.partition("/")[0] for path in paths if "/" in path})
    found = []
    for top in tops:
        for inner, _, names in os.walk(folder / top):
            base = Path(inner).relative_to(folder).as_posix()
            images = [name for name in names if name.lower().endswith(_IMAGES) and not name.startswith("._")]
            found += [path for path in (f"{base}/{name}" for name in images) if path not in known]
    return sorted(found)


def files(folder: Path) -> dict[str, os.DirEntry[str]]:
    """The files of a folder by name; none where there is no such folder. Raises InputError where it can't be read."""
    return {entry.name: entry for entry in _entries(folder) if not entry.is_dir(follow_symlinks=False)}


def folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, likewise."""
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir())


def _found(folder: Path, paths: Iterable[str]) -> Iterator[str | None]:
    """The path of each on disk. Folders are read whole, once: asking for each file takes longer."""
    names: dict[str, set[str]] = {}
    folded: dict[str, dict[str, str]] = {}
    for path in paths:
        inner, slash, name = path.rpartition("/")
        if inner not in names:
            names[inner] = set(files(folder / inner))
            folded[inner] = {each.casefold(): each for each in sorted(names[inner], reverse=True)}
        there = name if name in names[inner] else folded[inner].get(name.casefold())
        yield None if there is None else f"{inner}{slash}{there}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
            return []
        raise InputError(f"{folder} can't be read: {error.strerror or reason(error)}") from error
