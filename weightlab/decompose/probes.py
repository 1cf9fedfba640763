"""The weight of one pair as its similarity moves along a grid, while the anchor's other pairs stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from weightlab.decompose.contexts import Sample
from weightlab.forms.positives import Positives
from weightlab.forms.stable import masked_logsumexp
from weightlab.lazy import torch
from weightlab.losses import MultiSimilarity
from weightlab.losses.pointwise_form import PointwiseForm
from weightlab.losses.softmax_form import SoftmaxForm, over_sums
from weightlab.losses.triplet_form import TripletForm
from weightlab.pairs import Pairs, Sign, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["pairs_of_a_probe", "probe"]


def probe(weighting: Weighting, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    """The weight of the first pair of a sign at each similarity of the grid [G], in each of the C contexts, [C, G].

    A loss of pointwise form is asked for the grid's weights only, one of softmax form for its sums over the other
    negatives once a context, one of triplet form for the violations of the probed pair; any other weighting for the
    weights of all the pairs at each grid point.
    """
    if isinstance(weighting, PointwiseForm):
        weight = _from_grid(weighting, sample, sign, grid)
    elif isinstance(weighting, TripletForm):
        weight = _from_violations(weighting, sample, sign, grid)
    elif _has_sums(weighting):
        weight = _from_sums(weighting, sample, sign, grid)
    else:
        weight = _from_all_pairs(weighting, sample, sign, grid)
    return weight.detach()


def pairs_of_a_probe(weighting: Weighting, positives: int, negatives: int) -> int:
    """How many pairs are looked at for the weight at one grid point, in a context of so many."""
    if isinstance(weighting, PointwiseForm):
        return 1
    return positives if _has_sums(weighting) else positives + negatives


def _has_sums(weighting: Weighting) -> TypeGuard[SoftmaxForm]:
    """Whether sums over the other negatives are all that it needs; with mining the probed pair decides which count."""
    mines = isinstance(weighting, MultiSimilarity) and weighting.mining_margin is not None
    return isinstance(weighting, SoftmaxForm) and not mines


def _from_grid(loss: PointwiseForm, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    weight = loss.positive_weight(grid) if sign == "positive" else loss.negative_weight(grid)
    count = getattr(sample, sign).shape[1] if loss.averaged else 1
    return (weight / count).expand(len(sample.positive), -1)


def _from_violations(loss: TripletForm, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    if sign == "positive":
        return loss.violation(sample.negative[:, None] - (grid[:, None] - loss.margin)).sum(2)
    return loss.violation(grid[:, None] - (sample.positive[:, None] - loss.margin)).sum(2)


def _from_sums(loss: SoftmaxForm, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    shape = (len(sample.positive), len(grid))
    positive = sample.positive.repeat_interleave(len(grid), dim=0)
    others = sample.negative if sign == "positive" else sample.negative[:, 1:]
    log_total = masked_logsumexp(loss.exponent(others), torch.ones_like(others, dtype=torch.bool))[..., None]
    if sign == "positive":
        positive[:, 0] = grid.repeat(len(sample.positive))
        log_total = log_total.expand(*log_total.shape[:-1], len(grid))
        return loss.outer(Positives.all_of(positive), log_total.flatten(-2))[0][:, 0].view(shape)
    exponent = loss.exponent(grid)[..., None, :]
    log_total = torch.logaddexp(log_total, exponent)
    share = (exponent - log_total).exp().masked_fill(log_total == -torch.inf, 0)
    c = loss.outer(Positives.all_of(positive), log_total.flatten(-2))[1].view(share.shape)
    return over_sums(c * share) * loss.factor(grid)


def _from_all_pairs(weighting: Weighting, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    """Every context once for each grid point, [C·G, P + N]: the first pair of its sign takes the grid's similarity."""
    pairs, column = sample.pairs, 0 if sign == "positive" else sample.positive.shape[1]
    similarity = pairs.similarity.repeat_interleave(len(grid), dim=0)
    similarity[:, column] = grid.repeat(len(pairs.similarity))
    masks = (mask[:1].expand(len(similarity), -1) for mask in (pairs.positive, pairs.negative))
    weights = weighting.weights(Pairs(similarity, *masks))
    probed: Tensor = getattr(weights, sign)[:, column]
    return probed.reshape(-1, len(grid))
