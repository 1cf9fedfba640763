"""Walking the references in blocks: the gradient of the surrogate without ever holding all pairs.

What is carried from block to block is the gradient, [B, D], and a summary of each anchor, [B]. Where a form says which
negatives can have a weight, a block costs one product and those few pairs: a pointwise form whose weight is exactly 0
up to a similarity, triplets whose margin is kept, and of a softmax the shares that rounding would lose. Of the last
those are left out that are below eps / 2M of the anchor's largest share so far (eps: float32's, or float64's; M
references), so that all that are left out add up to less than eps / 2 of the largest share: as much as the rounding of
a single one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.forms import (
    AssignedForm,
    Form,
    HardestForm,
    PointwiseForm,
    PositiveForm,
    Positives,
    Scale,
    SoftmaxForm,
    TripletForm,
)
from weightlab.forms.positives import to_front
from weightlab.forms.scale import divided, size_of
from weightlab.forms.softmax import over_sums
from weightlab.pairs import References
from weightlab.step.blocks import Block, blocks, weighted_sum
from weightlab.step.same_label import SameLabel

__all__ = ["walk"]


def walk(form: Form, anchors: Tensor, labels: Tensor, references: References) -> Tensor:
    """G_i = Σ_N w⁻_ij r_j − Σ_P w⁺_ij r_j, [B, D], of anchors [B, D], float32 at least, and their labels [B]."""
    same = SameLabel.find(labels, references)
    rows = references.embeddings[same.column].to(anchors.dtype)
    positives = Positives.at(same.row, same.column, (anchors[same.row] * rows).sum(1), len(anchors))
    found = _walk(form, _Walk(anchors, references.embeddings, same, positives))
    pull = positives.of_each(found.pull)
    return found.push - weighted_sum(rows, same.row, torch.arange(len(rows), device=rows.device), pull, len(anchors))


@dataclass(frozen=True)
class _Walk:
    """What every loop goes through.

    anchors: [B, D]. references: [M, D]. same: the pairs of one label. positives: of the anchors.
    scale: by what the negatives' weights are to be divided in the end.
    """

    anchors: Tensor
    references: Tensor
    same: SameLabel
    positives: Positives
    scale: Scale = "raw"

    def zeros(self, *shape: int) -> Tensor:
        return self.anchors.new_zeros(shape or (len(self.anchors),))


@dataclass(frozen=True)
class _Found:
    """push: Σ_N w⁻ r, [B, D]. pull: w⁺ of the positives, [B, K]. size: what the scale divides the push by, [B]."""

    push: Tensor
    pull: Tensor
    size: Tensor


def _walk(form: Form, on: _Walk) -> _Found:
    match form:
        case PointwiseForm():
            return _pointwise(form, on)
        case SoftmaxForm():
            return _softmax(form, on)
        case TripletForm():
            return _triplets(form, on)
        case HardestForm():
            return _hardest(form, on)
        case PositiveForm():
            return _Found(torch.zeros_like(on.anchors), form.pull(on.positives), on.zeros())
        case AssignedForm():
            return _assigned(form, on)


def _assigned(form: AssignedForm, on: _Walk) -> _Found:
    """The negatives' form is walked; the positives' too where it needs more than the positives."""
    positive = form.positive
    if isinstance(positive, PositiveForm | PointwiseForm):
        pull = positive.pull(on.positives)
    else:
        pull = _walk(positive, on).pull
    found = _walk(form.negative, _Walk(on.anchors, on.references, on.same, on.positives, form.scale))
    push = found.push if form.scale == "raw" else divided(found.push, found.size[:, None])
    return _Found(push, form.scaled(pull), found.size)


def _pointwise(form: PointwiseForm, on: _Walk) -> _Found:
    push, size = torch.zeros_like(on.anchors), on.zeros()
    limit = on.anchors.new_tensor(form.zero_up_to)
    for whole in blocks(on.anchors, on.references, on.same):
        block = whole.above(limit) if form.zero_up_to > -math.inf else whole
        weight = block.negatives(form.negative(block.filled(0).similarity), 0)
        size += _size(block, weight, on)
        block.add_to(push, weight)
    if form.averaged:
        excluded = torch.bincount(on.same.excluded_row, minlength=len(on.anchors))
        count = (len(on.references) - excluded).clamp(min=1)
        push, size = push / count[:, None], size / count if on.scale == "mass" else size
    return _Found(push, form.pull(on.positives), size)


def _softmax(form: SoftmaxForm, on: _Walk) -> _Found:
    """One pass: sums of exponentials relative to the largest so far, rescaled whenever a larger one comes."""
    shape = form.exponent(on.anchors[:, 0]).shape  # [B], or [sums, B]
    push, total, mass, count = on.zeros(*shape, on.anchors.shape[1]), on.zeros(*shape), on.zeros(*shape), on.zeros()
    top = on.anchors.new_full(shape, torch.finfo(on.anchors.dtype).min)
    hardest = on.anchors.new_full((len(on.anchors),), -torch.inf)
    mining = None if form.mining_margin is None else on.positives.least() - form.mining_margin
    for whole in blocks(on.anchors, on.references, on.same):
        if mining is not None:
            hardest = torch.maximum(hardest, whole.similarity.amax(1))
        block = _that_count(form, whole, top, mining, on)
        exponent = block.negatives(form.exponent(block.filled(0).similarity), -torch.inf)
        if mining is not None and block is whole:
            exponent.masked_fill_(block.similarity <= mining[:, None], -torch.inf)
        if on.scale == "mean":
            count += _sum_of_counted(form, block, exponent)
        higher = block.largest(exponent, top)
        shrink, top = (top - higher).exp(), higher
        share = exponent.sub_(block.spread(higher)).exp_()
        weight = share if form.factor is None else share * form.factor(block.similarity)
        total = total * shrink + block.sums(share, len(on.anchors))
        mass = mass * shrink + block.sums(weight, len(on.anchors)) if on.scale == "mass" else mass
        block.add_to(push.mul_(shrink[..., None]), weight)
    positives = on.positives if form.mining_margin is None else on.positives.below(hardest + form.mining_margin)
    pull, c = form.masses(positives, torch.where(total > 0, total.log() + top, -torch.inf))
    each = c / torch.where(total > 0, total, 1)
    return _Found(over_sums(push * each[..., None]), pull, count if on.scale == "mean" else mass * each)


def _that_count(form: SoftmaxForm, whole: Block, top: Tensor, mining: Tensor | None, on: _Walk) -> Block:
    """The pairs whose share rounding would not lose, and that mining leaves; the whole block where they are many."""
    if on.scale == "mean":  # they are counted
        return whole
    if top.ndim == 1 and bool((top == torch.finfo(top.dtype).min).all()):
        nearest = whole.similarity.amax(1)  # before the first sum: an exponent that is there for sure
        top = torch.where(nearest > -torch.inf, form.exponent(nearest.clamp(min=-1)), top)
    least = math.log(torch.finfo(top.dtype).eps / 2 / len(on.references))
    limit = form.exponent.reach(top + least)
    if limit is None:
        return whole
    return whole.above(limit if mining is None else torch.maximum(limit, mining))


def _sum_of_counted(form: SoftmaxForm, block: Block, exponent: Tensor) -> Tensor:
    counted = exponent > -torch.inf
    if form.factor is not None:
        counted &= form.factor(block.similarity) != 0
    return counted.sum(1).to(exponent.dtype)


def _triplets(form: TripletForm, on: _Walk) -> _Found:
    positives = on.positives
    limits, pull = form.limits(positives), torch.zeros_like(positives.similarity)
    push, size = torch.zeros_like(on.anchors), on.zeros()
    lowest = positives.least() - form.margin + form.zero_up_to
    for whole in blocks(on.anchors, on.references, on.same):
        block = whole.above(lowest) if form.zero_up_to > -math.inf else whole
        if block.row is not None and len(block.row) * limits.shape[1] <= whole.similarity.numel():
            violations = form.violation(block.similarity[:, None] - limits[block.row])
            pull.index_add_(0, block.row, violations)
            weight = violations.sum(1)
        else:
            block, weight = whole, _violations(form, whole.similarity, limits, pull)
        size += _size(block, weight, on)
        block.add_to(push, weight)
    return _Found(push, pull, size)


def _violations(form: TripletForm, similarity: Tensor, limits: Tensor, pull: Tensor) -> Tensor:
    """w⁻ of a whole block, [B, b], where pairs that are no negatives have similarity −∞; w⁺ is added to `pull`."""
    weight = torch.zeros_like(similarity)
    for slot, limit in enumerate(limits.unbind(1)):
        violation = form.violation(similarity - limit[:, None])
        pull[:, slot] += violation.sum(1)
        weight += violation
    return weight


def _hardest(form: HardestForm, on: _Walk) -> _Found:
    """One pass: the hardest of the block and of the hardest so far; at the end they are picked out."""
    anchors = on.anchors
    hardest = anchors.new_full((len(anchors), form.k), -torch.inf)
    slots = torch.zeros((len(anchors), form.k), dtype=torch.int64, device=anchors.device)
    start = 0
    for whole in blocks(anchors, on.references, on.same):
        found, column = _hardest_of(whole.above(hardest[:, -1]), form.k, len(anchors))
        both, where = torch.cat([hardest, found], dim=1), torch.cat([slots, start + column], dim=1)
        hardest, kept = both.topk(form.k, dim=1)
        slots, start = where.gather(1, kept), start + len(whole.references)
    push = torch.zeros_like(anchors)
    weight = torch.where(hardest > -torch.inf, form.weigh(hardest.clamp(min=-1)), 0)
    for each, slot in zip(weight.unbind(1), slots.unbind(1), strict=True):
        push += each[:, None] * on.references[slot].to(anchors.dtype)
    return _Found(push, torch.zeros_like(on.positives.similarity), size_of(weight, on.scale))


def _hardest_of(block: Block, k: int, anchors: int) -> tuple[Tensor, Tensor]:
    """Similarity and column of each anchor's hardest negatives in a block, k or what there are, [B, ·]; −∞ for none."""
    if block.row is None:
        found = block.similarity.topk(min(k, block.similarity.shape[1]), dim=1)
        return found.values, found.indices
    assert block.column is not None
    return to_front(block.row, block.similarity, anchors, -torch.inf)[0], to_front(block.row, block.column, anchors, 0)[
        0
    ]


def _size(block: Block, weight: Tensor, on: _Walk) -> Tensor | int:
    """What a block adds to that by which an anchor's weights are divided, [B]."""
    if on.scale == "raw":
        return 0
    return block.sums(weight.abs() if on.scale == "mass" else (weight != 0).to(weight.dtype), len(on.anchors))
