"""A published archive: its lists as they were read, against what was published and against the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.lists import Row
from weightlab.data.places import located, missing, sizes, strays
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
    from weightlab.data import images

    archive = read(source)
    if wrong := _unusable(archive):
        more = f" ({len(wrong) - 1:,} more faults: weightlab data check shows them)" if len(wrong) > 1 else ""
        raise InputError(f"{source}: {wrong[0]}{more}")
    differences = _differences(archive)
    notes = [f"{source} is not as published: {'; '.join(differences)}"] if differences else []
    listings = Listings(archive.train, archive.test, archive.ks, (*archive.notes, *notes))
    return images.build(str(Source(source.kind, "", source.options)), listings, wanted)


def _version(read: Callable[[Source], Archive], source: Source) -> str:
    """A hash of the lists, and of the images' names and sizes."""
    archive = read(source)
    digest = hashlib.sha256(f"{_VERSION}".encode())
    for file in archive.lists:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for part in (archive.train, archive.test):
        for path, size in zip(part.paths, sizes(part.root, part.paths), strict=True):
            digest.update(f"{path}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _inspect(read: Callable[[Source], Archive], source: Source) -> Found:
    archive = read(source)
    expected: dict[str, str] = {name: _either(counts) for name, counts in archive.published.items()}
    expected |= {name: f"{count:,}, but sources differ" for name, count in archive.unsure.items()}
    facts = [archive.layout]
    for name, count in _counts(archive).items():
        facts.append(f"{name}: {count:,}" + (f" (published: {expected[name]})" if name in expected else ""))
    absent, spare = _absent(archive), _spare(archive)
    listed = len(archive.train) + len(archive.test)
    facts.append(f"on disk: {listed - len(absent):,} of {listed:,} listed images")
    if spare:
        facts.append(f"on disk, in no list: {len(spare):,} images: {_first(spare)}")
    faults = _short(_unusable(archive), "more rows that can't be used")
    if absent:
        faults.append(f"not on disk: {len(absent):,} of {listed:,} listed images: {_first(absent)}")
    return Found((*facts, *archive.notes), (*faults, *_repeated(archive), *_differences(archive)))


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


def _unusable(archive: Archive) -> list[str]:
    """What forbids training: rows that can't be read, a part without rows, a class in both parts."""
    wrong = list(archive.faults)
    names = ", ".join(path.name for path in archive.lists)
    parts = (("train", archive.train), ("test", archive.test))
    wrong += [f"there are no {name} images in {names}" for name, part in parts if not len(part)]
    for role, mask in (("query", archive.test.is_query), ("gallery", archive.test.is_gallery)):
        if mask is not None and len(archive.test) and not mask.any():
            wrong.append(f"there are no {role} images in {names}")
    return wrong + _shared_classes(archive)


def _shared_classes(archive: Archive) -> list[str]:
    first = {label: row for row, label in reversed(list(enumerate(archive.train.classes)))}
    shared = [row for row, label in enumerate(archive.test.classes) if label in first]
    if not shared:
        return []
    label = archive.test.classes[shared[0]]
    train, test = _named(archive.train, first[label]), _named(archive.test, shared[0])
    count = len({archive.test.classes[row] for row in shared})
    return [f"{count:,} classes are in both train and test, such as {label}: {train}, and {test}"]


def _differences(archive: Archive) -> list[str]:
    """What is not as published; a part of an archive can be used for all that."""
    counts = _counts(archive)
    found = [
        f"{name}: {counts.get(name, 0):,}, not {_either(expected)}"
        for name, expected in archive.published.items()
        if counts.get(name, 0) not in expected
    ]
    return found + list(archive.differs)


def _absent(archive: Archive) -> list[str]:
    """The listed images that are not on disk, each with the row that lists it."""
    parts = (archive.train, archive.test)
    return [f"{part.paths[row]} ({_named(part, row)})" for part in parts for row in missing(part.root, part.paths)]


def _repeated(archive: Archive) -> list[str]:
    first: dict[str, str] = {}
    again = []
    for part in (archive.train, archive.test):
        for row, path in enumerate(part.paths):
            if path in first:
                again.append(f"{path} ({first[path]} and {_named(part, row)})")
            first.setdefault(path, _named(part, row))
    return [f"listed more than once: {len(again):,} images: {_first(again)}"] if again else []


def _spare(archive: Archive) -> list[str]:
    return strays(archive.train.root, [*archive.train.paths, *archive.test.paths])


def _named(part: Listing, row: int) -> str:
    return part.paths[row] if part.where is None else part.where[row]


def _either(counts: Sequence[int]) -> str:
    return " or ".join(f"{count:,}" for count in counts)


def _first(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_SHOWN]) + (", …" if len(texts) > _SHOWN else "")


def _short(texts: Sequence[str], rest: str) -> list[str]:
    more = [f"{len(texts) - _SHOWN:,} {rest}"] if len(texts) > _SHOWN else []
    return [*texts[:_SHOWN], *more]
