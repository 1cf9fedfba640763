"""The rows of both parts on the disk: where each file really is, how large, and when it was written."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace

from weightlab.data.listing import Listing
from weightlab.errors import InputError

__all__ = ["Located", "few", "locate", "row_name", "taken"]

_NAMED = 3  # rows that a message names


@dataclass(frozen=True, eq=False)
class Located:
    """The files of a listing's rows.

    paths: of each, without links; of one that is missing, where it would be.
    stamps: its size in bytes and the time that it was written, in nanoseconds.
    faults: by row, why there is no file.
    """

    paths: list[str]
    stamps: list[tuple[int, int]]
    faults: dict[int, str]


def locate(listing: Listing) -> Located:
    """Find each row's file, a look at each folder. Raises InputError for paths and links that leave the root."""
    root = os.path.realpath(listing.root)
    if not os.path.isdir(root):
        raise InputError(f"there is no folder {listing.root}")
    found = Located([""] * len(listing), [(-1, 0)] * len(listing), {})
    folders: dict[str, list[int]] = {}
    for row, path in enumerate(listing.paths):
        folders.setdefault(os.path.dirname(path), []).append(row)
    outside: list[int] = []
    for folder, rows in folders.items():
        _look(listing, root, folder, rows, found, outside)
    if outside:
        names = few([f"{row_name(listing, row)}: {listing.paths[row]}" for row in sorted(outside)])
        raise InputError(f"paths and links that leave the folder {listing.root}: {names}")
    return found


def row_name(listing: Listing, row: int) -> str:
    """How a message names a row: as the listing does, or by its path."""
    return listing.paths[row] if listing.where is None else listing.where[row]


def few(names: list[str]) -> str:
    """The first three, and how many more there are."""
    more = len(names) - _NAMED
    return "; ".join(names[:_NAMED]) + (f"; and {more:,} more" if more > 0 else "")


def taken(listing: Listing, rows: list[int]) -> Listing:
    """Those rows of a listing."""
    return replace(
        listing,
        paths=[listing.paths[row] for row in rows],
        classes=[listing.classes[row] for row in rows],
        categories=None if listing.categories is None else [listing.categories[row] for row in rows],
        is_query=None if listing.is_query is None else listing.is_query[rows],
        is_gallery=None if listing.is_gallery is None else listing.is_gallery[rows],
        where=None if listing.where is None else [listing.where[row] for row in rows],
    )


def _look(listing: Listing, root: str, folder: str, rows: list[int], found: Located, outside: list[int]) -> None:
    """Look for the files of these rows, which one folder is to hold."""
    try:
        real = os.path.realpath(os.path.join(root, folder))
        entries = {} if not _inside(real, root) else {entry.name: entry for entry in os.scandir(real)}
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        missing = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
        for row in rows:
            found.paths[row] = os.path.join(root, listing.paths[row])
            found.faults[row] = "is missing" if missing else f"can't be read: {getattr(error, 'strerror', error)}"
        return
    if not _inside(real, root):
        outside += rows
        return
    for row in rows:
        name = os.path.basename(listing.paths[row])
        path = found.paths[row] = os.path.join(real, name)
        entry = entries.get(name)
        try:
            if entry is not None and entry.is_symlink():
                path = found.paths[row] = os.path.realpath(path)
                if not _inside(path, root):
                    outside.append(row)
                    continue
            # not of a name like "..", which no folder lists
            status = None if entry is None else entry.stat()
        except OSError as error:  # a link to nothing, or to itself
            status = None
            if not isinstance(error, FileNotFoundError):
                found.faults[row] = f"can't be read: {error.strerror}"
        if status is None:
            found.faults.setdefault(row, "is missing")
        elif not stat.S_ISREG(status.st_mode):
            found.faults[row] = "is a folder" if stat.S_ISDIR(status.st_mode) else "is no file with content"
        else:
            found.stamps[row] = status.st_size, status.st_mtime_ns
            if not status.st_size:
                found.faults[row] = "is empty"


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
