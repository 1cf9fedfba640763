"""Classes for training and classes for test, told apart by a hash of their names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from numpy import bool_
    from numpy.typing import NDArray

__all__ = ["VALIDATION", "halves"]

VALIDATION = 0.2  # of the training classes


def halves(names: Iterable[str], seed: int, share: float, purpose: str = "test") -> NDArray[bool_]:
    """Which of the classes with these names go to the second part, bool [n]: each with the probability `share`.

    A hash of (purpose, seed, name) decides, so that a class that is added or taken away moves no other.
    purpose: what the second part is for; for another one the choice has nothing to do with this one.
    """
    return np.array([_uniform(f"weightlab {purpose} {seed} {name}") < share for name in names], dtype=bool)


def _uniform(text: str) -> float:
    """A number in [0, 1) that hangs on the text alone."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
