"""The surrogate whose gradient is that of the loss: Σ w·S with w held constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from weightlab.assignment import Weighable, as_weighting
from weightlab.errors import InputError, describe
from weightlab.forms import Form, form_of
from weightlab.pairs import Pairs, References, as_anchors, weights_of
from weightlab.step.walk import walk

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["surrogate", "surrogate_of_pairs"]


def surrogate(weighting: Weighable, anchors: Array, labels: Array, references: References | None = None) -> Tensor:
    """F = (1/B) Σ_i (Σ_N w⁻_ij S_ij − Σ_P w⁺_ij S_ij), every w held constant; a scalar to call backward on.

    weighting: as of `as_weighting`: a text ("ms-loss", "step(0.5)"), a weight function, a weighting, or any function of
    similarity. In a loop make it once, by `as_weighting`: the step then begins with the form and not with its making.
    anchors: [B, D], L2-normalised; labels: whole numbers [B]. references: None for the batch against itself.

    Where the references are constant, and the weighting has a form (`weightlab.forms`), they are walked in blocks: no
    [B, M] is held, and the backward only scales what the forward found (which references are left out, and the bound
    on what that costs: `weightlab.step.walk`). Otherwise all pairs are held at once, and gradients flow into the
    references too.

    Raises InputError as `References`, `Pairs.from_embeddings` and `as_weighting` do.
    """
    weighting = as_weighting(weighting)
    form = form_of(weighting)
    rows, numbers, references = as_anchors(anchors, labels, references)
    if references is None or references.embeddings.requires_grad or form is None or not len(rows):
        return surrogate_of_pairs(weighting, Pairs.from_embeddings(rows, numbers, references))
    value: Tensor = _Walked.apply(rows, form, numbers, references)  # type: ignore[no-untyped-call]
    return value


class _Walked(torch.autograd.Function):
    """S_ij = a_i·r_j, so F = Σ_i a_i·G_i / B, and with G held constant dF/da_i = G_i / B."""

    @staticmethod
    def forward(ctx: Any, anchors: Tensor, form: Form, labels: Tensor, references: References) -> Tensor:  # noqa: ANN401
        wide = anchors.to(torch.promote_types(anchors.dtype, torch.float32))
        gradient = walk(form, wide, labels, references) / len(anchors)
        ctx.save_for_backward(gradient.to(anchors.dtype))
        return torch.dot(wide.flatten(), gradient.flatten()).to(anchors.dtype)

    @staticmethod
    def backward(ctx: Any, *scales: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        (gradient,) = ctx.saved_tensors
        return scales[0] * gradient, None, None, None


def surrogate_of_pairs(weighting: Weighable, pairs: Pairs) -> Tensor:
    """F of pairs that are all at hand; gradients flow into their similarities."""
    weighting = as_weighting(weighting)
    if not isinstance(pairs, Pairs):
        raise InputError(f"pairs must be Pairs(similarity, positive, negative), not {describe(pairs)}")
    with torch.no_grad():
        weights = weights_of(weighting, Pairs(pairs.similarity.detach(), pairs.positive, pairs.negative))
    return ((weights.negative - weights.positive) * pairs.similarity).sum() / max(len(pairs.similarity), 1)
