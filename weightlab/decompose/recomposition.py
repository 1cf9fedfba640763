"""recompose: from directly assigned weights back to the loss whose derivative they are, where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment import (
    Assignment,
    Constant,
    Easy,
    Exponential,
    Linear,
    Power,
    Side,
    Sigmoid,
    Spline,
    Step,
    Sum,
    WeightFunction,
    Window,
    parse,
)
from weightlab.assignment.functions import piecewise
from weightlab.errors import InputError
from weightlab.forms.stable import masked_sum, softplus
from weightlab.lazy import np, torch
from weightlab.pairs import Pairs, PairWeights, Weighting

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.assignment.functions import Sign

__all__ = ["Recomposed", "recompose"]

_NODES = 4001  # of the quadrature, from −1 to 1


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
        return all(_has_formula(part) for part in (self.positive, self.negative))

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; its first derivative by the similarities is the weights, at a jump too."""
        s = pairs.precise
        pull, push = _integral(self.positive, s, -1), _integral(self.negative, s, 1)
        return masked_sum(push, pairs.negative) + masked_sum(pull, pairs.positive)

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights that it was made of, [B, R]."""
        return Assignment(self.positive, self.negative).weights(pairs)

    def __str__(self) -> str:
        return f"recomposed from positive {self.positive}, negative {self.negative}"


def recompose(rule: str | WeightFunction | Assignment) -> Recomposed:
    """The loss whose derivative a weight function (for either sign) or an assignment is.

    Raises InputError where there is none of this kind: a weight that looks at the anchor's other pairs (softmax, top,
    the scales mean and mass, a loss's weights); `integrability` then says whether any continuous loss has it.
    """
    if isinstance(rule, str):
        rule = parse(rule)
    positive, negative = (rule.positive, rule.negative) if isinstance(rule, Assignment) else (rule, rule)
    if isinstance(rule, Assignment) and rule.scale != "raw":
        raise InputError(f"scale '{rule.scale}' divides by a sum over the anchor's pairs: only 'raw' can be recomposed")
    for part in (positive, negative):
        if isinstance(part, Weighting):
            raise InputError(f"{part} is a weighting, not a weight function of similarity: it has its own loss, if any")
        if not callable(part) or not hasattr(part, "relative"):
            raise InputError(f"recompose wants a weight function, its text or an assignment, not {part!r}")
        if part.relative:
            raise InputError(f"{part} looks at the anchor's other pairs: see integrability for whether a loss has it")
    assert not isinstance(positive, Weighting)
    assert not isinstance(negative, Weighting)
    return Recomposed(positive, negative)


def _has_formula(function: WeightFunction) -> bool:
    if isinstance(function, Sum):
        return all(map(_has_formula, function.terms))
    known = (Constant, Step, Easy, Window, Linear, Power, Exponential, Sigmoid, Spline)
    return isinstance(function, known)


def _integral(function: WeightFunction, s: Tensor, sign: Sign) -> Tensor:
    """∫ w from the easiest similarity, −sign, to s; its derivative by s is exactly sign · w(s)."""
    fixed = s.detach()
    slope = sign * function(fixed, Side(torch.ones_like(fixed, dtype=torch.bool), sign))
    return _area(function, fixed, sign) + slope * (s - fixed)


def _area(function: WeightFunction, s: Tensor, sign: Sign) -> Tensor:
    """The integral in hardness h = sign · s, from −1: sums of what is positive, so nothing cancels."""
    h = sign * s
    match function:
        case Constant(c):
            return c * (1 + h)
        case Step(t):
            return (h - sign * t).relu()
        case Easy(t):
            return 1 + h.clamp(max=sign * t)
        case Window(a, b):
            return (s.clamp(a, b) - a) if sign > 0 else (b - s.clamp(a, b))
        case Linear():
            return ((1 + h) / 2) ** 2
        case Power(k):
            return 2 / (k + 1) * ((1 + h) / 2).clamp(min=0) ** (k + 1)
        case Exponential(b, t):
            return (1 + h) if b == 0 else math.exp(b * (-1 - sign * t)) * (b * (1 + h)).expm1() / b
        case Sigmoid(b, t):
            return _sigmoid_area(b, sign * t, h)
        case Spline():
            return _spline_area(function, s, sign)
        case Sum(terms):
            return torch.stack([_area(term, s, sign) for term in terms]).sum(0)
    return _quadrature(function, s, sign)


def _sigmoid_area(b: float, t: float, h: Tensor) -> Tensor:
    """∫ σ(b(h − t)) from −1: the difference of two log(1 + e^x), by its logarithm where they are near one another."""
    if b == 0:
        return (1 + h) / 2
    start = h.new_tensor(b * (-1 - t))
    near = (start.sigmoid() * (b * (1 + h)).clamp(max=1).expm1()).log1p()
    return torch.where(b * (1 + h) < 1, near, softplus(b * (h - t)) - softplus(start)) / b


def _spline_area(spline: Spline, s: Tensor, sign: Sign) -> Tensor:
    from scipy.interpolate import PchipInterpolator

    (first, low), (last, high) = spline.points[0], spline.points[-1]
    polynomial = PchipInterpolator(*np.array(spline.points).T).antiderivative()

    def antiderivative(x: Tensor) -> Tensor:
        beyond = low * (x - first).clamp(max=0) + high * (x - last).clamp(min=0)  # constant beyond the outer points
        return piecewise(polynomial, x.clamp(first, last)) + beyond

    return sign * (antiderivative(s) - antiderivative(torch.full_like(s, -sign)))


def _quadrature(function: WeightFunction, s: Tensor, sign: Sign) -> Tensor:
    """By the trapezoid rule; between two nodes the integral of the line through them."""
    nodes = torch.linspace(-1, 1, _NODES, dtype=torch.float64)  # of the hardness
    side = Side(torch.ones(1, _NODES, dtype=torch.bool), sign)
    w = function(sign * nodes[None], side)[0]
    step = 2 / (_NODES - 1)
    total = torch.cat([w.new_zeros(1), ((w[1:] + w[:-1]) / 2 * step).cumsum(0)])
    h = sign * s.double()
    piece = ((h + 1) / step).long().clamp(0, _NODES - 2)
    offset = h - nodes[piece]
    area = total[piece] + w[piece] * offset + (w[piece + 1] - w[piece]) / step * offset**2 / 2
    return area.to(s.dtype)
