"""The weights of any function of pair similarities, from its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["autograd_weights", "derivative"]


def autograd_weights(value: Callable[[Pairs], Tensor], pairs: Pairs) -> PairWeights:
    """w⁺ = −∂L/∂S and w⁻ = +∂L/∂S of L = Σ value(pairs), [B, R] each, by autograd.

    `value` gives the loss of each anchor, [B], or their sum.
    """
    with torch.enable_grad():
        similarity = pairs.similarity.detach().clone().requires_grad_()
        total = value(Pairs(similarity, pairs.positive, pairs.negative)).sum()
        gradient = derivative(total, similarity)
    return PairWeights(
        positive=torch.where(pairs.positive, -gradient, 0), negative=torch.where(pairs.negative, gradient, 0)
    )


def derivative(total: Tensor, by: Tensor) -> Tensor:
    """d total / d by, in the shape of `by`; 0 where the total does not depend on it (no pair is active)."""
    if not total.requires_grad:
        return torch.zeros_like(by)
    (gradient,) = torch.autograd.grad(total, by, allow_unused=True)
    return torch.zeros_like(by) if gradient is None else gradient
