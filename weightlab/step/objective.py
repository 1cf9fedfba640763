"""The surrogate whose gradient is that of the loss: Σ w·S with w held constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from weightlab.assignment import Weighable, as_weighting
from weightlab.errors import InputError, describe
from weightlab.forms import Form, form_of
from weightlab.pairs import Pairs, References, Weighting, as_anchors, weights_of
from weightlab.precision import exact, wide
from weightlab.product import product
from weightlab.relation import Masks, Same
from weightlab.step.same_label import SameLabel
from weightlab.step.walk import walk

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["surrogate", "surrogate_of_pairs"]


@exact()
def surrogate(
    weighting: Weighable,
    anchors: Array,
    labels: Array | None = None,
    references: References | None = None,
    *,
    same: Same | None = None,
    masks: Masks | None = None,
) -> Tensor:
    """F = (1/B) Σ_i (Σ_N w⁻_ij S_ij − Σ_P w⁺_ij S_ij), every w held constant; a scalar to call backward on.

    weighting: as of `as_weighting`: a text ("ms-loss", "step(0.5)"), a weight function, a weighting, or any function of
    similarity. In a loop make it once, by `as_weighting`: the step then begins with the form and not with its making.
    anchors: [B, D], L2-normalised; labels: whole numbers [B]. references: None for the batch against itself.
    same: which labels go together, a function of labels [B, ...] and [R, ...] that gives bool [B, R], asked for a block
    of references at a time; labels may then be of any shape and type, such as multi-hot [B, L]. None: equal ones do.
    masks: (positive, negative), bool [B, R] each, in place of labels. Own entries are no pair in either case.

    Where the references are constant, and the weighting has a form (`weightlab.forms`), they are walked in blocks: no
    [B, M] is held, and the backward only scales what the forward found (which references are left out, and the bound
    on what that costs: `weightlab.step.walk`). Otherwise all pairs are held at once, and gradients flow into the
    references too. Similarities, weights and their sums are in float32 at least, inside autocast too, and so is F.

    Raises InputError as `References`, `Pairs.from_embeddings` and `as_weighting` do.
    """
    weighting = as_weighting(weighting)
    form = form_of(weighting)
    rows, entries, references = as_anchors(anchors, labels, references, same, masks)
    if references is None:
        return _surrogate_of_batch(weighting, wide(rows), Pairs.of_anchors(rows.detach(), entries, None, same, masks))
    if references.embeddings.requires_grad or form is None or not len(rows):
        return surrogate_of_pairs(weighting, Pairs.of_anchors(rows, entries, references, same, masks))
    if masks is None:
        pairs = SameLabel.find(entries, references, same)
    else:
        pairs = SameLabel.of_masks(masks, references, len(rows))
    value: Tensor = _Walked.apply(rows, form, pairs, references)  # type: ignore[no-untyped-call]
    return value


def _surrogate_of_batch(weighting: Weighting, anchors: Tensor, pairs: Pairs) -> Tensor:
    """F = Σ_ij W_ij x_i·x_j / B of a batch against itself: a quadratic form of its embeddings."""
    with torch.no_grad():
        weights = weights_of(weighting, pairs)
        weight = (weights.negative - weights.positive) / max(len(anchors), 1)
        value = (weight * pairs.precise).sum()
    quadratic: Tensor = _Quadratic.apply(anchors, weight + weight.T, value)  # type: ignore[no-untyped-call]
    return quadratic


class _Quadratic(torch.autograd.Function):
    """½ Σ_ij M_ij x_i·x_j, whose value is known, of a symmetric M [B, B]: its derivative is M X, one product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, value: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(x, matrix)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *scales: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        x, matrix = ctx.saved_tensors
        return scales[0] * product(matrix, x), None, None


class _Walked(torch.autograd.Function):
    """S_ij = a_i·r_j, so F = Σ_i a_i·G_i / B, and with G held constant dF/da_i = G_i / B."""

    @staticmethod
    def forward(ctx: Any, anchors: Tensor, form: Form, same: SameLabel, references: References) -> Tensor:  # noqa: ANN401
        precise = wide(anchors)
        gradient = walk(form, precise, same, references.embeddings) / len(anchors)
        ctx.save_for_backward(gradient)
        ctx.dtype = anchors.dtype
        return torch.dot(precise.flatten(), gradient.flatten())

    @staticmethod
    def backward(ctx: Any, *scales: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        (gradient,) = ctx.saved_tensors
        return (scales[0] * gradient).to(ctx.dtype), None, None, None


@exact()
def surrogate_of_pairs(weighting: Weighable, pairs: Pairs) -> Tensor:
    """F of pairs that are all at hand, with masks of one's own or not; gradients flow into their similarities."""
    weighting = as_weighting(weighting)
    if not isinstance(pairs, Pairs):
        raise InputError(f"pairs must be Pairs(similarity, positive, negative), not {describe(pairs)}")
    with torch.no_grad():
        weights = weights_of(weighting, pairs.detached)
    return ((weights.negative - weights.positive) * pairs.precise).sum() / max(len(pairs.similarity), 1)
