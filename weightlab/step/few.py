"""The few references that share an anchor's label, found by label and not by comparing all pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Few"]


@dataclass(frozen=True)
class Few:
    """row, column: int64 [n], the positive pairs, rows ascending. out_row, out_column: int64 [m], the pairs that are no
    negatives (the positives and the anchors' own entries), columns ascending.
    """

    row: Tensor
    column: Tensor
    out_row: Tensor
    out_column: Tensor

    @classmethod
    def find(cls, labels: Tensor, reference_labels: Tensor, own: Tensor | None) -> Few:
        """Of anchors' labels [B] and references' labels [M]; own: as of `Pairs.from_embeddings`.

        In O(M log B), and O(B·c) for the c references that share any anchor's label.
        """
        known = labels.unique()
        place = torch.searchsorted(known, reference_labels).clamp(max=len(known) - 1)
        shared = (known[place] == reference_labels).nonzero()[:, 0]
        row, which = (labels[:, None] == reference_labels[shared]).nonzero(as_tuple=True)
        return cls.of(row, shared[which], own)

    @classmethod
    def of(cls, row: Tensor, column: Tensor, own: Tensor | None) -> Few:
        """Of all the pairs that share a label, own entries among them: int64 [k], rows ascending."""
        if own is None:
            return cls(row, column, *_by_column(row, column))
        is_own = own[row] == column
        has_own = (own >= 0).nonzero()[:, 0]
        out_row = torch.cat([row[~is_own], has_own])
        out_column = torch.cat([column[~is_own], own[has_own]])
        return cls(row[~is_own], column[~is_own], *_by_column(out_row, out_column))

    def outside(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """The pairs that are no negatives among the references from start to stop: row, and column from start."""
        ends = torch.tensor([start, stop], device=self.out_column.device)
        low, high = torch.searchsorted(self.out_column, ends).tolist()
        return self.out_row[low:high], self.out_column[low:high] - start


def _by_column(row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    order = column.argsort()
    return row[order], column[order]
