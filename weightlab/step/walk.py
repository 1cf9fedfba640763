"""Walking the references in blocks: the gradient of the surrogate without ever holding all pairs.

What is carried from block to block is the gradient, [B, D], and a summary of each anchor, [B]. Where a form says which
negatives can have a weight, a block costs one product and those few pairs: a pointwise form whose weight is exactly 0
up to a similarity, triplets whose margin is kept, negatives that are not among the k hardest so far, those below a band
under the hardest positive, and of a softmax the shares that rounding would lose. Of these, only the last are not
exactly 0: left out is what lies below 8 eps / M of the anchor's sum of exponentials so far (M references; eps is 1.2e-7
in float32, 2.2e-16 in float64), so all that is left out adds up to less than 8 eps (1e-6) of the sum, in the worst of
banks. No weight is off by more than that share, and the gradient by no more than that share of the anchor's weight
mass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from weightlab.forms import (
    AssignedForm,
    BandForm,
    Form,
    HardestForm,
    PointwiseForm,
    PositiveForm,
    Positives,
    Scale,
    SoftmaxForm,
    TripletForm,
)
from weightlab.forms.assigned import PositivesAlone
from weightlab.forms.positives import to_front
from weightlab.forms.scale import divided, part_of_size, size_of
from weightlab.forms.softmax import over_sums
from weightlab.step.blocks import Block, blocks, weighted_sum
from weightlab.step.same_label import SameLabel

__all__ = ["walk"]

_ROOM = 60  # of exponents above the largest so far: e^60, times as many references as there may be, fits float32
_FARTHEST = 1.05  # a cosine of embeddings whose norms are within 0.02 of 1
_POSITIVES = 1 << 16  # pairs whose references are copied at a time: a relation may make them many
_LOST = 8  # times eps: the share of a sum of exponentials that may be left out


def walk(form: Form, anchors: Tensor, same: SameLabel, references: Tensor) -> Tensor:
    """G_i = Σ_N w⁻_ij r_j − Σ_P w⁺_ij r_j, [B, D], of anchors [B, D], float32 at least, and references [M, D]."""
    again = len(same.row) > _POSITIVES
    positives = _positive_rows(anchors, same, references)
    kept = positives if again else list(positives)  # those of one piece are held, not copied twice
    similarity = [(anchors.index_select(0, row) * rows).sum(1) for row, rows in kept]
    found = _walk(form, _Walk(anchors, references, same, torch.cat(similarity)))
    pulls = found.pull.split(_POSITIVES)
    for (row, rows), pull in zip(_positive_rows(anchors, same, references) if again else kept, pulls, strict=True):
        every = torch.arange(len(rows), device=rows.device)
        found.push.sub_(weighted_sum(rows, row, every, pull, len(anchors)))
    return found.push


def _positive_rows(anchors: Tensor, same: SameLabel, references: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Of the positive pairs, some at a time: the anchor of each, and its reference in the anchors' type."""
    for row, column in zip(same.row.split(_POSITIVES), same.column.split(_POSITIVES), strict=True):
        yield row, references.index_select(0, column).to(anchors.dtype)


@dataclass(frozen=True)
class _Walk:
    """What every loop goes through.

    anchors: [B, D].
    references: [M, D].
    same: the pairs of one label, n of them positives.
    similarity: of the positives, [n].
    scale: by what the negatives' weights are to be divided in the end.
    """

    anchors: Tensor
    references: Tensor
    same: SameLabel
    similarity: Tensor
    scale: Scale = "raw"

    @cached_property
    def positives(self) -> Positives:
        """The positives of each anchor side by side, for forms that need them so."""
        return Positives.at(self.same.row, self.same.column, self.similarity, len(self.anchors))

    def zeros(self, *shape: int) -> Tensor:
        return self.anchors.new_zeros(len(self.anchors), *shape)

    def sums(self, x: Tensor) -> Tensor:
        """Added up over the positives of an anchor, [n] → [B]."""
        return self.zeros().index_add_(0, self.same.row, x)


@dataclass(frozen=True)
class _Found:
    """What a loop found.

    push: Σ_N w⁻ r, [B, D].
    pull: w⁺ of the positives, [n].
    size: what the scale divides the push by, [B].
    """

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
        case BandForm():
            return _band(form, on)
        case PositiveForm():
            return _Found(on.zeros(on.anchors.shape[1]), on.positives.of_each(form.pull(on.positives)), on.zeros())
        case AssignedForm():
            return _assigned(form, on)


