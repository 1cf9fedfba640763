"""Image files as a data set: every kind that has files ends here, with the same checks, cache and augmentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from weightlab.data.images.augmentation import working_side
from weightlab.data.images.checks import check_files, check_listings, remarks
from weightlab.data.images.classes import seed_and_share, split_by_seed, validation_of
from weightlab.data.images.decode import SUFFIXES
from weightlab.data.images.inputs import Images
from weightlab.data.images.kept import Library, decode_all, read_or_decode
from weightlab.data.images.rows import Located, few, locate, row_name, taken
from weightlab.data.kind import Found, Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError, printable
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["SUFFIXES", "build", "found", "seed_and_share", "split_by_seed"]


def build(name: str, listings: Listings, wanted: Wanted) -> Dataset:
    """The data set of these listings.

    All is checked before anything is trained on: paths that leave their folder, a file in two rows, a class in both
    parts, a part without rows, queries without anything to find, and, decoding every image once, those that are missing
    or damaged. Sets that take at most 2 GiB decoded are kept so, in a file of the cache folder that is mapped; larger
    ones are decoded anew by worker processes. Augmentation is crop-flip unless another is wanted; for validation a
    fifth of the training classes, by a hash of their names, stand for the test part.
    Raises InputError for each of the above; with `wanted.skip_damaged` what is missing or damaged is left out instead,
    and the notes say how much.
    """
    check_listings(listings)
    parts = listings.train, listings.test
    located = [locate(part) for part in parts]
    check_files(listings, *located)
    library, positions = _library(name, located, working_side(wanted.size))
    faults = [_faults(part, files, library, rows) for part, files, rows in zip(parts, located, positions, strict=True)]
    notes = [*listings.notes, *_settle(faults, sum(map(len, parts)), skip=wanted.skip_damaged)]
    kept = [[row for row in range(len(part)) if row not in bad] for part, bad in zip(parts, faults, strict=True)]
    left = replace(listings, train=taken(parts[0], kept[0]), test=taken(parts[1], kept[1]))
    notes += _vanished(listings, left)
    check_listings(left)
    rows = [place[keep] for place, keep in zip(positions, kept, strict=True)]
    if wanted.validation:
        training, validation = validation_of(left.train)
        rows = [rows[0][training], rows[0][validation]]
        left = replace(left, train=taken(left.train, training), test=_without_roles(taken(left.train, validation)))
        check_listings(left)
    inputs = [Images(library.images, each, wanted.size, wanted.augment) for each in rows]
    train, test = _split(left.train, inputs[0]), _split(left.test, inputs[1])
    return Dataset(name, train, test, listings.ks, (*notes, *remarks(left)))


def found(listings: Listings) -> Found:
    """What the listings hold, for `weightlab data check`: how many images, classes and categories, of which sizes; and
    all that keeps them from being used. Every image is decoded.
    """
    parts = (("train", listings.train), ("test", listings.test))
    facts = [_counts(name, part) for name, part in parts if len(part)] + [*listings.notes]
    try:
        check_listings(listings)
        located = [locate(part) for _, part in parts]
        check_files(listings, *located)
    except InputError as error:
        return Found(tuple(facts), (str(error),))
    faults = [
        f"{row_name(part, row)}: {where.paths[row]} {fault}"
        for (_, part), where in zip(parts, located, strict=True)
        for row, fault in sorted(where.faults.items())
    ]
    there = [
        (row_name(part, row), path)
        for (_, part), where in zip(parts, located, strict=True)
        for row, path in enumerate(where.paths)
        if row not in where.faults
    ]
    sizes: list[tuple[int, int]] = []
    for verdict in decode_all([path for _, path in there], 1, keep=False):
        for size, fault in zip(verdict.sizes, verdict.faults, strict=True):
            row, path = there[len(sizes)]
            sizes.append(size)
            if fault is not None:
                faults.append(f"{row}: {path} {fault}")
    facts += _sizes([size for size in sizes if size != (0, 0)]) + remarks(listings)
    return Found(tuple(facts), tuple(faults))


def _library(name: str, located: Sequence[Located], side: int) -> tuple[Library, list[NDArray[np.int64]]]:
    """All files that are there, and which of them each row of each part is; −1 for none."""
    stamps = {
        path: stamp
        for files in located
        for row, (path, stamp) in enumerate(zip(files.paths, files.stamps, strict=True))
        if row not in files.faults
    }
    paths = sorted(stamps)  # the same files make the same cache, whatever part they are in
    number = {path: position for position, path in enumerate(paths)}
    library = read_or_decode(name, paths, [stamps[path] for path in paths], side)
    return library, [np.array([number.get(path, -1) for path in files.paths], np.int64) for files in located]


def _faults(part: Listing, files: Located, library: Library, positions: NDArray[np.int64]) -> dict[int, str]:
    """What is wrong with each row that can't be used."""
    wrong = dict(files.faults)
    for row, position in enumerate(positions.tolist() if library.faults else []):
        if position in library.faults:
            wrong[row] = library.faults[position]
    return {row: f"{row_name(part, row)}: {files.paths[row]} {wrong[row]}" for row in sorted(wrong)}


