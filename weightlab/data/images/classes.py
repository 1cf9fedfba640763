"""Classes chosen by a hash of their names, which no other class and no version of a library can change."""

from __future__ import annotations

from collections.abc import Iterable

from weightlab.data.disjoint import place_of
from weightlab.data.images.rows import taken
from weightlab.data.listing import Listing, Listings
from weightlab.data.source import Source
from weightlab.errors import InputError

__all__ = ["held_out", "seed_and_share", "split_by_seed", "validation_of"]

_SHARE = 5  # one in so many training classes is for validation


def held_out(names: Iterable[str], share: float, seed: int) -> set[str]:
    """The classes for test: each by a hash of its name and the seed, so that another class moves none of them.

    About `share` of them, in (0, 1); at least one, and not all. Raises InputError for fewer than two classes.
    """
    keys = {name: place_of(name, seed, "test") for name in set(names)}
    if len(keys) < 2:
        raise InputError(f"to train on some classes and test on others takes at least 2; there is {len(keys)}")
    order = sorted(keys, key=keys.__getitem__)
    count = sum(keys[name] < share for name in order)
    return set(order[: min(max(count, 1), len(order) - 1)])


def seed_and_share(source: Source) -> tuple[int, float]:
    """The options seed, at least 0, and test, the share of the classes, 0.01 to 0.99. Raises InputError for others."""
    return source.whole("seed", 0, 0), source.number("test", 0.5, 0.01, 0.99)


def split_by_seed(listing: Listing, seed: int, share: float) -> Listings:
    """A listing in two parts of different classes. Raises InputError as `held_out` does."""
    test = held_out(listing.classes, share, seed)
    rows = range(len(listing))
    return Listings(
        taken(listing, [row for row in rows if listing.classes[row] not in test]),
        taken(listing, [row for row in rows if listing.classes[row] in test]),
    )


def validation_of(train: Listing) -> tuple[list[int], list[int]]:
    """Rows of the training part to train on, and those of a fifth of its classes to validate on.

    Raises InputError for fewer than five classes.
    """
    order = sorted(set(train.classes), key=lambda name: place_of(name, 0, "validation"))
    if len(order) < _SHARE:
        raise InputError(
            f"validation takes one class in {_SHARE} of those to train on, so at least {_SHARE}; there are {len(order)}"
        )
    chosen = set(order[: len(order) // _SHARE])
    parts: tuple[list[int], list[int]] = [], []
    for row, name in enumerate(train.classes):
        parts[name in chosen].append(row)
    return parts
