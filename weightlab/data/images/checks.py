"""What makes a listing useless or a result wrong, found before any image is opened."""

from __future__ import annotations

from collections import Counter

from weightlab.data.images.rows import Located, few, row_name
from weightlab.data.listing import Listing, Listings
from weightlab.errors import InputError, shown
from weightlab.lazy import np

__all__ = ["check_files", "check_listings", "remarks"]


def check_listings(listings: Listings) -> None:
    """Raise InputError for a part without rows, a class in both parts, and queries that have nothing to find."""
    for name, listing in (("train", listings.train), ("test", listings.test)):
        if not len(listing):
            raise InputError(f"the {name} part of {listing.root} is empty: there is no image in it")
    _check_disjoint(listings)
    test = listings.test
    for name, mask in (("query", test.is_query), ("gallery", test.is_gallery)):
        if mask is not None and not mask.any():
            other = "gallery" if name == "query" else "query"
            raise InputError(f"the test part of {test.root} has no {name} row: nothing for its {other} rows to meet")
    lonely, queries = _lonely(test)
    if lonely == queries:
        raise InputError(
            f"no query of the test part of {test.root} has another image of its class in the gallery: nothing to find"
        )


def check_files(listings: Listings, train: Located, test: Located) -> None:
    """Raise InputError for a file that stands in two rows, of one part or of both."""
    first: dict[str, tuple[str, Listing, int]] = {}
    twice = []
    for name, listing, located in (("train", listings.train, train), ("test", listings.test, test)):
        for row, path in enumerate(located.paths):
            part, where, before = first.setdefault(path, (name, listing, row))
            if where is not listing or before != row:
                both = f"{listing.paths[row]} ({part}: {row_name(where, before)}; {name}: {row_name(listing, row)})"
                twice.append(both)
    if twice:
        raise InputError(f"the same file stands in more than one row: {few(twice)}")


def remarks(listings: Listings) -> list[str]:
    """What can be used, but should be known: a line each."""
    counts = Counter(listings.train.classes)
    single = sum(count == 1 for count in counts.values())
    lonely, queries = _lonely(listings.test)
    found = []
    if single:
        found.append(
            f"{single:,} of {len(counts):,} training classes have one image: it has no positive but itself, drawn twice"
        )
    if lonely:
        found.append(f"{lonely:,} of {queries:,} test queries have no other image of their class to find")
    return found


def _check_disjoint(listings: Listings) -> None:
    train = {name: row for row, name in reversed([*enumerate(listings.train.classes)])}
    test = {name: row for row, name in reversed([*enumerate(listings.test.classes)])}
    both = [name for name in test if name in train]
    if both:
        names = [
            f"{shown(name)} ({row_name(listings.train, train[name])}; {row_name(listings.test, test[name])})"
            for name in sorted(both)
        ]
        raise InputError(
            f"classes in both train and test, where retrieval is tested on classes that training has not seen: "
            f"{few(names)}"
        )


def _lonely(listing: Listing) -> tuple[int, int]:
    """How many queries have no other image of their class in the gallery, and how many queries there are."""
    everything = np.ones(len(listing), bool)
    query = everything if listing.is_query is None else np.asarray(listing.is_query, bool)
    gallery = everything if listing.is_gallery is None else np.asarray(listing.is_gallery, bool)
    classes = np.unique(np.array(listing.classes, dtype=object), return_inverse=True)[1]
    others = np.bincount(classes[gallery], minlength=len(listing))[classes] - gallery
    return int((others[query] < 1).sum()), int(query.sum())
