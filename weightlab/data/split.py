"""What a data set is: images that are asked for by row, and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Dataset", "Split"]


class Split(Protocol):
    """Rows of images and their labels."""

    @property
    def labels(self) -> Tensor:
        """int64 [N]: the class of each row, numbered from 0 without gaps."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def images(self, index: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The images of the rows `index`, int64 [n]: float32 [n, channels, height, width] in [0, 1].

        With a generator they are freshly distorted (training); without one they are always the same (test).
        Raises InputError for rows that are not there.
        """
        ...


@dataclass(frozen=True)
class Dataset:
    """A data set.

    name: as the commands know it.
    train: what one trains on.
    test: what one tests on, of other classes.
    """

    name: str
    train: Split
    test: Split
