"""The few references that share an anchor's label, found by label and not by comparing all pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.errors import InputError
from weightlab.pairs import References

__all__ = ["SameLabel"]


@dataclass(frozen=True)
class SameLabel:
    """The pairs of anchors and references that share a label.

    row, column: int64 [n], the positive pairs, rows ascending.
    excluded_row, excluded_column: int64 [m], the pairs that are no negatives: positives and the anchors' own entries.
    """

    row: Tensor
    column: Tensor
    excluded_row: Tensor
    excluded_column: Tensor

    @classmethod
    def find(cls, labels: Tensor, references: References) -> SameLabel:
        """Of anchors' labels [B], and of the references' look-up where they have one.

        Else in O(M log B), and O(B·c) for the c references that share any anchor's label. Raises InputError for a
        look-up of other labels.
        """
        if references.shared is None:
            row, column = _sought(labels, references.labels)
        else:
            row, column = references.shared
            _check_same(labels, references.labels, row, column)
        own = references.own
        if own is None:
            return cls(row, column, row, column)
        is_own = own[row] == column
        has_own = (own >= 0).nonzero()[:, 0]
        kept_row, kept_column = row[~is_own], column[~is_own]
        excluded = torch.cat([kept_row, has_own]), torch.cat([kept_column, own[has_own]])
        return cls(kept_row, kept_column, *excluded)

    def excluded_by_block(self, references: int, size: int) -> list[tuple[Tensor, Tensor]]:
        """The pairs that are no negatives in each block of `size` references: row, and column from its start."""
        if references <= size:
            return [(self.excluded_row, self.excluded_column)]
        order = self.excluded_column.argsort()
        row, column = self.excluded_row[order], self.excluded_column[order]
        starts = torch.arange(0, references + size, size, device=column.device)
        counts = torch.searchsorted(column, starts).diff().tolist()
        return list(zip(row.split(counts), (column % size).split(counts), strict=True))


def _check_same(labels: Tensor, reference_labels: Tensor, row: Tensor, column: Tensor) -> None:
    """A look-up that was made for another batch would change the sign of a weight in silence."""
    if len(row) and (int(row[-1]) >= len(labels) or not torch.equal(labels[row], reference_labels[column])):
        raise InputError("the references' look-up is of other labels: make it with the labels of this batch")


def _sought(labels: Tensor, reference_labels: Tensor) -> tuple[Tensor, Tensor]:
    known = labels.unique()
    place = torch.searchsorted(known, reference_labels).clamp(max=len(known) - 1)
    shared = (known[place] == reference_labels).nonzero()[:, 0]
    row, which = (labels[:, None] == reference_labels[shared]).nonzero(as_tuple=True)
    return row, shared[which]
