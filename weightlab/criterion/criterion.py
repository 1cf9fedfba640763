"""Criterion: a loss's weights, or assigned ones, as a module in other people's training loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from weightlab.arrays import as_entries, as_labels, normalised
from weightlab.assignment import Scale, Weighable, as_weighting, assign
from weightlab.criterion.chosen import ChosenPairs
from weightlab.criterion.uncompiled import uncompiled
from weightlab.errors import InputError, describe
from weightlab.pairs import References
from weightlab.relation import Masks, Same, related
from weightlab.step import surrogate

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["Criterion"]


class Criterion(nn.Module):
    """Called as the losses of pytorch-metric-learning are; its gradient is the weighting's, averaged over the anchors.

    Criterion("ms-loss"), Criterion("step(0.5)"), Criterion(a weighting, weight function or function of similarity), or
    Criterion(positive="constant", negative="step(0.5)", scale="mass"), with parts as of `assign`.

    The value is the surrogate Σ_N w⁻S − Σ_P w⁺S, each w held constant (mean over the anchors): its gradient is the
    loss's, its value need not be, and may be negative. Half-precision embeddings are normalised and compared in
    float32, inside autocast too. It has no parameters and no state.

    same: which labels go together, as of `surrogate`, for labels [B, ...] of any shape and type; None: equal ones do.

    It goes where pytorch-metric-learning has a loss, but that CrossBatchMemory and SelfSupervisedLoss take losses by
    their class's name. Tell them this one:

        class CrossBatchMemory(pytorch_metric_learning.losses.CrossBatchMemory):
            @staticmethod
            def supported_losses():
                return ["Criterion"]

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

    @uncompiled  # it looks at its input, and has backwards of its own
    def forward(
        self,
        embeddings: Array,
        labels: Array | None = None,
        indices_tuple: Sequence[Array] | None = None,
        ref_emb: Array | None = None,
        ref_labels: Array | None = None,
    ) -> Tensor:
        """The surrogate of embeddings [B, D], of any length but 0, with labels [B]: a scalar to call backward on.

        ref_emb, ref_labels: [R, D] and [R], to be compared with in place of the batch itself; no row of them is left
        out. Where they need no gradient they are walked in blocks, and no [B, R] of numbers is held.
        indices_tuple: what a miner of pytorch-metric-learning gives, triplets (anchor, positive, negative) or pairs
        (anchor, positive, anchor, negative): only these pairs then count, each once, and of them the positives whose
        labels go together and the negatives whose do not. Without labels the tuple itself says which are which.

        Raises InputError for what is of another shape or type, not finite or 0, and for indices that are out of range.
        """
        anchors = normalised("embeddings", embeddings)
        return self.of_rows(anchors, labels, self.references(ref_emb, ref_labels, labels), indices_tuple)

    def of_rows(
        self,
        anchors: Tensor,
        labels: Array | None,
        references: References | None = None,
        indices_tuple: Sequence[Array] | None = None,
    ) -> Tensor:
        """The surrogate of what is normalised already, [B, D], with references of any kind or the batch itself."""
        if indices_tuple is None:
            return surrogate(self.weighting, anchors, labels, references, same=self.same)
        references, masks = self._only(anchors, labels, references, indices_tuple)
        return surrogate(self.weighting, anchors, None, references, masks=masks)

    def references(
        self, ref_emb: Array | None, ref_labels: Array | None, labels: Array | None = None
    ) -> References | None:
        """Embeddings [R, D] of any length and their labels, None where the batch is compared with itself.

        Raises InputError where only one of two is given.
        """
        if ref_emb is None and ref_labels is None:
            return None
        if ref_emb is None or (ref_labels is None) != (labels is None):
            raise InputError("ref_emb and ref_labels go together, and with labels")
        rows = normalised("ref_emb", ref_emb)
        return References(rows, None if ref_labels is None else self.as_labels("ref_labels", ref_labels, rows))

    def as_labels(self, name: str, labels: Array, like: Tensor) -> Tensor:
        """Labels that fit the embeddings `like`: whole numbers, or of any shape and type for a relation."""
        return (as_labels if self.same is None else as_entries)(name, labels, like)

    def _only(
        self, anchors: Tensor, labels: Array | None, references: References | None, indices_tuple: Sequence[Array]
    ) -> tuple[References | None, Masks]:
        """The references that a miner chose, and masks of its pairs. All rows of a batch stay: their own are known."""
        if references is not None:
            references.check_anchors(anchors, None)
        count = len(anchors) if references is None else len(references)
        chosen = ChosenPairs.read(indices_tuple, len(anchors), count, anchors.device)
        used = None
        if references is not None:
            used = chosen.used()
            known = None if references.labels is None else references.labels[used]
            references = References(references.embeddings[used], known, verified=True)
        positive, negative = chosen.masks(used)
        if labels is None:
            return references, (positive, negative)
        entries = self.as_labels("labels", labels, anchors)
        others = entries if references is None else references.both_labels(entries, self.same)[1]
        together = related(self.same, entries, others)
        return references, (positive & together, negative & ~together)