def _assigned(form: AssignedForm, on: _Walk) -> _Found:
    """The negatives' form is walked; the positives' too where it needs more than the positives."""
    found = _walk(form.negative, replace(on, scale=form.scale))
    push = found.push if form.scale == "raw" else divided(found.push, found.size[:, None])
    return _Found(push, _pull(form, on), found.size)


def _pull(form: AssignedForm, on: _Walk) -> Tensor:
    """w⁺ of the positives, [n], scaled."""
    positive = form.positive
    if isinstance(positive, PointwiseForm) and not positive.averaged:
        pull = positive.positive(on.similarity.clamp(max=1))
        return pull if form.scale == "raw" else divided(pull, on.sums(part_of_size(pull, form.scale))[on.same.row])
    positives = on.positives
    if isinstance(positive, PositivesAlone):
        front = positive.pull(positives)
    else:
        front = positives.front(_walk(positive, replace(on, scale="raw")).pull)
    return positives.of_each(form.scaled(front, positives))


def _pointwise(form: PointwiseForm, on: _Walk) -> _Found:
    push, size, pull = on.zeros(on.anchors.shape[1]), on.zeros(), form.positive(on.similarity.clamp(max=1))
    for whole in blocks(on.anchors, on.references, on.same):
        block = whole.above(form.zero_up_to) if form.zero_up_to >= -1 else whole
        weight = block.negatives(form.negative(block.similarity), 0)
        size += _size(block, weight, on)
        block.add_to(push, weight)
    if form.averaged:
        excluded = torch.bincount(on.same.excluded_row, minlength=len(on.anchors))
        count = (len(on.references) - excluded).clamp(min=1)
        push, size = push / count[:, None], size / count if on.scale == "mass" else size
        pull = pull / on.positives.of_each(on.positives.count[:, None].expand_as(on.positives.similarity))
    return _Found(push, pull, size)


def _softmax(form: SoftmaxForm, on: _Walk) -> _Found:
    """One pass: sums of exponentials relative to the largest so far, rescaled whenever a larger one comes, until none
    can come that would overflow: from there on it costs less.
    """
    shape = (len(on.anchors),) if form.sums == 1 else (form.sums, len(on.anchors))
    total, push = on.anchors.new_zeros(shape), on.anchors.new_zeros(*shape, on.anchors.shape[1])
    mass, count = torch.zeros_like(total), on.zeros()
    # in float64, for an exponent may be: then float32 would not have the largest
    top = torch.full_like(total, torch.finfo(total.dtype).min, dtype=torch.float64)
    hardest, settled = torch.full_like(count, -torch.inf), False
    mining = None if form.mining_margin is None else on.positives.least() - form.mining_margin
    for whole in blocks(on.anchors, on.references, on.same):
        if mining is not None:
            hardest = torch.maximum(hardest, whole.filled(-torch.inf).similarity.amax(1))
            whole.filled(0)
        block = _that_count(form, whole, (total.log() + top).to(total.dtype), mining, on, settled=settled)
        # in float64 where a form's exponents are large: that of the largest is taken off before they are rounded
        exponent = block.negatives(form.exponent(block.similarity), -torch.inf)
        if mining is not None and block is whole:
            exponent.masked_fill_(block.similarity <= mining[:, None], -torch.inf)
        if on.scale == "mean":
            count += _sum_of_counted(form, block, exponent)
        if not settled:
            higher = block.largest(exponent, top)
            shrink, top = (top - higher).exp().to(total.dtype), higher
            total, mass, push = total.mul_(shrink), mass.mul_(shrink), push.mul_(shrink[..., None])
            settled = _is_settled(form, top)
        share = exponent.sub_(block.spread(top.to(exponent.dtype))).to(total.dtype).exp_()
        weight = share if form.factor is None else share * form.factor(block.similarity)
        total += block.sums(share, len(on.anchors))
        if on.scale == "mass":
            mass += block.sums(weight, len(on.anchors))
        block.add_to(push, weight)
    positives = on.positives if form.mining_margin is None else on.positives.below(hardest + form.mining_margin)
    pull, c = form.masses(positives, torch.where(total > 0, total.log() + top, -torch.inf).to(total.dtype))
    each = c / torch.where(total > 0, total, 1)
    size = count if on.scale == "mean" else mass * each
    return _Found(over_sums(push * each[..., None]), positives.of_each(pull), size)


def _is_settled(form: SoftmaxForm, top: Tensor) -> bool:
    """Whether every exponential that may come is below e^60 of the largest so far, wherever the cosine lies."""
    reach = form.exponent.reach(top + _ROOM) if form.sums == 1 else None
    return reach is not None and bool((reach >= _FARTHEST).all())


