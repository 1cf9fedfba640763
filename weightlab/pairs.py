"""Pairs, PairWeights and References: the data that everything else speaks."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from weightlab.arrays import (
    ROUNDING,
    as_embeddings,
    as_entries,
    as_floats,
    as_indices,
    as_labels,
    as_mask,
    is_dense,
)
from weightlab.errors import InputError, describe
from weightlab.lazy import torch
from weightlab.precision import wide
from weightlab.relation import Masks, Same, as_masks, check_way, related

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.arrays import Array

__all__ = ["SIGNS", "PairWeights", "Pairs", "References", "Sign", "Weighting", "as_anchors", "weights_of"]

Sign = Literal["positive", "negative"]
SIGNS: tuple[Sign, Sign] = ("positive", "negative")

_MOST_ANCHORS = 2**31  # of a batch


@dataclass(frozen=True)
class Pairs:
    """Anchors against references.

    similarity: float [B, R], cosine similarities in [−1, 1], of B anchors with R references.
    positive, negative: bool [B, R]; a pair in neither is ignored, a pair in both is an error.

    Each may be given as an array of numpy's or as lists too; masks go to the similarities' device.
    Raises InputError for a wrong shape or type, a NaN, an infinity, a value outside [−1, 1], or a pair in both masks.
    """

    similarity: Tensor
    positive: Tensor
    negative: Tensor

    def __post_init__(self) -> None:
        similarity = as_floats("similarity", self.similarity, ("anchors", "references"))
        _check_range(similarity)
        object.__setattr__(self, "similarity", similarity)
        for name, mask in (("positive", self.positive), ("negative", self.negative)):
            object.__setattr__(self, name, as_mask(name, mask, similarity.shape, similarity.device))
        # masks that are one row for all anchors (`expand`) need one look
        rows = slice(0, 1) if self.positive.stride(0) == self.negative.stride(0) == 0 else slice(None)
        both = self.positive[rows] & self.negative[rows]
        if bool(both.any()):
            raise InputError(f"positive and negative share {int(both.sum())} pair(s): a pair can be in one mask only")

    @property
    def precise(self) -> Tensor:
        """The similarities in float32 at least."""
        return wide(self.similarity)

    @property
    def detached(self) -> Pairs:
        """The same pairs, without a gradient; they are not checked again."""
        pairs = copy(self)
        object.__setattr__(pairs, "similarity", self.similarity.detach())
        return pairs

    @classmethod
    def from_embeddings(
        cls,
        anchors: Array,
        labels: Array | None = None,
        references: Array | References | None = None,
        reference_labels: Array | None = None,
        *,
        same: Same | None = None,
        masks: Masks | None = None,
    ) -> Pairs:
        """Cosine similarities of anchors [B, D] with references [R, D], both L2-normalised, and the masks by label.

        The similarities are in the anchors' type, float32 at least, inside autocast too.

        labels: [B]; reference_labels: [R], unless `references` is a `References`, which has them, and the anchors' own
        entries, which are excluded. Without references, the batch against itself, self pairs excluded.
        same: a relation, labels [B, ...] and [R, ...] → bool [B, R], that says which labels go together; None: equal
        ones. masks: (positive, negative), bool [B, R] each, in place of labels; own entries stay excluded.
        Raises InputError for embeddings that are not normalised, not finite, or that do not fit their labels, and for a
        relation or masks that answer otherwise.
        """
        wanted = _as_references(references, reference_labels, masks)
        return cls.of_anchors(*as_anchors(anchors, labels, wanted, same, masks), same, masks)

    @classmethod
    def of_anchors(
        cls,
        anchors: Tensor,
        labels: Tensor | None,
        references: References | None,
        same: Same | None = None,
        masks: Masks | None = None,
    ) -> Pairs:
        """As `from_embeddings`, of what `as_anchors` has checked."""
        from weightlab.product import cosines  # a class of torch's in it, which is imported when used

        compared = References.of_batch(anchors, labels) if references is None else references
        positive, negative = compared.masks_for(labels, same, masks, len(anchors))
        return cls._made(cosines(anchors, compared.embeddings), positive, negative)

    @classmethod
    def _made(cls, similarity: Tensor, positive: Tensor, negative: Tensor) -> Pairs:
        """Of masks made to fit: only the similarities are looked at, for lengths may be off by 0.02."""
        _check_range(similarity)
        pairs = object.__new__(cls)
        for name, value in (("similarity", similarity), ("positive", positive), ("negative", negative)):
            object.__setattr__(pairs, name, value)
        return pairs


@dataclass(frozen=True, eq=False)
class References:
    """What anchors are compared with, for `surrogate` and its like; `MemoryBank.references` makes them of a bank.

    embeddings: floating-point [R, D], L2-normalised, of any precision.
    labels: integer [R], which become int64 on the embeddings' device; [R, ...] of any type for a relation `same`; None
        for masks of one's own alone.
    own: None, or integer [B]: for each anchor the row of its own entry, which is no pair of it; −1 where it has none.
    shared: None, or (anchor, row), integer [n] each: all the pairs that share a label, own entries among them, anchors
        ascending, from a look-up by label; None: they are sought where they are needed.
    looked_up: None, or integer [B]: the anchors' labels that `shared` was looked up with.
    verified: all its parts were looked at before (a bank does so as entries come in), and are taken as they are.

    Raises InputError for embeddings that are not normalised or finite, and for parts that do not fit one another.
    """

    embeddings: Tensor
    labels: Tensor | None = None
    own: Tensor | None = None
    shared: tuple[Tensor, Tensor] | None = None
    looked_up: Tensor | None = field(default=None, repr=False)
    verified: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.verified:
            return
        object.__setattr__(self, "embeddings", as_embeddings("references", self.embeddings))
        if self.labels is not None:
            object.__setattr__(self, "labels", _as_reference_labels(self.labels, self.embeddings))
        if self.own is not None:
            own = as_indices("own", self.own, -1, len(self) - 1, device=self.embeddings.device)
            object.__setattr__(self, "own", own)
        if self.shared is not None:
            object.__setattr__(self, "shared", self._as_shared(self.shared))
        if self.looked_up is not None:
            object.__setattr__(self, "looked_up", as_labels("looked_up", self.looked_up).to(self.embeddings.device))

    def __len__(self) -> int:
        return len(self.embeddings)

    @classmethod
    def of_batch(cls, anchors: Tensor, labels: Tensor | None) -> References:
        """The batch against itself, of anchors and labels that were checked."""
        return cls(anchors, labels, torch.arange(len(anchors), device=anchors.device), verified=True)

    def masks_for(self, labels: Tensor | None, same: Same | None, masks: Masks | None, anchors: int) -> Masks:
        """Positive and negative pairs of anchors, bool [B, R] each, by their labels or by masks, own entries in none.

        Raises InputError as `related` and `as_masks` do.
        """
        if masks is None:
            found = related(same, *self.both_labels(labels, same))
            positive, negative = found.clone(), ~found
        else:
            given = as_masks(masks, anchors, len(self), self.embeddings.device)
            positive, negative = (mask.clone() for mask in given)
        if self.own is not None:
            has_own = (self.own >= 0).nonzero()[:, 0]
            positive[has_own, self.own[has_own]] = negative[has_own, self.own[has_own]] = False
        return positive, negative

    def both_labels(self, labels: Tensor | None, same: Same | None) -> tuple[Tensor, Tensor]:
        """The anchors' labels and its own, whole numbers without a relation. Raises InputError where it has none."""
        if labels is None or self.labels is None:
            raise InputError("references without labels are for masks: masks=(positive, negative)")
        return labels, self.labels if same is not None else as_labels("reference labels", self.labels)

    def check_anchors(self, anchors: Tensor, labels: Tensor | None) -> None:
        """Raise InputError unless anchors [B, D] and their labels [B], checked, fit: as many dimensions, the same
        device, an own entry for each where there are any, and a look-up of these labels where there is one; no labels
        where they are told apart by a relation or by masks, which go past the look-up.
        """
        if anchors.shape[1] != self.embeddings.shape[1]:
            raise InputError(f"anchors have {anchors.shape[1]} dimensions, references {self.embeddings.shape[1]}")
        if anchors.device != self.embeddings.device:
            raise InputError(
                f"anchors are on {anchors.device}, references on {self.embeddings.device}: move one of them"
            )
        if self.own is not None and len(self.own) != len(anchors):
            raise InputError(f"own must have an entry for each of {len(anchors)} anchors, not {len(self.own)}")
        if labels is not None and self.shared is not None and not self._is_look_up_of(labels, self.shared):
            raise InputError("the references' look-up is of other labels: make it with the labels of this batch")

    def _is_look_up_of(self, labels: Tensor, shared: tuple[Tensor, Tensor]) -> bool:
        """Whether all pairs of one label are in it, and no others: one left out would be pushed where it is to be
        pulled.
        """
        if self.looked_up is not None:
            return torch.equal(labels, self.looked_up)
        anchor, row = shared
        if len(anchor) and int(anchor[-1]) >= len(labels):
            return False
        _, own = self.both_labels(labels, None)
        known, counts = torch.unique(own, return_counts=True)
        place = torch.searchsorted(known, labels).clamp(max=max(len(known) - 1, 0))
        wanted = int(counts[place][known[place] == labels].sum()) if len(known) else 0
        distinct = len(torch.unique(anchor * max(len(self), 1) + row))
        return wanted == len(anchor) == distinct and torch.equal(labels[anchor], own[row])

    def _as_shared(self, shared: object) -> tuple[Tensor, Tensor]:
        if not isinstance(shared, tuple | list) or len(shared) != 2:
            raise InputError(f"shared must be two lists of whole numbers, anchors and rows, not {describe(shared)}")
        device = self.embeddings.device
        anchor = as_indices("anchors of shared", shared[0], 0, _MOST_ANCHORS, device=device)
        row = as_indices("rows of shared", shared[1], 0, len(self) - 1, device=device)
        if anchor.shape != row.shape:
            raise InputError(f"shared must be two lists of one length, not of {len(anchor)} and {len(row)}")
        if bool((anchor.diff() < 0).any()):
            raise InputError("shared must have its anchors ascending, from 0 on")
        return anchor, row


