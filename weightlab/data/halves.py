"""Which characters train and which test: half and half, the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["halves", "order"]


def halves(points: NDArray[np.int32], *, validation: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of `points`, code points of the classes, to train on and to test on.

    validation: cut the training half, 4/5 to train on and 1/5 in place of the test half.
    """
    rows = order(points, "classes")
    train, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    if validation:
        rows = train[order(points[train], "validation")]
        train, test = rows[len(rows) // 5 :], rows[: len(rows) // 5]
    return train, test


def order(points: NDArray[np.int32], purpose: str) -> NDArray[np.intp]:
    """A fixed random order: by a hash, which no version of a library's random numbers can change."""
    keys = [hashlib.sha256(f"weightlab {purpose} {point}".encode()).digest() for point in points.tolist()]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