def _that_count(
    form: SoftmaxForm, whole: Block, log_total: Tensor, mining: Tensor | None, on: _Walk, *, settled: bool
) -> Block:
    """The pairs whose share rounding would not lose, and that mining leaves; the whole block where they are many."""
    all_count = on.scale == "mean" or form.sums > 1 or form.factor_falls
    if all_count or not whole.worth_a_list:
        return whole
    if not settled and bool((log_total == -torch.inf).any()):
        # before an anchor's first sum: an exponent that is there for sure
        nearest = whole.filled(-torch.inf).similarity.amax(1)
        whole.filled(0)
        there = torch.where(nearest > -torch.inf, form.exponent(nearest.clamp(min=-1)), -torch.inf)
        log_total = torch.maximum(log_total, there)
    limit = form.exponent.reach(log_total + math.log(_LOST * torch.finfo(log_total.dtype).eps / len(on.references)))
    if mining is not None:
        limit = mining if limit is None else torch.maximum(limit, mining)
    return whole if limit is None else whole.above(limit)


def _sum_of_counted(form: SoftmaxForm, block: Block, exponent: Tensor) -> Tensor:
    counted = exponent > -torch.inf
    if form.factor is not None:
        counted &= form.factor(block.similarity) != 0
    return counted.sum(1).to(exponent.dtype)


def _triplets(form: TripletForm, on: _Walk) -> _Found:
    positives = on.positives
    limits, pull = form.limits(positives), torch.zeros_like(positives.similarity)
    push, size = on.zeros(on.anchors.shape[1]), on.zeros()
    lowest = positives.least() - form.margin + form.zero_up_to
    for whole in blocks(on.anchors, on.references, on.same):
        block = whole.above(lowest)
        if block.row is not None and len(block.row) * limits.shape[1] <= whole.similarity.numel():
            violations = form.violation(block.similarity[:, None] - limits[block.row])
            pull.index_add_(0, block.row, violations)
            weight = violations.sum(1)
        else:
            block, weight = whole, _violations(form, whole.filled(-torch.inf).similarity, limits, pull)
        size += _size(block, weight, on)
        block.add_to(push, weight)
    return _Found(push, positives.of_each(pull), size)


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
    k = min(form.k, len(on.references))
    hardest = anchors.new_full((len(anchors), k), -torch.inf)
    slots = torch.zeros((len(anchors), k), dtype=torch.int64, device=anchors.device)
    start = 0
    for whole in blocks(anchors, on.references, on.same):
        found, column = _hardest_of(whole.above(hardest[:, -1]), k, len(anchors))
        both, where = torch.cat([hardest, found], dim=1), torch.cat([slots, start + column], dim=1)
        hardest, kept = both.topk(k, dim=1)
        slots, start = where.gather(1, kept), start + len(whole.references)
    push = torch.zeros_like(anchors)
    weight = torch.where(hardest > -torch.inf, form.weigh(hardest.clamp(min=-1)), 0)
    for each, slot in zip(weight.unbind(1), slots.unbind(1), strict=True):
        push += each[:, None] * on.references[slot].to(anchors.dtype)
    return _Found(push, torch.zeros_like(on.similarity), size_of(weight, on.scale))


def _band(form: BandForm, on: _Walk) -> _Found:
    """One pass: the hardest positives are known, so each block's weights are; a band that ends is a list of few."""
    push, size, least = on.zeros(on.anchors.shape[1]), on.zeros(), on.positives.least()
    for whole in blocks(on.anchors, on.references, on.same):
        block = whole.above(form.floor(least)) if form.depth < math.inf else whole
        weight = block.negatives(form.weigh(block.similarity, block.spread(least)), 0)
        size += _size(block, weight, on)
        block.add_to(push, weight)
    return _Found(push, torch.zeros_like(on.similarity), size)


def _hardest_of(block: Block, k: int, anchors: int) -> tuple[Tensor, Tensor]:
    """Similarity and column of each anchor's hardest negatives in a block, k or what there are, [B, ·]; −∞ for none."""
    if block.row is None:
        found = block.filled(-torch.inf).similarity.topk(min(k, block.similarity.shape[1]), dim=1)
        return found.values, found.indices
    assert block.column is not None
    return to_front(block.row, block.similarity, anchors, -torch.inf)[0], to_front(block.row, block.column, anchors, 0)[
        0
    ]


def _size(block: Block, weight: Tensor, on: _Walk) -> Tensor | int:
    """What a block adds to that by which an anchor's weights are divided, [B]."""
    if on.scale == "raw":
        return 0
    return block.sums(part_of_size(weight, on.scale), len(on.anchors))
