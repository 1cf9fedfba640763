"""The references that are an anchor's positives: found by label where a label is a number, and not by all pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.pairs import References
from weightlab.relation import Masks, Same, related

__all__ = ["SameLabel"]

_RELATED = 8192  # references that a relation is asked for at a time


@dataclass(frozen=True)
class SameLabel:
    """The pairs of anchors and references that share a label, or go together by a relation or a mask.

    row, column: int64 [n], the positive pairs, rows ascending.
    excluded_row, excluded_column: int64 [m], the pairs that are no negatives: positives, the anchors' own entries, and
        what a mask leaves out.
    """

    row: Tensor
    column: Tensor
    excluded_row: Tensor
    excluded_column: Tensor

    @classmethod
    def find(cls, labels: Tensor | None, references: References, same: Same | None = None) -> SameLabel:
        """Of anchors' labels [B], and of the references' look-up where they have one; of any labels by a relation.

        Without a look-up in O(M log B), and O(B·c) for the c references that share any anchor's label; by a relation
        O(B·M), a block of references at a time. Raises InputError as `related` does.
        """
        labels, reference_labels = references.both_labels(labels, same)
        if same is not None:
            row, column = _by_relation(same, labels, reference_labels)
        elif references.shared is None:
            row, column = _sought(labels, reference_labels)
        else:
            row, column = references.shared  # of these labels, as `References.check_anchors` made sure
        own = references.own
        if own is None:
            return cls(row, column, row, column)
        is_own = own[row] == column
        has_own = (own >= 0).nonzero()[:, 0]
        kept_row, kept_column = row[~is_own], column[~is_own]
        excluded = torch.cat([kept_row, has_own]), torch.cat([kept_column, own[has_own]])
        return cls(kept_row, kept_column, *excluded)

    @classmethod
    def of_masks(cls, masks: Masks, references: References, anchors: int) -> SameLabel:
        """Of positive and negative pairs, bool [B, M] each. Raises InputError as `as_masks` does."""
        positive, negative = references.masks_for(None, None, masks, anchors)
        return cls(*positive.nonzero(as_tuple=True), *(~negative).nonzero(as_tuple=True))

    def excluded_by_block(self, references: int, size: int) -> list[tuple[Tensor, Tensor]]:
        """The pairs that are no negatives in each block of `size` references: row, and column from its start."""
        if references <= size:
            return [(self.excluded_row, self.excluded_column)]
        order = self.excluded_column.argsort()
        row, column = self.excluded_row[order], self.excluded_column[order]
        starts = torch.arange(0, references + size, size, device=column.device)
        counts = torch.searchsorted(column, starts).diff().tolist()
        return list(zip(row.split(counts), (column % size).split(counts), strict=True))


def _sought(labels: Tensor, reference_labels: Tensor) -> tuple[Tensor, Tensor]:
    known = labels.unique()
    place = torch.searchsorted(known, reference_labels).clamp(max=len(known) - 1)
    shared = (known[place] == reference_labels).nonzero()[:, 0]
    row, which = (labels[:, None] == reference_labels[shared]).nonzero(as_tuple=True)
    return row, shared[which]


def _by_relation(same: Same, labels: Tensor, reference_labels: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of the pairs that go together, rows ascending."""
    rows, columns = [], []
    for start in range(0, max(1, len(reference_labels)), _RELATED):
        row, column = related(same, labels, reference_labels[start : start + _RELATED]).nonzero(as_tuple=True)
        rows.append(row)
        columns.append(column + start)
    row, order = torch.cat(rows).sort(stable=True)
    return row, torch.cat(columns)[order]
