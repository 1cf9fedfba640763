"""The forms of weighting that the step can walk through block by block; any other takes the plain path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from weightlab import losses
from weightlab.assignment import Assignment, Side, Top, WeightFunction
from weightlab.assignment import functions as assignment_functions
from weightlab.forms.positives import Positives
from weightlab.losses import MultiSimilarity
from weightlab.losses.pointwise_form import PointwiseForm
from weightlab.losses.softmax_form import SoftmaxForm
from weightlab.losses.triplet_form import TripletForm
from weightlab.pairs import Weighting

__all__ = ["Form", "Hardest", "Pointwise", "Softmax", "form_of"]


@dataclass(frozen=True)
class Pointwise:
    """A weight of its own similarity for each sign; an anchor's weights of a sign divided by what `scale` says: 1, how
    many pairs there are, how many weights are not 0, or their sum.
    """

    positive: Callable[[Positives], Tensor]
    negative: Callable[[Tensor], Tensor]
    scale: Literal["raw", "count", "mean", "mass"]


@dataclass(frozen=True)
class Hardest:
    """1 for an anchor's k hardest negatives; at a scale other than raw, divided by how many they are."""

    positive: Callable[[Positives], Tensor]
    k: int
    scale: Literal["raw", "mean", "mass"]


@dataclass(frozen=True)
class Softmax:
    """A softmax over the negatives; mining_margin: None, or only pairs within it of the other sign's hardest count."""

    loss: SoftmaxForm
    mining_margin: float | None = None


Form = Pointwise | Hardest | Softmax | TripletForm


@dataclass(frozen=True)
class _AssignedSoftmax:
    """The softmax e^{bS} over the negatives beside any weight function of the positives, as a loss of softmax form."""

    b: float
    positive: Callable[[Positives], Tensor]

    def exponent(self, s: Tensor) -> Tensor:
        return self.b * s

    def factor(self, s: Tensor) -> float:
        return 1.0

    def outer(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        return self.positive(positives), torch.ones_like(log_total)


def form_of(weighting: Weighting) -> Form | None:
    """The form of a weighting; None where it has none. A subclass of a loss has none: it may weigh otherwise."""
    if type(weighting) not in (Assignment, *losses.ALL):
        return None
    match weighting:
        case Assignment():
            return _form_of_assignment(weighting)
        case TripletForm():
            return weighting
        case MultiSimilarity(mining_margin=mining_margin):
            return Softmax(weighting, mining_margin)
        case SoftmaxForm():
            return Softmax(weighting)
        case PointwiseForm():
            pull = partial(_of_positives, weighting.positive_weight)
            return Pointwise(pull, weighting.negative_weight, "count" if weighting.averaged else "raw")
    return None


def _form_of_assignment(assignment: Assignment) -> Form | None:
    positive, negative, scale = assignment.positive, assignment.negative, assignment.scale
    if isinstance(positive, Weighting) or isinstance(negative, Weighting):
        return None
    pull = partial(_assigned_pull, positive)
    match negative:
        case Top(k=k):
            return Hardest(pull, int(k), scale)
        case assignment_functions.Softmax(b=b) if scale == "raw":
            return Softmax(_AssignedSoftmax(b, pull))
    if negative.relative:
        return None
    return Pointwise(pull, partial(_assigned_push, negative), scale)


def _of_positives(function: Callable[[Tensor], Tensor], positives: Positives) -> Tensor:
    return torch.where(positives.mask, function(positives.similarity.clamp(max=1)), 0)


def _assigned_pull(function: WeightFunction, positives: Positives) -> Tensor:
    """All of an anchor's positives are at hand, so a function may look at the others too."""
    return _of_positives(lambda s: function(s, Side(positives.mask, "positive")), positives)


def _assigned_push(function: WeightFunction, s: Tensor) -> Tensor:
    return function(s, Side(torch.ones((), dtype=torch.bool), "negative"))  # the mask is for relative functions only
