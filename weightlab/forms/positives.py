"""The few positives of each anchor, side by side: what a sum over pairs of pairs walks along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Pairs

__all__ = ["Positives", "to_front"]


@dataclass(frozen=True)
class Positives:
    """Each anchor's positives at the front of a row.

    similarity: [B, K], K the most that one anchor has; +∞ behind an anchor's last.
    count: [B], how many they are, at least 1, to divide by.
    row, column, slot: [n], where each of the n positive pairs stands in [B, R] and in [B, K].
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
        front, slot, counts = to_front(row, similarity, anchors, torch.inf)
        return cls(front, counts.clamp(min=1).to(similarity.dtype), row, column, slot)

    @classmethod
    def all_of(cls, similarity: Tensor) -> Positives:
        """Anchors with K positives each, [B, K], that stand in the first columns."""
        row, column = torch.ones_like(similarity, dtype=torch.bool).nonzero(as_tuple=True)
        return cls(similarity, similarity.new_full((len(similarity),), similarity.shape[1]), row, column, column)

    @property
    def mask(self) -> Tensor:
        """Which entries of `similarity` are positives, bool [B, K]."""
        return self.similarity < torch.inf

    def below(self, limit: Tensor) -> Positives:
        """Without those from a limit [B] on, which leave as if they were not there."""
        s = self.similarity
        kept = s.masked_fill(s >= limit[:, None], torch.inf)
        return Positives(kept, kept.isfinite().sum(1).clamp(min=1).to(s.dtype), self.row, self.column, self.slot)

    def least(self) -> Tensor:
        """min_P S, [B]; +∞ without positives."""
        s = self.similarity
        return s.amin(1) if s.shape[1] else s.new_full((len(s),), torch.inf)

    def of_each(self, x: Tensor) -> Tensor:
        """[B, K] → [n]: each positive pair's number."""
        return x[self.row, self.slot]

    def front(self, x: Tensor) -> Tensor:
        """[n] → [B, K]: the positive pairs' numbers side by side, 0 behind an anchor's last."""
        return torch.zeros_like(self.similarity).index_put((self.row, self.slot), x)

    def spread(self, x: Tensor, references: int) -> Tensor:
        """[B, K] → [B, references]: every positive's number back in its own column, 0 elsewhere."""
        out = x.new_zeros((len(x), references))
        out[self.row, self.column] = self.of_each(x)
        return out


def to_front(row: Tensor, values: Tensor, rows: int, fill: float) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers [n] of ascending rows [n] as a matrix [rows, most of a row], each row's at its front and `fill` behind.

    With it: each one's column there, [n], and how many each row has, [rows].
    """
    counts = torch.bincount(row, minlength=rows)
    slot = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    most = int(counts.max()) if rows else 0
    return values.new_full((rows, most), fill).index_put((row, slot), values), slot, counts
