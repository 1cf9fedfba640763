"""References in blocks: the similarities of a block, or of those of its pairs alone that can have a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from weightlab.step.same_label import SameLabel

__all__ = ["Block", "blocks", "weighted_sum"]

_BLOCK = 4096  # references at a time, so that their similarities stay in a core's cache
_BLOCK_ON_GPU = 1 << 16  # there it is launches that cost
_WORTH_A_LIST = 1 << 17  # pairs of a block, below which it is taken whole
_LISTED = 1 / 20  # share of a block's pairs below which a list of them is cheaper than the whole block


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
        """Of a whole block the list of negatives above their anchor's limit, [B]; itself where these are many."""
        if (limit if isinstance(limit, float) else limit.amax()) < -1:
            return self
        by_reference = self.filled(-torch.inf).similarity.T  # as it lies in memory
        place = _where_above(by_reference, limit)
        if place is None:
            return self.filled(0)
        column = torch.div(place, by_reference.shape[1], rounding_mode="floor")
        row = place - column * by_reference.shape[1]
        order = _order(row)
        listed = by_reference.reshape(-1).index_select(0, place[order])
        return Block(listed, self.references, self.excluded, row[order], column[order])

    @property
    def worth_a_list(self) -> bool:
        """Whether it is so large that a list can be cheaper."""
        return self.similarity.numel() >= _WORTH_A_LIST

    def filled(self, value: float) -> Block:
        """With another similarity, in place, where a pair is no negative; a list as it is."""
        if self.row is None:
            self.similarity.index_put_(self.excluded, self.similarity.new_tensor(value))
        return self

    def negatives(self, x: Tensor, fill: float) -> Tensor:
        """x [..., B, b] with `fill` where a pair is no negative, in place; of a list as it is."""
        if self.row is None:
            (x if x.ndim == 2 else x.movedim(0, -1)).index_put_(self.excluded, x.new_tensor(fill))
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
        return least.scatter_reduce(0, self.row, x, "amax")

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


def _where_above(by_reference: Tensor, limit: Tensor | float) -> Tensor | None:
    """Where in the flat [b·B] a similarity is above its anchor's limit, ascending; None where these are many."""
    most = _LISTED * by_reference.numel()
    if by_reference.device.type == "cpu":  # NumPy takes a quarter of torch's time to compare and to find
        found = by_reference.numpy() > (limit if isinstance(limit, float) else limit.numpy())
        return None if np.count_nonzero(found) > most else torch.from_numpy(found.ravel().nonzero()[0])
    place = (by_reference > limit).flatten().nonzero()[:, 0]
    return None if len(place) > most else place


def _order(row: Tensor) -> Tensor:
    """What sorts rows, equal ones staying in their order."""
    if row.device.type == "cpu" and (not len(row) or int(row.amax()) < 1 << 15):  # for these NumPy has a radix sort
        return torch.from_numpy(row.numpy().astype(np.int16).argsort(kind="stable"))
    return row.argsort(stable=True)
