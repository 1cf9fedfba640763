"""A published archive: its lists as they were read, held against what was published and against the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from weightlab.data import images
from weightlab.data.images.checks import check_files, check_listings, remarks
from weightlab.data.images.rows import few, locate, row_name
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.lists import Row
from weightlab.data.places import located, strays
from weightlab.data.source import Source
from weightlab.data.split import Dataset
from weightlab.errors import InputError
from weightlab.lazy import np

__all__ = ["Archive", "kind", "listing"]

_VERSION = 1  # goes up with every change of code that changes a row, a class or a role
_SHOWN = 5  # of many of a sort


@dataclass(frozen=True, eq=False)
class Archive:
    """What an archive's lists say.

    layout: where lists and images were found, in words.
    lists: the files that were read.
    train, test: the rows.
    ks: the k of R@k that the protocol asks for.
    published: by what is counted ("train images", see `_counts`), the numbers that it may be as published.
    unsure: likewise what sources disagree about: told, not held against it.
    notes: what whoever trains on it should know.
    faults: rows that can't be used, a message each.
    differs: what else is not as published.
    """

    layout: str
    lists: tuple[Path, ...]
    train: Listing
    test: Listing
    ks: tuple[int, ...]
    published: Mapping[str, tuple[int, ...]]
    unsure: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    faults: Sequence[str] = ()
    differs: tuple[str, ...] = ()

    def listings(self, notes: tuple[str, ...] = ()) -> Listings:
        """The rows as those who build a data set of them take them."""
        return Listings(self.train, self.test, self.ks, notes)


def kind(
    name: str,
    about: str,
    read: Callable[[Source], Archive],
    options: tuple[str, ...] = (),
    check: Callable[[Source], None] | None = None,
) -> Kind:
    """A kind of data set that is such an archive.

    read: raises InputError where lists or images are missing. check: of the options' values.
    """

    def check_all(source: Source) -> None:
        source.check_options(*options)
        if check is not None:
            check(source)

    return Kind(
        name=name,
        place="PATH",
        about=about,
        check=check_all,
        load=partial(_load, read),
        version=partial(_version, read),
        inspect=partial(_inspect, read),
    )


def listing(root: Path, rows: Sequence[Row]) -> Listing:
    """The rows of one part, with their files called as they are on disk."""
    categories = [row.category for row in rows if row.category is not None]
    return Listing(
        root=root,
        paths=located(root, [row.path for row in rows]),
        classes=[row.label for row in rows],
        categories=categories or None,
        where=[row.where for row in rows],
    )


def _load(read: Callable[[Source], Archive], source: Source, wanted: Wanted) -> Dataset:
    archive = read(source)
    if archive.faults:
        more = f" ({len(archive.faults) - 1:,} more such rows)" if len(archive.faults) > 1 else ""
        raise InputError(f"{source}: {archive.faults[0]}{more}")
    differences = _differences(archive)
    notes = [f"{source} is not as published: {'; '.join(differences)}"] if differences else []
    name = str(Source(source.kind, "", source.options))
    return images.build(name, archive.listings((*archive.notes, *notes)), wanted)


def _version(read: Callable[[Source], Archive], source: Source) -> str:
    """A hash of the lists, and of the images' names and sizes."""
    archive = read(source)
    digest = hashlib.sha256(f"{_VERSION}".encode())
    for file in archive.lists:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for part in (archive.train, archive.test):
        for path, (size, _) in zip(part.paths, locate(part).stamps, strict=True):
            digest.update(f"{path}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _inspect(read: Callable[[Source], Archive], source: Source) -> Found:
    archive = read(source)
    expected: dict[str, str] = {name: _either(counts) for name, counts in archive.published.items()}
    expected |= {name: f"{count:,}, but sources differ" for name, count in archive.unsure.items()}
    facts = [archive.layout]
    for name, count in _counts(archive).items():
        facts.append(f"{name}: {count:,}" + (f" (published: {expected[name]})" if name in expected else ""))
    facts += _remarks(archive)
    (there, wrong), spare = _on_disk(archive), strays(archive.train.root, [*archive.train.paths, *archive.test.paths])
    facts.append(there)
    if spare:
        facts.append(f"on disk, in no list: {len(spare):,} images: {few(spare)}")
    rows = list(archive.faults[:_SHOWN])
    if len(archive.faults) > _SHOWN:
        rows.append(f"{len(archive.faults) - _SHOWN:,} more rows that can't be used")
    return Found((*facts, *archive.notes), (*rows, *wrong, *_differences(archive)))


def _remarks(archive: Archive) -> list[str]:
    return remarks(archive.listings()) if len(archive.train) and len(archive.test) else []


def _on_disk(archive: Archive) -> tuple[str, list[str]]:
    """How many of the listed images there are; and what forbids using them."""
    parts, wrong = (archive.train, archive.test), []
    listed = sum(map(len, parts))
    try:
        check_listings(archive.listings())
    except InputError as error:
        wrong.append(str(error))
    try:
        files = [locate(part) for part in parts]
        check_files(archive.listings(), *files)
    except InputError as error:
        return f"listed: {listed:,} images", [*wrong, str(error)]
    absent = [
        f"{row_name(part, row)}: {part.paths[row]} {found.faults[row]}"
        for part, found in zip(parts, files, strict=True)
        for row in sorted(found.faults)
    ]
    if absent:
        wrong.append(f"{len(absent):,} of {listed:,} listed images can't be used: {few(absent)}")
    return f"on disk: {listed - len(absent):,} of {listed:,} listed images", wrong


def _counts(archive: Archive) -> dict[str, int]:
    """How many there are of all that is published of an archive."""
    train, test = archive.train, archive.test
    found = {
        "images": len(train) + len(test),
        "classes": len({*train.classes, *test.classes}),
        "train images": len(train),
        "train classes": len(set(train.classes)),
        "test images": len(test),
        "test classes": len(set(test.classes)),
    }
    if train.categories is not None or test.categories is not None:
        found["categories"] = len({*(train.categories or ()), *(test.categories or ())})
    for role, mask in (("query", test.is_query), ("gallery", test.is_gallery)):
        if mask is not None:
            found[f"{role} images"] = int(mask.sum())
            found[f"{role} classes"] = len(set(np.array(test.classes, object)[mask]))
    return found


def _differences(archive: Archive) -> list[str]:
    """What is not as published; a part of an archive can be used for all that."""
    counts = _counts(archive)
    found = [
        f"{name}: {counts.get(name, 0):,}, not {_either(expected)}"
        for name, expected in archive.published.items()
        if counts.get(name, 0) not in expected
    ]
    return found + list(archive.differs)


def _either(counts: Sequence[int]) -> str:
    return " or ".join(f"{count:,}" for count in counts)
