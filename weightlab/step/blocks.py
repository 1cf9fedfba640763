"""References in blocks: the similarities of a block, or of those of its pairs alone that can have a weight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.step.same_label import SameLabel

__all__ = ["Block", "blocks", "weighted_sum"]

_BLOCK = 4096  # references at a time, so that their similarities stay in a core's cache
_BLOCK_ON_GPU = 1 << 16  # there it is launches that cost
_LISTED = 1 / 8  # share of a block's pairs below which a list of them is cheaper than the whole block


@dataclass(frozen=True)
class Block:
    """All the pairs of a block [B, b], or a list of n of them that are all negatives.

    similarity: [B, b]; of a list [n].
    references: [b, D].
    excluded: of a whole block the pairs that are no negatives, (row, column); their similarity is −∞ until `filled`.
    row, column: of a list the place of each pair, int64 [n], rows ascending; None for a whole block.
    """

    similarity: Tensor
    references: Tensor
    excluded: tuple[Tensor, Tensor]
    row: Tensor | None = None
    column: Tensor | None = None

    def above(self, limit: Tensor) -> Block:
        """Of a whole block the list of negatives above their anchor's limit, [B] or []; itself where these are many."""
        row, column = _where_above(self.similarity, limit if limit.ndim == 0 else limit[:, None])
        if len(row) > _LISTED * self.similarity.numel():
            return self
        return Block(self.similarity[row, column], self.references, self.excluded, row, column)

    def filled(self, value: float) -> Block:
        """With another similarity in place of −∞ where a pair is no negative: for functions that make NaN of it."""
        if self.row is None:
            self.similarity[self.excluded] = value
        return self

    def negatives(self, x: Tensor, fill: float) -> Tensor:
        """x [..., B, b] with `fill` where a pair is no negative, in place; of a list as it is."""
        if self.row is None:
            x[..., *self.excluded] = fill
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
            total.view(-1, total.shape[-1]).addmm_(weight.view(-1, weight.shape[-1]), self.references)
        else:
            assert self.column is not None
            total += weighted_sum(self.references, self.row, self.column, weight, len(total))


def blocks(anchors: Tensor, references: Tensor, same: SameLabel) -> Iterator[Block]:
    """The whole blocks in order; each one's similarities live in one buffer, so it is void once the next one comes."""
    if not len(references):
        return
    size = _BLOCK_ON_GPU if anchors.is_cuda else _BLOCK
    buffer = anchors.new_empty((len(anchors) * min(size, len(references)),))
    for excluded, rows in zip(same.excluded_by_block(len(references), size), references.split(size), strict=True):
        block = rows.to(anchors.dtype)
        similarity = buffer[: len(anchors) * len(block)].view(len(anchors), len(block))
        torch.mm(anchors, block.T, out=similarity)
        similarity[excluded] = -torch.inf
        yield Block(similarity, block, excluded)


def weighted_sum(references: Tensor, row: Tensor, column: Tensor, weight: Tensor, anchors: int) -> Tensor:
    """Σ weight × references[column] for each row, [B, D], of n pairs with ascending rows: [n] each."""
    if not len(row):
        return references.new_zeros(anchors, references.shape[1])
    starts = torch.searchsorted(row, torch.arange(anchors, device=row.device))
    return torch.embedding_bag(references, column, starts, False, 0, False, weight)[0]


def _where_above(similarity: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of the similarities above the limit, rows ascending."""
    if similarity.device.type == "cpu":  # NumPy takes a quarter of torch's time to compare and to find
        flat = torch.from_numpy((similarity.numpy() > limit.numpy()).ravel().nonzero()[0])
    else:
        flat = (similarity > limit).flatten().nonzero()[:, 0]
    row = torch.div(flat, similarity.shape[1], rounding_mode="floor")
    return row, flat - row * similarity.shape[1]
