"""Walking the references in blocks: the gradient of the surrogate without ever holding all pairs.

The similarities of a block live in one reused buffer that stays in the cache; what is carried from block to block is
the gradient, [B, D], and a summary of each anchor, [B].
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from weightlab.errors import InputError
from weightlab.forms.positives import Positives
from weightlab.forms.stable import above
from weightlab.losses.softmax_form import over_sums
from weightlab.losses.triplet_form import TripletForm
from weightlab.step.few import Few
from weightlab.step.forms import Form, Hardest, Pointwise, Softmax

__all__ = ["walk"]

_BLOCK = 4096  # references at a time, so that their similarities stay in a core's cache
_BLOCK_ON_GPU = 1 << 16  # there it is launches that cost
_FEW = 0.25  # share of a block's references with any weight, below which they are picked out


def walk(form: Form, anchors: Tensor, references: Tensor, few: Few) -> Tensor:
    """G_i = Σ_N w⁻_ij r_j − Σ_P w⁺_ij r_j, [B, D], float32 at least, of anchors [B, D] and references [M, D].

    Raises InputError for similarities that are no cosines.
    """
    own = references[few.column].to(anchors.dtype)
    positives = Positives.at(few.row, few.column, (anchors[few.row] * own).sum(1), len(anchors))
    match form:
        case Pointwise():
            push, pull = _pointwise(form, anchors, references, few, positives)
        case Hardest():
            push, pull = _hardest(form, anchors, references, few, positives)
        case Softmax():
            push, pull = _softmax(form, anchors, references, few, positives)
        case TripletForm():
            push, pull = _triplets(form, anchors, references, few, positives)
    return push.index_add_(0, few.row, -pull[positives.row, positives.slot, None] * own)


def _blocks(anchors: Tensor, references: Tensor, few: Few) -> Iterator[tuple[Tensor, Tensor, tuple[Tensor, Tensor]]]:
    """Each block's similarities [B, b], its references [b, D], and where in it the pairs are that are no negatives."""
    size = _BLOCK_ON_GPU if anchors.is_cuda else _BLOCK
    buffer = anchors.new_empty((len(anchors) * min(size, len(references)),))
    for start in range(0, len(references), size):
        block = references[start : start + size].to(anchors.dtype)
        similarity = buffer[: len(anchors) * len(block)].view(len(anchors), len(block))
        torch.mm(anchors, block.T, out=similarity)
        low, high = similarity.aminmax()
        if not -1.02 <= float(low) <= float(high) <= 1.02:
            raise InputError("a similarity is NaN or outside [-1, 1]: anchors and references must be L2-normalised")
        yield similarity, block, few.outside(start, start + len(block))


def _add(total: Tensor, weight: Tensor, block: Tensor, least: float = 0.0) -> None:
    """total += weight @ block, less the references with no weight (≥ 0) above `least`, where these are most."""
    active = (weight.amax(0) > least).nonzero()[:, 0]
    if len(active) < _FEW * len(block):
        if len(active):
            total.addmm_(weight[:, active], block[active])
    else:
        total.addmm_(weight, block)


def _pointwise(
    form: Pointwise, anchors: Tensor, references: Tensor, few: Few, positives: Positives
) -> tuple[Tensor, Tensor]:
    push, size = torch.zeros_like(anchors), anchors.new_zeros(len(anchors))
    for similarity, block, outside in _blocks(anchors, references, few):
        weight = form.negative(similarity)
        weight[outside] = 0
        size += _size(form, weight, len(block))
        _add(push, weight, block)
    if form.scale == "count":
        size -= torch.bincount(few.out_row, minlength=len(anchors))
    return push / _at_least(size, form)[:, None], _pull(form, positives)


def _hardest(
    form: Hardest, anchors: Tensor, references: Tensor, few: Few, positives: Positives
) -> tuple[Tensor, Tensor]:
    """One pass: the hardest of the block and of the hardest so far; at the end they are picked out."""
    hardest = anchors.new_full((len(anchors), 0), -torch.inf)
    slots = torch.empty((len(anchors), 0), dtype=torch.int64, device=anchors.device)
    start = 0
    for similarity, block, outside in _blocks(anchors, references, few):
        similarity[outside] = -torch.inf
        found, column = similarity.topk(min(form.k, len(block)), dim=1)
        slots, hardest = torch.cat([slots, start + column], dim=1), torch.cat([hardest, found], dim=1)
        hardest, kept = hardest.topk(min(form.k, hardest.shape[1]), dim=1)
        slots, start = slots.gather(1, kept), start + len(block)
    push, count = torch.zeros_like(anchors), torch.zeros_like(anchors[:, 0])
    for similarity, slot in zip(hardest.unbind(1), slots.unbind(1), strict=True):
        there = (similarity > -torch.inf).to(anchors.dtype)
        push += there[:, None] * references[slot].to(anchors.dtype)
        count += there
    return push / _at_least(count, form)[:, None], _pull(form, positives)


