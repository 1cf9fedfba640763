"""Recomposed: the loss whose derivative directly assigned weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment import Assignment, Side, WeightFunction
from weightlab.assignment.function import direction
from weightlab.forms import Form
from weightlab.forms.stable import masked_sum
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Recomposed"]


@dataclass(frozen=True)
class Recomposed:
    """L = Σ_P ∫_S^1 w⁺(s) ds + Σ_N ∫_{−1}^S w⁻(s) ds: 0 for the easiest similarity there is, ∂L/∂S the weights.

    A loss like any other: a weighting with a value. Integrals that are no formulas are quadrature, by the trapezoid
    rule on 4,001 points in float64: for a smooth w, off by at most about 10⁻⁷ times w″.

    positive: w⁺, a function of the pair's own similarity.
    negative: w⁻, likewise.
    """

    positive: WeightFunction
    negative: WeightFunction
    relative: ClassVar[bool] = False

    @property
    def closed_form(self) -> bool:
        """Whether both integrals are formulas."""
        return self.positive.closed_form and self.negative.closed_form

    @property
    def form(self) -> Form | None:
        """That of the weights."""
        return Assignment(self.positive, self.negative).form

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; its first derivative by the similarities is the weights, at a jump too."""
        s = pairs.precise
        pull, push = _integral(self.positive, s, "positive"), _integral(self.negative, s, "negative")
        return masked_sum(push, pairs.negative) + masked_sum(pull, pairs.positive)

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights that it was made of, [B, R]."""
        return Assignment(self.positive, self.negative).weights(pairs)

    def __str__(self) -> str:
        return f"recomposed from positive {self.positive}, negative {self.negative}"


def _integral(function: WeightFunction, s: Tensor, sign: Sign) -> Tensor:
    """∫ w from the easiest similarity to s; its derivative by s is exactly w(s) of a negative, −w(s) of a positive."""
    fixed = s.detach()
    slope = direction(sign) * function(fixed, Side(torch.ones_like(fixed, dtype=torch.bool), sign))
    return function.area(fixed, sign) + slope * (s - fixed)
