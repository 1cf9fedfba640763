"""Which pairs are positive: a relation between labels, or masks of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab.arrays import as_mask
from weightlab.errors import InputError, describe, reason
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Masks", "Same", "as_masks", "check_way", "related"]

Same = Callable[["Tensor", "Tensor"], "Tensor"]  # labels [A, ...] and [B, ...] → bool [A, B]
Masks = tuple["Tensor", "Tensor"]  # positive and negative, bool [B, R] each


def related(same: Same | None, labels: Tensor, others: Tensor) -> Tensor:
    """Which labels go together, bool [A, B], of labels [A, ...] and others [B, ...].

    same: the relation; None: labels [A] and [B] that are equal.
    Raises InputError where the relation fails or gives anything else, and for labels of another shape without one.
    """
    if same is None:
        for each in (labels, others):
            if each.ndim != 1:
                raise InputError(f"labels {list(each.shape)} are not one number each: say by `same` which go together")
        return labels[:, None] == others[None, :]
    try:
        found = same(labels, others)
    except Exception as error:  # whatever others' code raises
        raise InputError(
            f"{_name_of(same)} fails for labels {list(labels.shape)} and {list(others.shape)}: {reason(error)}"
        ) from error
    wanted = [len(labels), len(others)]
    if not isinstance(found, torch.Tensor) or found.dtype != torch.bool or list(found.shape) != wanted:
        raise InputError(f"{_name_of(same)} must give a bool tensor {wanted}, not {describe(found)}")
    if found.device != labels.device:
        raise InputError(f"{_name_of(same)} must answer on the labels' device, {labels.device}, not {found.device}")
    return found


def as_masks(masks: Masks, anchors: int, references: int, device: torch.device) -> Masks:
    """Positive and negative pairs, bool [anchors, references] each, on the device.

    Raises InputError for another shape or type, and where the two share a pair.
    """
    if not isinstance(masks, tuple | list) or len(masks) != 2:
        raise InputError(f"masks must be (positive, negative), not {describe(masks)}")
    positive, negative = (
        as_mask(f"masks: {name}", mask, (anchors, references), device)
        for name, mask in zip(("positive", "negative"), masks, strict=True)
    )
    both = int((positive & negative).sum())
    if both:
        raise InputError(f"positive and negative share {both} pair(s): a pair can be in one mask only")
    return positive, negative


def check_way(labels: object, same: object, masks: object) -> None:
    """Raise InputError unless pairs are told apart in one way: by labels, with `same` or not, or by masks."""
    if (labels is None) == (masks is None):
        raise InputError("give labels, or masks=(positive, negative) in place of them")
    if same is not None and masks is not None:
        raise InputError("`same` is of labels: give labels with it, or masks alone")
    if same is not None and not callable(same):
        raise InputError(f"same must be a function of two tensors of labels, not {describe(same)}")


def _name_of(same: Same) -> str:
    return str(getattr(same, "__name__", type(same).__name__))