def _settle(faults: Sequence[dict[int, str]], images: int, *, skip: bool) -> list[str]:
    """Refuse, or a note of what is left out."""
    lines = [line for part in faults for line in part.values()]
    if not lines:
        return []
    said = f"{len(lines):,} of {images:,} images can't be read"
    if not skip:
        raise InputError(f"{said} (--skip-damaged leaves them out): {few(lines)}")
    return [printable(f"{said} and are left out: {few(lines)}")]


def _vanished(before: Listings, after: Listings) -> list[str]:
    """A note of the classes that have no image left."""
    names = sorted({*before.train.classes, *before.test.classes} - {*after.train.classes, *after.test.classes})
    return [printable(f"{len(names):,} classes have no image left: {few(names)}")] if names else []


def _without_roles(listing: Listing) -> Listing:
    return replace(listing, is_query=None, is_gallery=None)


def _split(listing: Listing, inputs: Images) -> Split:
    names, labels = _numbered(listing.classes)
    categories = None if listing.categories is None else _numbered(listing.categories)
    return Split(
        labels,
        inputs,
        categories=None if categories is None else categories[1],
        is_query=_mask(listing.is_query),
        is_gallery=_mask(listing.is_gallery),
        paths=listing.paths,
        class_names=names,
        category_names=None if categories is None else categories[0],
    )


def _numbered(texts: Sequence[str]) -> tuple[list[str], Tensor]:
    """The different texts, and which of them each is."""
    names = sorted(set(texts))
    number = {name: place for place, name in enumerate(names)}
    return names, torch.tensor([number[text] for text in texts])


def _mask(given: NDArray[np.bool_] | None) -> Tensor | None:
    return None if given is None else torch.from_numpy(np.array(given, bool))


def _counts(name: str, part: Listing) -> str:
    counts = Counter(part.classes)
    least, most = min(counts, key=lambda each: counts[each]), max(counts, key=lambda each: counts[each])
    categories = "" if part.categories is None else f" in {len(set(part.categories)):,} categories"
    roles = "".join(
        f", {int(np.count_nonzero(mask)):,} {role}"
        for role, mask in (("query", part.is_query), ("gallery", part.is_gallery))
        if mask is not None
    )
    return printable(
        f"{name}: {len(part):,} images of {len(counts):,} classes{categories}{roles}; "
        f"{counts[least]:,} ({least}) to {counts[most]:,} ({most}) a class"
    )


def _sizes(sizes: Sequence[tuple[int, int]]) -> list[str]:
    """The smallest and the largest image, by area."""
    if not sizes:
        return []
    least, most = min(sizes, key=lambda size: size[0] * size[1]), max(sizes, key=lambda size: size[0] * size[1])
    return [f"images of {least[0]:,} × {least[1]:,} to {most[0]:,} × {most[1]:,} pixels"]
