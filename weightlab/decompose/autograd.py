"""The weights of any function of pair similarities, from its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ALL_ROUNDING", "ROUNDING", "autograd_weights", "derivative", "largest_of", "without_rounding"]

# A derivative in float64 that is 0 comes out as rounding. Of embeddings that realise similarities up to 1 − 10⁻⁶ it is
# divided by √(1 − S²) ≥ 1.4 · 10⁻³, and added up over up to 512 references: 512 · 2.2 · 10⁻¹⁶ / 1.4 · 10⁻³ = 8 · 10⁻¹¹
# of the largest weight.
ROUNDING = 1e-9
# Where an anchor has no weight at all, its largest is rounding too: of sums of as many terms of the size that the
# loss's weights have elsewhere, 512 · 2.2 · 10⁻¹⁶.
ALL_ROUNDING = 1e-13


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


def without_rounding(weights: PairWeights, usual: float, rounding: float = ROUNDING) -> PairWeights:
    """The weights with 0 for each that is rounding: at most `rounding` times the anchor's largest, of either sign, or
    10⁻¹³ of the largest that the loss has elsewhere, `usual`. So it has no sign and no mass.
    """
    if not weights.positive.numel():
        return weights
    least = (rounding * largest_of(weights)).clamp(min=ALL_ROUNDING * usual)
    return PairWeights(*(torch.where(each.abs() <= least, 0, each) for each in (weights.positive, weights.negative)))


def largest_of(weights: PairWeights) -> Tensor:
    """The largest |weight| of each anchor, [B, 1]."""
    return torch.maximum(weights.positive.abs(), weights.negative.abs()).amax(1, keepdim=True)


def derivative(total: Tensor, by: Tensor) -> Tensor:
    """d total / d by, in the shape of `by`; 0 where the total does not depend on it (no pair is active)."""
    if not total.requires_grad:
        return torch.zeros_like(by)
    (gradient,) = torch.autograd.grad(total, by, allow_unused=True)
    return torch.zeros_like(by) if gradient is None else gradient