@dataclass(frozen=True)
class PairWeights:
    """The weight of each pair.

    positive: float [B, R], w⁺; zero off the positives.
    negative: float [B, R], w⁻; zero off the negatives.
    """

    positive: Tensor
    negative: Tensor


@runtime_checkable
class Weighting(Protocol):
    """Anything that gives each pair a weight: a loss (derived) or an assignment (chosen)."""

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights of the pairs: w⁺ = −∂L/∂S of positives, w⁻ = +∂L/∂S of negatives."""
        ...


def as_anchors(
    anchors: Array, labels: Array | None, references: References | None, same: Same | None, masks: Masks | None
) -> tuple[Tensor, Tensor | None, References | None]:
    """Anchors, their labels, and what they are compared with, None for the batch itself, checked against one another.

    Raises InputError as `Pairs.from_embeddings` does.
    """
    check_way(labels, same, masks)
    embeddings = as_embeddings("anchors", anchors)
    entries = None
    if labels is not None:
        entries = (as_labels if same is None else as_entries)("labels", labels, embeddings)
    if references is not None:
        if not isinstance(references, References):
            raise InputError(f"references must be References(embeddings, labels), not {describe(references)}")
        references.check_anchors(embeddings, entries if same is None else None)
    return embeddings, entries, references


def weights_of(weighting: Weighting, pairs: Pairs) -> PairWeights:
    """The weights that a weighting, whoever wrote it, gives pairs. Raises InputError unless they are two [B, R]."""
    weights = weighting.weights(pairs)
    for sign in SIGNS:
        weight = getattr(weights, sign, None)
        if not is_dense(weight) or weight.shape != pairs.similarity.shape:
            size = list(pairs.similarity.shape)
            raise InputError(f"a weighting must give PairWeights of two tensors {size}; {sign} is {describe(weight)}")
    return weights


def _as_reference_labels(given: Array, embeddings: Tensor) -> Tensor:
    labels = as_entries("reference labels", given, embeddings)
    plain = labels.ndim == 1 and not labels.is_floating_point() and labels.dtype != torch.bool
    return as_labels("reference labels", labels) if plain else labels


def _as_references(
    references: Array | References | None, labels: Array | None, masks: Masks | None
) -> References | None:
    if references is None or isinstance(references, References):
        if labels is not None:
            what = "no references" if references is None else "References, which have their labels"
            raise InputError(f"reference_labels go with references that are embeddings; there are {what}")
        return references
    if labels is None and masks is None:
        raise InputError("references need reference_labels, one for each row")
    return References(references, labels)  # type: ignore[arg-type]


def _check_range(similarity: Tensor) -> None:
    if not similarity.numel():
        return
    low, high = torch.stack(similarity.detach().aminmax()).tolist()  # NaN where any is NaN
    if not -1 - ROUNDING <= low <= high <= 1 + ROUNDING:
        what = "contains NaN" if low != low else f"runs from {low:g} to {high:g}"
        raise InputError(f"similarity {what}: cosine similarities lie in [-1, 1]; normalise the embeddings")
