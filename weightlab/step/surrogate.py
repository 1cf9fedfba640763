"""The surrogate whose gradient is that of the loss: Σ w·S with w held constant."""

from __future__ import annotations

import torch
from torch import Tensor

from weightlab.pairs import Pairs, Weighting

__all__ = ["surrogate"]


def surrogate(
    weighting: Weighting,
    anchors: Tensor,
    labels: Tensor,
    references: Tensor | None = None,
    reference_labels: Tensor | None = None,
    own: Tensor | None = None,
) -> Tensor:
    """F = (1/B) Σ_i (Σ_N w⁻_ij S_ij − Σ_P w⁺_ij S_ij), every w held constant; a scalar to call backward on.

    Arguments as of `Pairs.from_embeddings`; gradients flow into the anchors and, where they ask for it, the references.
    """
    pairs = Pairs.from_embeddings(anchors, labels, references, reference_labels, own)
    with torch.no_grad():
        weights = weighting.weights(Pairs(pairs.similarity.detach(), pairs.positive, pairs.negative))
    return ((weights.negative - weights.positive) * pairs.similarity).sum() / max(len(anchors), 1)
