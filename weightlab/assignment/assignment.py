"""Assignment: a positive and a negative weight function, chosen apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, get_args

from weightlab.assignment.function import Side, WeightFunction
from weightlab.assignment.given import Weighable, as_part
from weightlab.errors import InputError, unknown
from weightlab.forms import AssignedForm, Form, PositiveForm, Scale, SoftmaxForm, form_of
from weightlab.forms.assigned import NegativePart, PositivePart
from weightlab.forms.form import FORMS
from weightlab.forms.scale import divided, size_of
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign, Weighting

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

    @property
    def relative(self) -> bool:
        """Whether a pair's weight depends on the anchor's other pairs too."""
        return self.scale != "raw" or any(_is_relative(part) for part in (self.positive, self.negative))

    @property
    def form(self) -> Form | None:
        """Its parts' forms; None where one has none."""
        positive, negative = _positive_form(self.positive), _negative_form(self.negative)
        if not isinstance(positive, PositivePart) or not isinstance(negative, NegativePart):
            return None
        if self.scale != "raw" and isinstance(negative, SoftmaxForm) and negative.sums > 1:
            return None  # their weights may cancel, so their size is no sum of sums
        return AssignedForm(positive, negative, self.scale)

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R] each, zero off their mask; no gradient flows through them."""
        form = self.form
        with torch.no_grad():
            if form is not None:
                return form.weights(pairs)
            return PairWeights(
                positive=self._scaled(_weights_of(self.positive, pairs, "positive")),
                negative=self._scaled(_weights_of(self.negative, pairs, "negative")),
            )

    def _scaled(self, weight: Tensor) -> Tensor:
        return divided(weight, size_of(weight, self.scale)[:, None])

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
    ("step(0.5)") or any function of similarity, for either sign as it is (scale "raw"), or a weighting itself.

    A weighting that states its form is given back as that form, so that a loop finds it made.
    Raises InputError as `assign` does.
    """
    if isinstance(what, FORMS):
        return what
    part = as_part(what)
    weighting = Assignment(part, part) if isinstance(part, WeightFunction) else part
    return form_of(weighting) or weighting


def _part(name: str, what: Weighable) -> WeightFunction | Weighting:
    try:
        return as_part(what)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _positive_form(part: WeightFunction | Weighting) -> Form | None:
    """All of an anchor's positives are at hand, so a weight function may look at the others too."""
    if isinstance(part, WeightFunction):
        return PositiveForm(partial(_of_positives, part))
    form = form_of(part)
    return form.positive if isinstance(form, AssignedForm) and form.scale == "raw" else form


def _negative_form(part: WeightFunction | Weighting) -> Form | None:
    form = part.form if isinstance(part, WeightFunction) else form_of(part)
    return form.negative if isinstance(form, AssignedForm) and form.scale == "raw" else form


def _of_positives(function: WeightFunction, s: Tensor, mask: Tensor) -> Tensor:
    return function(s, Side(mask, "positive"))


def _weights_of(part: WeightFunction | Weighting, pairs: Pairs, sign: Sign) -> Tensor:
    mask: Tensor = getattr(pairs, sign)
    if isinstance(part, WeightFunction):
        return torch.where(mask, part(pairs.precise, Side(mask, sign)), 0)
    weights: Tensor = getattr(part.weights(pairs), sign)
    return weights


def _is_relative(part: object) -> bool:
    return bool(getattr(part, "relative", True))  # of others' assume that it looks at the other pairs
