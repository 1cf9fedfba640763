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
        counts = pairs.positive.sum(1)
        slot = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
        s = pairs.precise
        most = int(counts.max()) if len(counts) else 0
        front = s.new_full((len(s), most), torch.inf)
        similarity = front.index_put((row, slot), s[row, column])
        return cls(similarity, counts.clamp(min=1).to(s.dtype), row, column, slot)

    def spread(self, x: Tensor, references: int) -> Tensor:
        """[B, K] → [B, references]: every positive's number back in its own column, 0 elsewhere."""
        out = x.new_zeros((len(x), references))
        out[self.row, self.column] = x[self.row, self.slot]
        return out
