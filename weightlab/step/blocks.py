"""References in blocks: the similarities of a block, or of those of its pairs alone that can have a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from weightlab.step.same_label import SameLabel

__all__ = ["Block", "blocks", "weighted_sum"]

_BLOCK = 8192  # references at a time: their similarities to 64 anchors, 2 MiB, stay in the cache that cores share
_BLOCK_ON_GPU = 1 << 16  # there it is launches that cost
_WORTH_A_LIST = 1 << 17  # pairs of a block, below which it is taken whole
_SAMPLED = 16  # of a block's references every 16th is looked at before a list is made
_LISTED = 0.06  # share of a block's pairs below which a list of them is cheaper than the whole block


@dataclass(frozen=True)
class Block:
    """All the pairs of a block [B, b], or a list of n of them that are all negatives.

    similarity: [B, b]; of a list [n].
    references: [b, D].
    excluded: of a whole block the pairs that are no negatives, (row, column).
    row, column: of a list the place of each pair, int64 [n], rows ascending; None for a whole block.
    """

    similarity: Tensor
    references: Tensor
    excluded: tuple[Tensor, Tensor]
    row: Tensor | None = None
    column: Tensor | None = None

    def above(self, limit: Tensor | float) -> Block:
        """Of a whole block the list of negatives above their anchor's limit, [B]; itself where a sample has many."""
        by_reference = self.similarity.T  # as it lies in memory
        if _share_above(by_reference[::_SAMPLED], limit) > _LISTED:
            return self
        self.similarity.index_put_(self.excluded, self.similarity.new_full((), -torch.inf))
        row, column = _listed(by_reference, limit)
        similarity = by_reference.reshape(-1).index_select(0, column * by_reference.shape[1] + row)
        return Block(similarity, self.references, self.excluded, row, column)

    @property
    def worth_a_list(self) -> bool:
        """Whether it is so large that a list can be cheaper."""
        return self.similarity.numel() >= _WORTH_A_LIST

    def filled(self, value: float) -> Block:
        """With another similarity, in place, where a pair is no negative; a list as it is."""
        if self.row is None:
            self.similarity.index_put_(self.excluded, self.similarity.new_full((), value))
        return self

    def negatives(self, x: Tensor, fill: float) -> Tensor:
        """x [..., B, b] with `fill` where a pair is no negative, in place; of a list as it is."""
        if self.row is None:
            (x if x.ndim == 2 else x.movedim(0, -1)).index_put_(self.excluded, x.new_full((), fill))
        return x

    def spread(self, x: Tensor) -> Tensor:
        """The anchors' numbers [..., B], so that they stand beside the similarities."""
        return x[..., None] if self.row is None else x[..., self.row]

    def sums(self, x: Tensor, anchors: int) -> Tensor:
        """Added up over the pairs of an anchor, [..., B, b] or [n] → [..., B]."""
        if self.row is None:
            return x.sum(-1)
        return x.new_zeros(anchors).index_add_(0, self.row, x)

    def largest(self, x: Tensor, least: Tensor) -> Tensor:
        """The largest of each anchor's, and of `least` [..., B]."""
        if self.row is None:
            return torch.maximum(x.amax(-1), least)
        return least.scatter_reduce(0, self.row, x.to(least.dtype), "amax")

    def add_to(self, total: Tensor, weight: Tensor) -> None:
        """total [..., B, D] += Σ weight × reference, in place."""
        if self.row is None:
            total.view(-1, total.shape[-1]).addmm_(weight.reshape(-1, weight.shape[-1]), self.references)
        else:
            assert self.column is not None
            total += weighted_sum(self.references, self.row, self.column, weight, len(total))


def blocks(anchors: Tensor, references: Tensor, same: SameLabel) -> Iterator[Block]:
    """The whole blocks in order; each one's similarities live in one buffer, so it is void once the next one comes."""
    if not len(references):
        return
    size = _BLOCK_ON_GPU if anchors.is_cuda else _BLOCK
    buffer = anchors.new_empty(min(size, len(references)), len(anchors))
    for excluded, rows in zip(same.excluded_by_block(len(references), size), references.split(size), strict=True):
        block = rows.to(anchors.dtype)
        # references × anchors takes two thirds of the time of anchors × references
        similarity = torch.mm(block, anchors.T, out=buffer[: len(block)]).T
        yield Block(similarity, block, excluded)


def weighted_sum(references: Tensor, row: Tensor, column: Tensor, weight: Tensor, anchors: int) -> Tensor:
    """Σ weight × references[column] for each row, [B, D], of n pairs with ascending rows: [n] each."""
    if not len(row):
        return references.new_zeros(anchors, references.shape[1])
    starts = torch.searchsorted(row, torch.arange(anchors, device=row.device))
    return torch.embedding_bag(references, column, starts, False, 0, False, weight)[0]


def _share_above(by_reference: Tensor, limit: Tensor | float) -> float:
    """What share of similarities [b, B] is above their anchor's limit."""
    if by_reference.device.type != "cpu":
        return float((by_reference > limit).float().mean())
    found = by_reference.numpy() > (limit.numpy() if isinstance(limit, Tensor) else limit)
    return float(np.count_nonzero(found) / found.size)


def _listed(by_reference: Tensor, limit: Tensor | float) -> tuple[Tensor, Tensor]:
    """Row and column of the similarities [b, B] above their anchor's limit, rows (anchors) ascending."""
    if by_reference.device.type != "cpu":
        row, column = (by_reference > limit).T.nonzero(as_tuple=True)
        return row, column
    # NumPy takes a quarter of torch's time to compare and to find, and has a radix sort for short numbers
    above = by_reference.numpy() > (limit.numpy() if isinstance(limit, Tensor) else limit)
    place = above.ravel().nonzero()[0]
    references = place // above.shape[1]  # by a constant: several times as fast as divmod
    anchors = place - references * above.shape[1]
    order = anchors.astype(np.int16 if above.shape[1] < 1 << 15 else np.int64).argsort(kind="stable")
    return torch.from_numpy(anchors[order]), torch.from_numpy(references[order])
