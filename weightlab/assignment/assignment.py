"""Assignment: a positive and a negative weight function, chosen apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self, get_args

from weightlab.assignment.function import Side, WeightFunction
from weightlab.assignment.functions import Constant
from weightlab.assignment.given import Weighable, as_part
from weightlab.assignment.logarithm import by_logarithm
from weightlab.errors import InputError, unknown
from weightlab.forms import AssignedForm, Form, PositiveForm, Scale, SoftmaxForm, form_of
from weightlab.forms.assigned import NegativePart, PositivePart
from weightlab.forms.form import FORMS
from weightlab.forms.scale import divided, size_of
from weightlab.forms.stable import masked_softmax
from weightlab.lazy import torch
from weightlab.pairs import SIGNS, Pairs, PairWeights, Sign, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Assignment", "Scale", "as_weighting", "assign"]


@dataclass(frozen=True)
class Assignment:
    """A weighting made of two parts: w⁺ from one, w⁻ from the other.

    positive: a weight function, or another weighting whose w⁺ it takes.
    negative: a weight function, or another weighting whose w⁻ it takes.
    scale: "raw" as they are; "mean": each anchor's weights of a sign divided by how many are not zero; "mass": each
        anchor's weights of a sign divided by their sum, so that they sum to 1 and only the shape of the curve counts.

    Raises InputError for anything else, for a positive part that is for negatives alone (below, semihard), and, but at
    scale "mass", for weights beyond 10³⁰. Weights that float32 can't hold are compared by their logarithms: "mass" and
    "mean" are right however small or large they are, but that "mean" does not count a weight of a softmax whose factor
    is 0 in float32.
    """

    positive: WeightFunction | Weighting
    negative: WeightFunction | Weighting
    scale: Scale = "raw"

    def __post_init__(self) -> None:
        for name, part in (("positive", self.positive), ("negative", self.negative)):
            if not isinstance(part, WeightFunction | Weighting) or isinstance(part, type):
                raise InputError(f"{name} must be a weight function or a weighting, not {part!r}")
        if self.scale not in get_args(Scale):
            raise unknown("scale", self.scale, get_args(Scale))
        if isinstance(self.positive, WeightFunction) and self.positive.negatives_only:
            raise InputError(f"positive: {self.positive.for_negatives}")
        for sign in SIGNS:
            part = getattr(self, sign)
            if self.scale != "mass" and isinstance(part, WeightFunction):
                part.check_largest(sign)

    @classmethod
    def alike(cls, function: WeightFunction) -> Self:
        """A weight function for either sign; of one for negatives alone, positives are constant. Scale "raw"."""
        return cls(Constant() if function.negatives_only else function, function)

    @property
    def relative(self) -> bool:
        """Whether a pair's weight depends on the anchor's other pairs too."""
        return self.scale != "raw" or any(_is_relative(part) for part in (self.positive, self.negative))

    @property
    def form(self) -> Form | None:
        """Its parts' forms; None where one has none."""
        positive, negative = _positive_form(self.positive, self.scale), _negative_form(self.negative, self.scale)
        if not isinstance(positive, PositivePart) or not isinstance(negative, NegativePart):
            return None
        if self.scale != "raw" and isinstance(negative, SoftmaxForm) and negative.sums > 1:
            return None  # their weights may cancel, so their size is no sum of sums
        assigned = AssignedForm(positive, negative, self.scale)
        return assigned.as_pointwise or assigned

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R] each, zero off their mask; no gradient flows through them."""
        form = self.form
        with torch.no_grad():
            if form is not None:
                return form.weights(pairs)
            return PairWeights(
                positive=_weights_of(self.positive, pairs, "positive", self.scale),
                negative=_weights_of(self.negative, pairs, "negative", self.scale),
            )

    def __str__(self) -> str:
        return f"positive {self.positive}, negative {self.negative}, scale {self.scale}"


def assign(positive: Weighable, negative: Weighable, scale: Scale = "raw") -> Assignment:
    """An assignment of two parts: each a text ("step(0.5)", or a loss's name, whose weights of that sign are borrowed),
    a weight function, a weighting to borrow from, or any function of similarity (`lambda s: s * (s > 0.5)`).

    Raises InputError for a text that can't be read, a number out of range, an unknown scale, or another type.
    """
    return Assignment(_part("positive", positive), _part("negative", negative), scale)


def as_weighting(what: Weighable) -> Weighting:
    """What is natural to give for a weighting: a loss's name ("ms-loss(beta=40)"), a weight function, its text
    ("step(0.5)") or any function of similarity, for either sign as it is (scale "raw"; one for negatives alone, such as
    "below(0.1)", beside constant positives), or a weighting itself.

    A weighting that states its form is given back as that form, so that a loop finds it made.
    Raises InputError as `assign` does.
    """
    if isinstance(what, FORMS):
        return what
    part = as_part(what)
    weighting = Assignment.alike(part) if isinstance(part, WeightFunction) else part
    return form_of(weighting) or weighting


def _part(name: str, what: Weighable) -> WeightFunction | Weighting:
    try:
        return as_part(what)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _positive_form(part: WeightFunction | Weighting, scale: Scale) -> Form | None:
    """All of an anchor's positives are at hand, so a weight function may look at the others too."""
    if not isinstance(part, WeightFunction):
        form = form_of(part)
        return form.positive if isinstance(form, AssignedForm) and form.scale == "raw" else form
    if _as_it_is(part, "positive", scale):
        return PositiveForm(partial(_of_positives, part)) if part.relative else part.form
    if scale == "mass":
        return PositiveForm(partial(_shares_of_positives, part))
    return PositiveForm(partial(_of_positives, part), partial(_log_of_positives, part))


def _negative_form(part: WeightFunction | Weighting, scale: Scale) -> Form | None:
    if not isinstance(part, WeightFunction):
        form = form_of(part)
        return form.negative if isinstance(form, AssignedForm) and form.scale == "raw" else form
    if _as_it_is(part, "negative", scale):
        return part.form
    if scale == "mass":
        return by_logarithm(part, total_mass=1)
    if part.relative:  # its exponents are known but for what the anchor's pairs share: shares they give, no weights
        return part.form if isinstance(part.form, SoftmaxForm) else None
    return by_logarithm(part, total_mass=None)


def _as_it_is(part: WeightFunction, sign: Sign, scale: Scale) -> bool:
    """Whether its weights can be taken as float32 has them."""
    return scale == "raw" or part.fits(sign, counted=scale == "mean")


def _of_positives(function: WeightFunction, s: Tensor, mask: Tensor) -> Tensor:
    return function(s, Side(mask, "positive"))


def _log_of_positives(function: WeightFunction, s: Tensor, mask: Tensor) -> Tensor:
    return function.log(s, Side(mask, "positive"))


def _shares_of_positives(function: WeightFunction, s: Tensor, mask: Tensor) -> Tensor:
    return masked_softmax(_log_of_positives(function, s, mask), mask).to(s.dtype)


def _weights_of(part: WeightFunction | Weighting, pairs: Pairs, sign: Sign, scale: Scale) -> Tensor:
    """Scaled, from all the pairs."""
    mask: Tensor = getattr(pairs, sign)
    if not isinstance(part, WeightFunction):
        weights: Tensor = getattr(part.weights(pairs), sign)
        return divided(weights, size_of(weights, scale)[:, None])
    s, side = pairs.precise.detach(), Side(mask, sign, pairs.positive if sign == "negative" else None)
    if _as_it_is(part, sign, scale):
        weights = torch.where(mask, part(s, side), 0)
        return divided(weights, size_of(weights, scale)[:, None])
    log = part.log(s, side)
    if scale == "mass":
        return masked_softmax(log, mask).to(s.dtype)
    count = (mask & (log > -torch.inf)).sum(1, keepdim=True)
    return divided(torch.where(mask, log.exp(), 0), count).to(s.dtype)


def _is_relative(part: object) -> bool:
    return bool(getattr(part, "relative", True))  # of others' assume that it looks at the other pairs