def _pull(form: Pointwise | Hardest, positives: Positives) -> Tensor:
    """w⁺ of the positives, [B, K], scaled."""
    pull = form.positive(positives)
    size = positives.count if form.scale == "count" else _size(form, pull, 0)
    return pull / _at_least(size, form)[:, None]


def _size(form: Pointwise | Hardest, weight: Tensor, count: int) -> Tensor:
    """What a block adds to that by which an anchor's weights are divided."""
    match form.scale:
        case "mean":
            return above(weight, 0).sum(1)
        case "mass":
            return weight.sum(1)
    return weight.new_full((len(weight),), count)


def _at_least(size: Tensor, form: Pointwise | Hardest) -> Tensor:
    return torch.ones_like(size) if form.scale == "raw" else torch.where(size > 0, size, 1)


def _softmax(
    form: Softmax, anchors: Tensor, references: Tensor, few: Few, positives: Positives
) -> tuple[Tensor, Tensor]:
    """One pass: sums of exponentials relative to the largest so far, rescaled whenever a larger one comes."""
    shape = form.loss.exponent(anchors[:, 0]).shape  # [B], or [sums, B]
    push, total = anchors.new_zeros((*shape, anchors.shape[1])), anchors.new_zeros(shape)
    top = anchors.new_full(shape, torch.finfo(anchors.dtype).min)
    hardest = anchors.new_full((len(anchors),), -torch.inf)
    # what all the shares up to this one add up to is lost to rounding beside the largest, 1
    least = torch.finfo(anchors.dtype).eps / 2 / max(1, len(references))
    limit = None if form.mining_margin is None else _least(positives) - form.mining_margin
    for similarity, block, outside in _blocks(anchors, references, few):
        exponent, factor = form.loss.exponent(similarity), form.loss.factor(similarity)
        exponent[..., *outside] = -torch.inf
        if limit is not None:
            similarity[outside] = -torch.inf
            hardest = torch.maximum(hardest, similarity.amax(1))
            exponent.masked_fill_(similarity <= limit[:, None], -torch.inf)
        higher = torch.maximum(top, exponent.amax(-1))
        shrink = (top - higher).exp()
        share = exponent.sub_(higher[..., None]).exp_()
        total = total * shrink + share.sum(-1)
        push *= shrink[..., None]
        weight = share * factor if isinstance(factor, Tensor) else share
        _add(push.view(-1, push.shape[-1]), weight.view(-1, len(block)), block, least)
        top = higher
    if form.mining_margin is not None:
        positives = _mined(positives, hardest + form.mining_margin)
    log_total = torch.where(total > 0, total.log() + top, -torch.inf)
    pull, c = form.loss.outer(positives, log_total)
    return over_sums(push * (c / torch.where(total > 0, total, 1))[..., None]), pull


def _least(positives: Positives) -> Tensor:
    """min_P S, [B]; +∞ without positives."""
    s = positives.similarity
    return torch.cat([s, s.new_full((len(s), 1), torch.inf)], dim=1).amin(1)


def _mined(positives: Positives, limit: Tensor) -> Positives:
    """The positives below a limit, [B]; the others leave as if they were not there."""
    s = positives.similarity
    return Positives(
        s.masked_fill(s >= limit[:, None], torch.inf), positives.count, positives.row, positives.column, positives.slot
    )


def _triplets(
    form: TripletForm, anchors: Tensor, references: Tensor, few: Few, positives: Positives
) -> tuple[Tensor, Tensor]:
    push, pull = torch.zeros_like(anchors), torch.zeros_like(positives.similarity)
    limits = (positives.similarity - form.margin).unbind(1)
    for similarity, block, outside in _blocks(anchors, references, few):
        similarity[outside] = -torch.inf
        weight = torch.zeros_like(similarity)
        for slot, limit in enumerate(limits):
            violation = form.violation(similarity - limit[:, None])
            pull[:, slot] += violation.sum(1)
            weight += violation
        _add(push, weight, block)
    return push, pull
