"""Pairs, PairWeights and References: the data that everything else speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from weightlab.errors import InputError, describe
from weightlab.lazy import torch
from weightlab.precision import wide
from weightlab.relation import Masks, Same, check_masks, check_way, related

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SIGNS", "PairWeights", "Pairs", "References", "Sign", "Weighting", "check_embeddings", "check_labels"]

Sign = Literal["positive", "negative"]
SIGNS: tuple[Sign, Sign] = ("positive", "negative")

_ROUNDING = 0.02  # how far past ±1 a cosine may stray by rounding (bfloat16 keeps 8 bits)


@dataclass(frozen=True)
class Pairs:
    """Anchors against references.

    similarity: float [B, R], cosine similarities in [−1, 1], of B anchors with R references.
    positive, negative: bool [B, R]; a pair in neither is ignored, a pair in both is an error.

    Raises InputError for a wrong shape or type, a NaN, an infinity, a value outside [−1, 1], or a pair in both masks.
    """

    similarity: Tensor
    positive: Tensor
    negative: Tensor

    def __post_init__(self) -> None:
        _check_similarity(self.similarity)
        for name, mask in (("positive", self.positive), ("negative", self.negative)):
            _check_mask(name, mask, self.similarity)
        # masks that are one row for all anchors (`expand`) need one look
        rows = slice(0, 1) if self.positive.stride(0) == self.negative.stride(0) == 0 else slice(None)
        both = self.positive[rows] & self.negative[rows]
        if bool(both.any()):
            raise InputError(f"positive and negative share {int(both.sum())} pair(s): a pair can be in one mask only")

    @property
    def precise(self) -> Tensor:
        """The similarities in float32 at least."""
        return wide(self.similarity)

    @classmethod
    def from_embeddings(
        cls,
        anchors: Tensor,
        labels: Tensor | None = None,
        references: Tensor | References | None = None,
        reference_labels: Tensor | None = None,
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
        from weightlab.product import cosines  # a class of torch's in it, which is imported when used

        check_way(labels, same, masks)
        check_embeddings("anchors", anchors)
        check_labels("anchors", anchors, labels)
        if references is None:
            references = References.themselves(anchors, labels)
        elif not isinstance(references, References):
            if reference_labels is None and masks is None:
                raise InputError("references need reference_labels, one for each row")
            references = References(references, reference_labels)
        references.check_anchors(anchors)
        positive, negative = references.masks_for(labels, same, masks, len(anchors))
        return cls(cosines(anchors, references.embeddings), positive, negative)


@dataclass(frozen=True, eq=False)
class References:
    """What anchors are compared with, for `surrogate` and its like; `MemoryBank.references` makes them of a bank.

    embeddings: floating-point [R, D], L2-normalised, of any precision.
    labels: [R], or [R, ...] for a relation `same`; None for masks of one's own alone.
    own: None, or integer [B]: for each anchor the row of its own entry, which is no pair of it; −1 where it has none.
    shared: None, or (anchor, row), integer [n] each: all the pairs that share a label, own entries among them, anchors
        ascending, from a look-up by label; None: they are sought where they are needed.
    verified: the norms were looked at before (a bank does so as entries come in), so they are not looked at again.

    Raises InputError for embeddings that are not normalised or finite, and for parts that do not fit one another.
    """

    embeddings: Tensor
    labels: Tensor | None = None
    own: Tensor | None = None
    shared: tuple[Tensor, Tensor] | None = None
    verified: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if not self.verified:
            check_embeddings("references", self.embeddings)
            check_labels("references", self.embeddings, self.labels)
        if self.own is not None:
            self._check_own(self.own)
        if self.shared is not None and not self.verified:
            self._check_shared(*self.shared)

    def __len__(self) -> int:
        return len(self.embeddings)

    @classmethod
    def themselves(cls, anchors: Tensor, labels: Tensor | None) -> References:
        """A batch that is compared with itself, each anchor its own entry; its norms were looked at before."""
        return cls(anchors, labels, torch.arange(len(anchors), device=anchors.device), verified=True)

    def masks_for(self, labels: Tensor | None, same: Same | None, masks: Masks | None, anchors: int) -> Masks:
        """Positive and negative pairs of anchors, bool [B, R] each, by their labels or by masks, own entries in none.

        Raises InputError as `related` and `check_masks` do.
        """
        if masks is None:
            found = related(same, *self.both_labels(labels))
            positive, negative = found.clone(), ~found
        else:
            check_masks(masks, anchors, len(self))
            positive, negative = (mask.clone() for mask in masks)
        if self.own is not None:
            has_own = (self.own >= 0).nonzero()[:, 0]
            positive[has_own, self.own[has_own]] = negative[has_own, self.own[has_own]] = False
        return positive, negative

    def both_labels(self, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """The anchors' labels and its own. Raises InputError where it has none."""
        if labels is None or self.labels is None:
            raise InputError("references without labels are for masks: masks=(positive, negative)")
        return labels, self.labels

    def check_anchors(self, anchors: Tensor) -> None:
        """Raise InputError unless anchors [B, D] have as many dimensions, and own entries, where there are any."""
        if anchors.shape[1] != self.embeddings.shape[1]:
            raise InputError(f"anchors have {anchors.shape[1]} dimensions, references {self.embeddings.shape[1]}")
        if self.own is not None and len(self.own) != len(anchors):
            raise InputError(f"own must have an entry for each of {len(anchors)} anchors, not {len(self.own)}")

    def _check_shared(self, anchor: Tensor, row: Tensor) -> None:
        whole = all(isinstance(each, torch.Tensor) and each.dtype == torch.int64 for each in (anchor, row))
        if not whole or anchor.ndim != 1 or anchor.shape != row.shape:
            raise InputError("shared must be two int64 lists of one length, anchors and rows of the references")
        if len(row) and not (int(anchor[0]) >= 0 and bool((anchor.diff() >= 0).all())):
            raise InputError("shared must have its anchors ascending, from 0 on")
        if len(row) and not 0 <= int(row.min()) <= int(row.max()) < len(self.embeddings):
            raise InputError(f"shared must have rows of the references, 0 to {len(self.embeddings) - 1}")

    def _check_own(self, own: Tensor) -> None:
        if not isinstance(own, torch.Tensor) or own.ndim != 1 or own.is_floating_point() or own.dtype == torch.bool:
            raise InputError(f"own must be an integer tensor, one entry an anchor, not {describe(own)}")
        if len(own) and not -1 <= int(own.min()) <= int(own.max()) < len(self.embeddings):
            raise InputError(
                f"own must be rows of the references, -1 to {len(self.embeddings) - 1}, "
                f"not {int(own.min())} to {int(own.max())}"
            )


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


