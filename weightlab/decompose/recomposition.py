"""recompose: from directly assigned weights back to the loss whose derivative they are, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment import Assignment, Side, WeightFunction, as_function
from weightlab.assignment.function import direction
from weightlab.errors import InputError
from weightlab.forms.stable import masked_sum
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Recomposed", "recompose"]


@dataclass(frozen=True)
class Recomposed:
    """L = Σ_P ∫_S^1 w⁺(s) ds + Σ_N ∫_{−1}^S w⁻(s) ds: 0 for the easiest similarity there is, ∂L/∂S the weights.

    A loss like any other: a weighting with a value. closed_form: whether both integrals are formulas (else quadrature,
    by the trapezoid rule on 4,001 points in float64: for a smooth w, off by at most about 10⁻⁷ times w″).
    """

    positive: WeightFunction
    negative: WeightFunction
    relative: ClassVar[bool] = False

    @property
    def closed_form(self) -> bool:
        """Whether both integrals are formulas."""
        return self.positive.closed_form and self.negative.closed_form

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


def recompose(rule: str | WeightFunction | Callable[[Tensor], Tensor] | Assignment) -> Recomposed:
    """The loss whose derivative an assignment is, or, for either sign, a weight function (or what `as_function` takes).

    Raises InputError where there is none of this kind: a weight that looks at the anchor's other pairs (softmax, top,
    the scales mean and mass, a loss's weights); `integrability` then says whether any continuous loss has it.
    """
    if isinstance(rule, str) or (callable(rule) and not isinstance(rule, Weighting)):
        rule = as_function(rule)
    if not isinstance(rule, Assignment):
        return Recomposed(_integrable(rule), _integrable(rule))
    if rule.scale != "raw":
        raise InputError(f"scale '{rule.scale}' divides by a sum over the anchor's pairs: only 'raw' can be recomposed")
    return Recomposed(_integrable(rule.positive), _integrable(rule.negative))


def _integrable(part: object) -> WeightFunction:
    if isinstance(part, Weighting):
        raise InputError(f"{part} is a weighting, not a weight function of similarity: it has its own loss, if any")
    if not isinstance(part, WeightFunction):
        raise InputError(f"recompose wants a weight function, its text or an assignment, not {part!r}")
    if part.relative:
        raise InputError(f"{part} looks at the anchor's other pairs: see integrability for whether a loss has it")
    return part


def _integral(function: WeightFunction, s: Tensor, sign: Sign) -> Tensor:
    """∫ w from the easiest similarity to s; its derivative by s is exactly w(s) of a negative, −w(s) of a positive."""
    fixed = s.detach()
    slope = direction(sign) * function(fixed, Side(torch.ones_like(fixed, dtype=torch.bool), sign))
    return function.area(fixed, sign) + slope * (s - fixed)
