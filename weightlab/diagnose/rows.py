"""What is diagnosed: embeddings with their classes, and a sample of anchors among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from weightlab.errors import InputError
from weightlab.lazy import np, torch
from weightlab.retrieval.rows import as_rows, take
from weightlab.retrieval.sides import as_classes

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab import arrays
    from weightlab.diagnose.estimate import Array

__all__ = ["Rows"]

_NUMBERS = 1 << 22  # of a block of rows
_PAIRS, _LEAST = 500_000_000, 1000  # pairs that are looked at in all, and anchors however many rows there are


@dataclass(frozen=True, eq=False)
class Rows:
    """Embeddings and their classes.

    embeddings: [N, D], floating-point, of length 1; perhaps on disk.
    labels: int64 [C], each class's label, ascending.
    classes: int64 [N], which of these each row has.
    """

    embeddings: Array
    labels: Array
    classes: Array

    @classmethod
    def of(cls, embeddings: arrays.Array, labels: arrays.Array) -> Rows:
        """Raises InputError for embeddings that are not finite or not of length 1, labels that don't fit, and where no
        two rows share a class or all do: without positives, or without negatives, there is nothing to weigh.
        """
        rows = as_rows("embeddings", embeddings)
        names, classes = as_classes(labels, rows)
        found = cls(rows, names, classes)
        if len(rows) < 2:
            raise InputError(f"a diagnosis is of pairs: it needs two rows or more, not {len(rows)}")
        if len(names) == 1:
            raise InputError(
                f"all {len(rows):,} rows are of one class, label {names[0]}: there is no negative pair, and nothing "
                "that a loss could push apart"
            )
        if len(names) == len(rows):
            raise InputError(
                f"each of the {len(rows):,} rows has a class of its own: there is no positive pair, and nothing that a "
                "loss could pull together"
            )
        return found

    def __len__(self) -> int:
        return len(self.classes)

    @cached_property
    def sizes(self) -> Array:
        """How many rows each class has, int64 [C]."""
        return np.bincount(self.classes, minlength=len(self.labels))

    @cached_property
    def members(self) -> tuple[Array, Array]:
        """Rows by class, int64 [N], and where each class's begin, [C + 1]."""
        order = np.argsort(self.classes, kind="stable")
        return order, np.concatenate([[0], np.cumsum(self.sizes)])

    def of_class(self, number: int) -> Array:
        """The rows of a class, ascending."""
        order, start = self.members
        return order[start[number] : start[number + 1]]

    @cached_property
    def sums(self) -> Tensor:
        """The sum of each class's embeddings, [C, D], float64 unless these are many."""
        shape = len(self.labels), self.embeddings.shape[1]
        total = torch.zeros(shape, dtype=torch.float64 if shape[0] * shape[1] <= _NUMBERS else torch.float32)
        for first, block in self.blocks():
            classes = torch.from_numpy(self.classes[first : first + len(block)])
            total.index_add_(0, classes, block.to(total.dtype))
        return total

    @cached_property
    def paired(self) -> Array:
        """The rows that have a positive, int64."""
        return np.flatnonzero(self.sizes[self.classes] > 1)

    def anchors(self, random: np.random.Generator) -> Array:
        """A random choice of the rows that have a positive, ascending; all where there are few."""
        most = max(_LEAST, _PAIRS // len(self))
        if len(self.paired) <= most:
            return self.paired
        return np.sort(random.choice(self.paired, most, replace=False))

    def blocks(self) -> Iterator[tuple[int, Tensor]]:
        """Some rows at a time, float32, with the number of the first."""
        size = max(1, _NUMBERS // self.embeddings.shape[1])
        for first in range(0, len(self), size):
            yield first, self.take(np.arange(first, min(first + size, len(self))))

    def take(self, index: Array) -> Tensor:
        """These rows, float32, copied."""
        return take(self.embeddings, index, torch.float32)
