"""Image files as a data set's lists or folders have them, before any is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import bool_
    from numpy.typing import NDArray

__all__ = ["Listing", "Listings"]


@dataclass(frozen=True, eq=False)
class Listing:
    """The rows of one part.

    root: the folder that they lie in.
    paths: of each image in it, with "/" between folders.
    classes: the name of each image's class; numbers as text.
    categories: the name of each image's category, or None.
    is_query, is_gallery: bool [N], or None for all.
    where: how a message names each row ("Ebay_test.txt, line 5"), or None: by its path.
    """

    root: Path
    paths: list[str]
    classes: list[str]
    categories: list[str] | None = None
    is_query: NDArray[bool_] | None = None
    is_gallery: NDArray[bool_] | None = None
    where: list[str] | None = None

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class Listings:
    """Both parts.

    train, test: their rows.
    ks: the k of R@k that the protocol asks for.
    notes: what whoever uses it should know, a line each.
    """

    train: Listing
    test: Listing
    ks: tuple[int, ...] = (1, 10, 100)
    notes: tuple[str, ...] = ()
