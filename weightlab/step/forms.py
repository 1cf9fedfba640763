"""The forms of weighting that the step can walk through block by block; any other takes the plain path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from weightlab.assignment import Assignment, Side, WeightFunction
from weightlab.losses import InfoNCE, MultiSimilarity, NPair, SmoothTriplet, Triplet
from weightlab.losses.pointwise_form import PointwiseForm
from weightlab.losses.softmax_form import SoftmaxForm
from weightlab.pairs import Weighting

__all__ = ["Form", "Pointwise", "Softmax", "Triplets", "form_of"]


@dataclass(frozen=True)
class Pointwise:
    """A weight of its own similarity for each sign; an anchor's weights of a sign divided by what `scale` says: 1, how
    many pairs there are, how many weights are not 0, or their sum.
    """

    positive: Callable[[Tensor], Tensor]
    negative: Callable[[Tensor], Tensor]
    scale: Literal["raw", "count", "mean", "mass"]


@dataclass(frozen=True)
class Softmax:
    """A softmax over the negatives; mining_margin: None, or only pairs within it of the other sign's hardest count."""

    loss: SoftmaxForm
    mining_margin: float | None = None


@dataclass(frozen=True)
class Triplets:
    """w⁺ = Σ_N v(S_n − (S_p − margin)) and w⁻ = Σ_P of the same v, which may overwrite what it is given."""

    violation: Callable[[Tensor], Tensor]
    margin: float


Form = Pointwise | Softmax | Triplets


def form_of(weighting: Weighting) -> Form | None:
    """The form of a weighting; None where it has none."""
    match weighting:
        case Assignment(positive=positive, negative=negative, scale=scale):
            pull, push = _function(positive, -1), _function(negative, 1)
            return Pointwise(pull, push, scale) if pull and push else None
        case Triplet(margin=margin):
            return Triplets(lambda excess: excess.gt_(0), margin)
        case SmoothTriplet(scale=t, margin=margin):
            return Triplets(lambda excess: torch.sigmoid(t * excess), margin)
        case MultiSimilarity(mining_margin=mining_margin):
            return Softmax(weighting, mining_margin)
        case InfoNCE(temperature=temperature):
            return Softmax(NPair(1 / temperature))
        case SoftmaxForm():
            return Softmax(weighting)
        case PointwiseForm():
            return Pointwise(
                weighting.positive_weight, weighting.negative_weight, "count" if weighting.averaged else "raw"
            )
    return None


def _function(part: WeightFunction | Weighting, sign: Literal[1, -1]) -> Callable[[Tensor], Tensor] | None:
    if isinstance(part, Weighting) or part.relative:
        return None
    return lambda s: part(s, Side(torch.ones((), dtype=torch.bool), sign))  # the mask is for relative functions only
