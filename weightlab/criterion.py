"""Criterion: a loss's weights, or assigned ones, as a module in other people's training loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from weightlab.arrays import as_entries, as_indices, as_labels, normalised
from weightlab.assignment import Scale, Weighable, as_weighting, assign
from weightlab.errors import InputError, describe
from weightlab.pairs import Pairs, References
from weightlab.relation import Same
from weightlab.step import surrogate, surrogate_of_pairs

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["Criterion"]


class Criterion(nn.Module):
    """Called as the losses of pytorch-metric-learning are; its gradient is the weighting's, averaged over the anchors.

    Criterion("ms-loss"), Criterion("step(0.5)"), Criterion(a weighting, weight function or function of similarity), or
    Criterion(positive="constant", negative="step(0.5)", scale="mass"), with parts as of `assign`.

    The value is the surrogate Σ_N w⁻S − Σ_P w⁺S, each w held constant (mean over the anchors): its gradient is the
    loss's, its value need not be, and may be negative. Half-precision embeddings are normalised and compared in
    float32, inside autocast too.

    same: which labels go together, as of `surrogate`, for labels [B, ...] of any shape and type; None: equal ones do.

    Raises InputError for neither or both, and as `as_weighting` and `assign` do.
    """

    def __init__(
        self,
        weighting: Weighable | None = None,
        *,
        positive: Weighable | None = None,
        negative: Weighable | None = None,
        scale: Scale = "raw",
        same: Same | None = None,
    ) -> None:
        super().__init__()
        if same is not None and not callable(same):
            raise InputError(f"same must be a function of two tensors of labels, not {describe(same)}")
        self.same = same
        if weighting is not None:
            if positive is not None or negative is not None or scale != "raw":
                raise InputError("Criterion wants a weighting, or positive, negative and scale, not both")
            self.weighting = as_weighting(weighting)
        else:
            if positive is None or negative is None:
                raise InputError('Criterion wants a weighting, or positive and negative: Criterion("ms-loss")')
            self.weighting = as_weighting(assign(positive, negative, scale))

    def forward(
        self,
        embeddings: Array,
        labels: Array,
        indices_tuple: Sequence[Array] | None = None,
        ref_emb: Array | None = None,
        ref_labels: Array | None = None,
    ) -> Tensor:
        """The surrogate of embeddings [B, D], of any length but 0, with labels [B]: a scalar to call backward on.

        ref_emb, ref_labels: [R, D] and [R], to be compared with in place of the batch itself. indices_tuple: what a
        miner of pytorch-metric-learning gives, triplets (anchor, positive, negative) or pairs (anchor, positive,
        anchor, negative); only these pairs then count. Raises InputError for what is of another shape or type, not
        finite or 0, and for indices that are out of range.
        """
        anchors = normalised("embeddings", embeddings)
        if (ref_emb is None) != (ref_labels is None):
            raise InputError("ref_emb and ref_labels go together")
        references = None
        if ref_emb is not None and ref_labels is not None:
            rows = normalised("ref_emb", ref_emb)
            as_given = as_labels if self.same is None else as_entries
            references = References(rows, as_given("ref_labels", ref_labels, rows))
        if indices_tuple is None:
            return surrogate(self.weighting, anchors, labels, references, same=self.same)
        pairs = Pairs.from_embeddings(anchors, labels, references, same=self.same)
        return surrogate_of_pairs(self.weighting, _only(pairs, indices_tuple))


def _only(pairs: Pairs, indices: Sequence[Array]) -> Pairs:
    """The pairs that a miner chose."""
    if not isinstance(indices, Sequence) or len(indices) not in (3, 4):
        count = len(indices) if isinstance(indices, Sequence) else describe(indices)
        raise InputError(f"indices_tuple must be triplets or pairs, 3 or 4 lists of indices, not {count}")
    first, second = (indices[0], indices[1]), (indices[0 if len(indices) == 3 else 2], indices[-1])
    positive, negative = (_chosen(pairs, *each) for each in (first, second))
    return Pairs(pairs.similarity, positive & pairs.positive, negative & pairs.negative)


def _chosen(pairs: Pairs, anchors: Array, others: Array) -> Tensor:
    """A mask of the pairs with these indices."""
    chosen = torch.zeros_like(pairs.positive)
    rows, columns = (
        as_indices("indices_tuple", each, 0, size - 1, device=chosen.device)
        for each, size in zip((anchors, others), chosen.shape, strict=True)
    )
    if rows.shape != columns.shape:
        raise InputError(f"indices_tuple has {len(rows)} anchors for {len(columns)} pairs")
    chosen[rows, columns] = True
    return chosen