def _check_similarity(similarity: Tensor) -> None:
    if not isinstance(similarity, torch.Tensor) or not similarity.is_floating_point():
        raise InputError(f"similarity must be a floating-point tensor, not {describe(similarity)}")
    if similarity.ndim != 2:
        raise InputError(f"similarity must be [anchors, references], not of shape {tuple(similarity.shape)}")
    if not similarity.numel():
        return
    low, high = (float(end) for end in similarity.detach().aminmax())  # NaN where any is NaN
    if not -1 - _ROUNDING <= low <= high <= 1 + _ROUNDING:
        what = "contains NaN" if low != low else f"runs from {low:g} to {high:g}"
        raise InputError(f"similarity {what}: cosine similarities lie in [-1, 1]; normalise the embeddings")


def _check_mask(name: str, mask: Tensor, similarity: Tensor) -> None:
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        raise InputError(f"{name} must be a bool tensor, not {describe(mask)}")
    if mask.shape != similarity.shape:
        raise InputError(f"{name} has shape {tuple(mask.shape)}, similarity {tuple(similarity.shape)}")


def check_labels(name: str, embeddings: Tensor, labels: Tensor | None) -> None:
    """Raise InputError unless labels, if given, are a tensor [n] or [n, ...] for embeddings [n, D]."""
    if labels is not None and (not isinstance(labels, torch.Tensor) or labels.shape[:1] != embeddings.shape[:1]):
        raise InputError(
            f"{name} have {len(embeddings)} rows: labels must be a tensor of as many, not {describe(labels)}"
        )


def check_embeddings(name: str, embeddings: Tensor, labels: Tensor | None = None) -> None:
    """Raise InputError unless embeddings [n, D] are L2-normalised and finite, and labels, if given, are [n]."""
    if not isinstance(embeddings, torch.Tensor) or embeddings.ndim != 2 or not embeddings.is_floating_point():
        raise InputError(f"{name} must be a floating-point tensor [rows, dimensions], not {describe(embeddings)}")
    if labels is not None and (not isinstance(labels, torch.Tensor) or labels.shape != embeddings.shape[:1]):
        raise InputError(
            f"{name} have {len(embeddings)} rows: labels must be a tensor of as many, not {describe(labels)}"
        )
    if not embeddings.numel():
        return
    norms = torch.linalg.vector_norm(
        embeddings.detach(), dim=1, dtype=torch.promote_types(embeddings.dtype, torch.float32)
    )
    low, high = torch.stack(norms.aminmax()).tolist()  # NaN where any is NaN
    off = max(1 - low, high - 1) if low == low else float("nan")
    if not off < float("inf"):
        raise InputError(f"{name} contain NaN or infinity: give finite, L2-normalised embeddings")
    if off > _ROUNDING:
        raise InputError(
            f"{name} have lengths up to {off:g} away from 1: normalise them (torch.nn.functional.normalize)"
        )
