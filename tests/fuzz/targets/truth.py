"""Independent truth in float64, for answers that are to be right and not just finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

import weightlab as wl

__all__ = ["as_64", "as_ids", "dense_gradient", "finite", "masks", "near", "pair_weights", "weigh"]

_JITTER = 3e-6  # of similarities, as float32 rounds them


def as_64(values: Any) -> Tensor:
    """Whatever a call took, as float64."""
    if isinstance(values, Tensor):
        return values.detach().double()
    return torch.from_numpy(np.array(values, dtype=np.float64))


def as_ids(labels: Any) -> Tensor:
    """Whatever a call took for labels as numbers from 0 on, equal where the labels are."""
    array = labels.detach().numpy() if isinstance(labels, Tensor) else np.array(list(labels))
    return torch.from_numpy(np.unique(array, return_inverse=True)[1].astype(np.int64))


def masks(labels: Tensor, reference_labels: Tensor | None = None, own: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Which pairs are positive and which negative; without references the batch against itself, self pairs excluded."""
    others = labels if reference_labels is None else reference_labels
    same = labels[:, None] == others[None]
    used = torch.ones_like(same)
    own = torch.arange(len(labels)) if reference_labels is None else own
    if own is not None:
        for row, column in enumerate(own.tolist()):
            if column >= 0:
                used[row, column] = False
    return same & used, ~same & used


def weigh(weighting: Any, similarity: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """The signed weights w⁻ − w⁺, [B, R]."""
    found = wl.as_weighting(weighting).weights(wl.Pairs(similarity.clamp(-1, 1), positive, negative))
    return (found.negative - found.positive).detach().double()


def dense_gradient(
    weighting: Any,
    anchors: Tensor,
    references: Tensor | None,
    positive: Tensor,
    negative: Tensor,
) -> Tensor | None:
    """Of the surrogate by the anchors, over all pairs; None where rounding decides what it is."""
    others = anchors if references is None else references
    similarity = anchors @ others.T
    weights = weigh(weighting, similarity, positive, negative)
    generator = torch.Generator().manual_seed(0)
    draws = [torch.randn(similarity.shape, generator=generator, dtype=torch.float64) for _ in range(3)]
    # at ±1 they move one way only, where rounding may decide what a tie is
    for moved in (similarity.float(), *(similarity + _JITTER * each for each in draws)):
        if not near(weigh(weighting, moved, positive, negative), weights, 2e-3):
            return None
    gradient = weights @ others
    if references is None:
        gradient = gradient + weights.T @ anchors
    return gradient / max(len(anchors), 1)


def near(a: Tensor, b: Tensor, relative: float) -> bool:
    """Whether a is b up to a share of the largest of b."""
    if not a.numel():
        return True
    return bool((a.double() - b).abs().max() <= relative * b.abs().max() + 1e-9)


def pair_weights(weights: Any, positive: Tensor, negative: Tensor) -> str | None:
    """What is wrong with the weights of pairs whatever they are: shape, finiteness, off the mask."""
    for name, weight, mask in (("positive", weights.positive, positive), ("negative", weights.negative, negative)):
        if weight.shape != mask.shape:
            return f"w.{name} is {list(weight.shape)}, not {list(mask.shape)}"
        if not bool(weight.isfinite().all()):
            return f"w.{name} is not finite"
        if bool((weight[~mask] != 0).any()):
            return f"w.{name} is not 0 off its mask"
    return None


def finite(given: Mapping[str, Any], answer: object) -> str | None:
    """What is not finite in an answer, however it is nested."""
    if isinstance(answer, Tensor):
        whole = answer.detach()
        return None if not whole.is_floating_point() or bool(whole.isfinite().all()) else "the answer is not finite"
    if isinstance(answer, float):
        return None if np.isfinite(answer) else f"the answer is {answer}"
    if isinstance(answer, dict):
        return next(filter(None, (finite(given, each) for each in answer.values())), None)
    if isinstance(answer, list | tuple):
        return next(filter(None, (finite(given, each) for each in answer)), None)
    return None
