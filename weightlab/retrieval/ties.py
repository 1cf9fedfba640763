"""The places of each query's nearest references, with the references that tie for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TOLERANCE", "Places"]

TOLERANCE = 1e-6  # eight times the spacing of float32 below 1: what rounding makes of equal embeddings lies within it


@dataclass(frozen=True)
class Places:
    """The first d places of Q queries, at each of them the references that tie for it: int64 [Q, d].

    before: how many references are more similar than these.
    hits_before: how many of those have the query's label.
    size: how many references tie.
    hits: how many of those have the query's label.
    """

    before: Tensor
    hits_before: Tensor
    size: Tensor
    hits: Tensor

    @classmethod
    def of(cls, similarity: Tensor, hits: Tensor) -> Places:
        """Of all references, most similar first, or of the first where none ties with those beyond: [Q, d] both."""
        start, _ = _groups(similarity)
        full = hits.new_full((len(hits),), hits.shape[1], dtype=torch.int64)
        return cls._counted(start, hits, full, hits.sum(1))

    @classmethod
    def among(cls, similarity: Tensor, same: Tensor, depth: int) -> Places:
        """The first `depth` among all the references, unsorted, [Q, R], `same` where a reference has the label."""
        nearest, found = similarity.topk(depth, dim=1)
        start, leader = _groups(nearest)
        reached = similarity >= leader[:, None] - TOLERANCE
        return cls._counted(start, same.gather(1, found), reached.sum(1), (reached & same).sum(1))

    @classmethod
    def _counted(cls, start: Tensor, hits: Tensor, reached: Tensor, hits_reached: Tensor) -> Places:
        """start: the first place of each place's group, [Q, d]; reached: references up to the last group's end, [Q]."""
        depth = hits.shape[1]
        place = torch.arange(depth)
        # the next group's start, read from the right: at the first places of groups, one place to the left
        starts = torch.where(start == place, place, depth)
        end = torch.cat([starts[:, 1:], starts.new_full((len(hits), 1), depth)], dim=1).flip(1).cummin(1).values.flip(1)
        found = torch.cat([hits.new_zeros((len(hits), 1), dtype=torch.int64), hits.cumsum(1)], dim=1)
        is_last = end == depth
        hits_before = found.gather(1, start)
        hits_up_to = torch.where(is_last, hits_reached[:, None], found.gather(1, end))
        return cls(start, hits_before, torch.where(is_last, reached[:, None], end) - start, hits_up_to - hits_before)

    def put(self, rows: Tensor, other: Places) -> None:
        """Replace these rows, in place."""
        for name in ("before", "hits_before", "size", "hits"):
            getattr(self, name)[rows] = getattr(other, name)

    def recall(self, k: int) -> Tensor:
        """The expectation, over random orders of what ties, of whether one of the first `k` is a hit: float64 [Q].

        Certain where there is a hit among the more similar ones. Else, of t that tie for place k, m of them hits, q are
        among the first k, and they miss them all in C(t − m, q) of C(t, q) cases.
        """
        at = min(k, self.before.shape[1]) - 1
        before, hits_before, size, hits = (
            each[:, at] for each in (self.before, self.hits_before, self.size, self.hits)
        )
        missed = _share_without(size, hits, at + 1 - before)
        return torch.where(hits_before > 0, 1.0, 1 - missed)

    def average_precision(self, relevant: Tensor) -> Tensor:
        """The expectation of the average precision over the first R = `relevant` places, [Q]: float64 [Q].

        Place i, the j-th of the t that tie for it, of which m are hits, holds a hit with probability m/t, and then of
        the j − 1 places before it that tie, (j − 1)(m − 1)/(t − 1) hold one in the mean; precision is linear in that.
        """
        place = torch.arange(1, self.before.shape[1] + 1)
        hits, size = self.hits.double(), self.size.double()
        others = (place - self.before - 1) * (hits - 1) / (size - 1).clamp(min=1)
        precision = (self.hits_before + 1 + others) / place
        return (hits / size * precision * (place <= relevant[:, None])).sum(1) / relevant


def _groups(similarity: Tensor) -> tuple[Tensor, Tensor]:
    """The first place of each place's group, [Q, d], and the similarity at the last group's first place, [Q].

    A group reaches from its first similarity as far down as the tolerance: were it chained from one to the next, it
    would have no end where similarities lie dense.
    """
    by_place = similarity.T.contiguous()
    start = torch.zeros(by_place.shape, dtype=torch.int64)
    leader, first = by_place[0].clone(), start[0].clone()
    for place in range(1, len(by_place)):
        is_next = by_place[place] < leader - TOLERANCE
        leader = torch.where(is_next, by_place[place], leader)
        first = torch.where(is_next, place, first)
        start[place] = first
    return start.T.contiguous(), leader


def _share_without(size: Tensor, hits: Tensor, drawn: Tensor) -> Tensor:
    """Of the ways to draw so many of `size`, the share that draws no hit: C(size − hits, drawn) / C(size, drawn)."""
    misses = size - hits
    factorial = torch.lgamma(torch.stack([misses, misses - drawn, size, size - drawn]).clamp(min=0).double() + 1)
    share = ((factorial[0] - factorial[1]) - (factorial[2] - factorial[3])).exp()
    return torch.where(drawn > misses, 0.0, share)
