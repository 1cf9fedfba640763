"""The surrogate whose gradient is that of the loss: Σ w·S with w held constant."""

from __future__ import annotations

import torch
from torch import Tensor

from weightlab.pairs import Pairs, Weighting, check_embeddings
from weightlab.step.few import Few
from weightlab.step.forms import form_of
from weightlab.step.walk import walk

__all__ = ["surrogate"]


def surrogate(
    weighting: Weighting,
    anchors: Tensor,
    labels: Tensor,
    references: Tensor | None = None,
    reference_labels: Tensor | None = None,
    own: Tensor | None = None,
    shared: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """F = (1/B) Σ_i (Σ_N w⁻_ij S_ij − Σ_P w⁺_ij S_ij), every w held constant; a scalar to call backward on.

    Arguments as of `Pairs.from_embeddings`; references may be of lower precision. shared: where a look-up has them
    (`MemoryBank.slots_of`), the row and column of all pairs with the same label, rows ascending; else they are sought.

    Where the references are constant, and the weighting has a form (`forms`), they are walked in blocks: no [B, M] is
    held, and the backward only scales what the forward found. Otherwise all pairs are held at once, and gradients flow
    into the references too.

    Raises InputError as `Pairs.from_embeddings` does.
    """
    form = form_of(weighting)
    if references is None or reference_labels is None or references.requires_grad or form is None or not len(anchors):
        wide = None if references is None else references.to(anchors.dtype)
        return _plain(weighting, Pairs.from_embeddings(anchors, labels, wide, reference_labels, own))
    check_embeddings("anchors", anchors, labels)
    with torch.no_grad():
        wide = anchors.detach().to(torch.promote_types(anchors.dtype, torch.float32))
        few = Few.of(*shared, own) if shared is not None else Few.find(labels, reference_labels, own)
        gradient = walk(form, wide, references, few)
    # S_ij = a_i·r_j, so F = Σ_i a_i·G_i / B, and with G held constant dF/da_i = G_i / B
    return (anchors * gradient).sum() / max(len(anchors), 1)


def _plain(weighting: Weighting, pairs: Pairs) -> Tensor:
    with torch.no_grad():
        weights = weighting.weights(Pairs(pairs.similarity.detach(), pairs.positive, pairs.negative))
    return ((weights.negative - weights.positive) * pairs.similarity).sum() / max(len(pairs.similarity), 1)
