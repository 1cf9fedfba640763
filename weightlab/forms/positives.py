"""The few positives of each anchor, side by side: what a sum over pairs of pairs walks along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Pairs

__all__ = ["Positives"]


@dataclass(frozen=True)
class Positives:
    """similarity: [B, K], each anchor's positives at the front, K the most that one has; +∞ behind them.

    count: [B], how many they are, at least 1, to divide by. row, column, slot: [n], where each of the n positive pairs
    stands in [B, R] and in [B, K].
    """

    similarity: Tensor
    count: Tensor
    row: Tensor
    column: Tensor
    slot: Tensor

    @classmethod
    def of(cls, pairs: Pairs) -> Positives:
        """The positives of `pairs`, differentiable in its similarities."""
        row, column = pairs.positive.nonzero(as_tuple=True)
        return cls.at(row, column, pairs.precise[row, column], len(pairs.similarity))

    @classmethod
    def at(cls, row: Tensor, column: Tensor, similarity: Tensor, anchors: int) -> Positives:
        """From a list of n pairs, [n] each: row (ascending), column and similarity."""
        counts = torch.bincount(row, minlength=anchors)
        slot = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
        most = int(counts.max()) if len(counts) else 0
        front = similarity.new_full((anchors, most), torch.inf).index_put((row, slot), similarity)
        return cls(front, counts.clamp(min=1).to(similarity.dtype), row, column, slot)

    @classmethod
    def all_of(cls, similarity: Tensor) -> Positives:
        """Anchors with K positives each, [B, K], that stand in the first columns."""
        row, column = torch.ones_like(similarity, dtype=torch.bool).nonzero(as_tuple=True)
        return cls(similarity, similarity.new_full((len(similarity),), similarity.shape[1]), row, column, column)

    @property
    def mask(self) -> Tensor:
        """Which entries of `similarity` are positives, bool [B, K]."""
        return self.similarity.isfinite()

    def spread(self, x: Tensor, references: int) -> Tensor:
        """[B, K] → [B, references]: every positive's number back in its own column, 0 elsewhere."""
        out = x.new_zeros((len(x), references))
        out[self.row, self.column] = x[self.row, self.slot]
        return out
