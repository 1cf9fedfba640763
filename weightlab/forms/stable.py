"""Sums of exponentials over the pairs of a mask that neither overflow nor, over no pair at all, give NaN."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "above",
    "below",
    "masked_logsumexp",
    "masked_mean",
    "masked_softmax",
    "masked_softmax_and_logsumexp",
    "masked_sum",
    "root",
    "root_slope",
    "softplus",
]

_NEAR_ZERO = 1e-8


def above(s: Tensor, limit: float) -> Tensor:
    """1[s > limit] as numbers, in one pass: a mask and its conversion take several times as long."""
    return s.detach().clone().gt_(limit)


def below(s: Tensor, limit: float) -> Tensor:
    """1[s < limit] as numbers."""
    return s.detach().clone().lt_(limit)


def masked_sum(x: Tensor, mask: Tensor) -> Tensor:
    """Σ_mask x, [B, R] → [B]; what is off the mask does not count, even where it is infinite."""
    return torch.where(mask, x, 0).sum(1)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """mean_mask x, [B, R] → [B]; 0 over no pair."""
    return masked_sum(x, mask) / mask.sum(1).clamp(min=1)


def masked_logsumexp(x: Tensor, mask: Tensor) -> Tensor:
    """log Σ_mask e^x, [..., B, R] → [..., B]; −∞, with gradient 0, over no pair."""
    if not x.shape[-1]:
        return x.new_full(x.shape[:-1], -math.inf)
    x = x.masked_fill(~mask, -math.inf)
    top = x.detach().amax(-1).clamp(min=torch.finfo(x.dtype).min)
    total = (x - top[..., None]).exp().sum(-1)
    none = total == 0
    return torch.where(none, -math.inf, total.masked_fill(none, 1).log() + top)


def masked_softmax(x: Tensor, mask: Tensor) -> Tensor:
    """e^x / Σ_mask e^x on the mask and 0 off it, [..., B, R]; 0 where every x on the mask is −∞."""
    return _softmax_and_top(x, mask)[0]


def masked_softmax_and_logsumexp(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`masked_softmax` and `masked_logsumexp` for one round of exponentials; for weights, not to be differentiated.

    The largest share is e^{max x − LSE}, so LSE = max x − log(largest share).
    """
    share, top = _softmax_and_top(x, mask)
    largest = share.amax(-1) if x.shape[-1] else top.exp()
    return share, torch.where(largest > 0, top - largest.log(), -math.inf)


def _softmax_and_top(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    if not x.shape[-1]:
        return x, x.new_full(x.shape[:-1], -math.inf)
    x = x.masked_fill(~mask, -math.inf)
    top = x.amax(-1)
    return x.softmax(-1).masked_fill((top == -math.inf)[..., None], 0), top


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) at full precision (torch's own is linear above 20, which shows in float64)."""
    return torch.logaddexp(x, torch.zeros((), dtype=x.dtype, device=x.device))


def root(x: Tensor) -> Tensor:
    """√x, and below 10⁻⁸ its tangent there, so that the derivative stays finite (at most 5000) where √x has none."""
    away: Tensor = x.clamp(min=_NEAR_ZERO)
    tangent: Tensor = (x - away) * (0.5 / _NEAR_ZERO**0.5)
    return away.sqrt() + tangent


def root_slope(x: Tensor) -> Tensor:
    """The derivative of `root`, 1 / (2√x), at most 5000."""
    return 0.5 / x.clamp(min=_NEAR_ZERO).sqrt()
