"""The pairs that a miner chose, as masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from weightlab.arrays import as_indices
from weightlab.errors import InputError, describe
from weightlab.relation import Masks

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["ChosenPairs"]

_LENGTHS = (3, 4)


@dataclass(frozen=True)
class ChosenPairs:
    """Positive and negative pairs of `anchors` × `references`, (row, column), int64 [n] each; some more than once."""

    positive: tuple[Tensor, Tensor]
    negative: tuple[Tensor, Tensor]
    anchors: int
    references: int

    @classmethod
    def read(cls, indices_tuple: Sequence[Array], anchors: int, references: int, device: torch.device) -> ChosenPairs:
        """Of triplets (anchor, positive, negative), or pairs (anchor, positive, anchor, negative).

        Raises InputError for anything else and for indices that are out of range.
        """
        if not isinstance(indices_tuple, Sequence) or len(indices_tuple) not in _LENGTHS:
            count = len(indices_tuple) if isinstance(indices_tuple, Sequence) else describe(indices_tuple)
            raise InputError(f"indices_tuple must be triplets or pairs, 3 or 4 lists of indices, not {count}")
        first, *_, last = indices_tuple
        other = first if len(indices_tuple) == 3 else indices_tuple[2]
        positive, negative = (
            _both(row, column, anchors, references, device)
            for row, column in ((first, indices_tuple[1]), (other, last))
        )
        return cls(positive, negative, anchors, references)

    def used(self) -> Tensor:
        """The references that are in any pair, int64, ascending."""
        used = torch.zeros(self.references, dtype=torch.bool, device=self.positive[0].device)
        used[self.positive[1]] = used[self.negative[1]] = True
        return used.nonzero()[:, 0]

    def masks(self, columns: Tensor | None = None) -> Masks:
        """Of all references, or of these alone: bool [anchors, references] each. A pair may be in both."""
        width, place = self.references, None
        if columns is not None:
            width, place = len(columns), columns.new_zeros(self.references)
            place[columns] = torch.arange(width, device=columns.device)
        positive, negative = (
            _mask(row, column if place is None else place[column], (self.anchors, width))
            for row, column in (self.positive, self.negative)
        )
        return positive, negative


def _both(row: Array, column: Array, anchors: int, references: int, device: torch.device) -> tuple[Tensor, Tensor]:
    rows = as_indices("indices_tuple", row, 0, anchors - 1, device=device)
    columns = as_indices("indices_tuple", column, 0, references - 1, device=device)
    if rows.shape != columns.shape:
        raise InputError(f"indices_tuple has {len(rows)} anchors for {len(columns)} pairs")
    return rows, columns


def _mask(row: Tensor, column: Tensor, shape: tuple[int, int]) -> Tensor:
    mask = torch.zeros(shape, dtype=torch.bool, device=row.device)
    mask[row, column] = True
    return mask
