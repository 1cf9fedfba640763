"""Losses whose weight of a pair is a function of its own similarity alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PointwiseForm", "pointwise_weights"]


@runtime_checkable
class PointwiseForm(Protocol):
    """w⁺ and w⁻ as functions of S; averaged: whether each is divided by how many pairs of its sign there are."""

    averaged: ClassVar[bool]

    def positive_weight(self, s: Tensor) -> Tensor:
        """w⁺ of positives with similarities s, of any shape."""
        ...

    def negative_weight(self, s: Tensor) -> Tensor:
        """w⁻ of negatives with similarities s, of any shape."""
        ...


def pointwise_weights(loss: PointwiseForm, pairs: Pairs) -> PairWeights:
    """The weights of a loss of this form, [B, R]."""
    s = pairs.precise
    pull = torch.where(pairs.positive, loss.positive_weight(s), 0)
    push = torch.where(pairs.negative, loss.negative_weight(s), 0)
    if not loss.averaged:
        return PairWeights(pull, push)
    counts = (mask.sum(1, keepdim=True).clamp(min=1) for mask in (pairs.positive, pairs.negative))
    return PairWeights(*(weight / count for weight, count in zip((pull, push), counts, strict=True)))
