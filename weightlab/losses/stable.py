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
    """log Σ_mask e^x, [B, R] → [B]; −∞, with gradient 0, over no pair."""
    if not x.shape[1]:
        return x.new_full((len(x),), -math.inf)
    if (run := _shared_run(mask)) is not None:
        return x[:, run].logsumexp(1)
    x = x.masked_fill(~mask, -math.inf)
    top = x.detach().amax(1).clamp(min=torch.finfo(x.dtype).min)
    total = (x - top[:, None]).exp().sum(1)
    none = total == 0
    return torch.where(none, -math.inf, total.masked_fill(none, 1).log() + top)


def masked_softmax(x: Tensor, mask: Tensor) -> Tensor:
    """e^x / Σ_mask e^x on the mask and 0 off it, [B, R]."""
    if not x.shape[1]:
        return x
    if (run := _shared_run(mask)) is not None:
        out = torch.zeros_like(x)
        out[:, run] = x[:, run].softmax(1)
        return out
    share = x.masked_fill(~mask, -math.inf).softmax(1)
    return share.masked_fill(~mask.any(1, keepdim=True), 0)


def masked_softmax_and_logsumexp(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`masked_softmax` and `masked_logsumexp` for one round of exponentials; for weights, not to be differentiated.

    The largest share is e^{max x − LSE}, so LSE = max x − log(largest share).
    """
    share = masked_softmax(x, mask)
    if not x.shape[1]:
        return share, masked_logsumexp(x, mask)
    run = _shared_run(mask)
    top = (x.masked_fill(~mask, -math.inf) if run is None else x[:, run]).amax(1)
    largest = share.amax(1)
    return share, torch.where(largest > 0, top - largest.log(), -math.inf)


def _shared_run(mask: Tensor) -> slice | None:
    """The columns of a mask that is one row `expand`ed to all anchors, its pairs side by side, as a decomposition's
    contexts are: half the work of a curve is off such a mask. None for any other.
    """
    if len(mask) < 2 or mask.stride(0):
        return None
    columns = mask[0].nonzero()[:, 0].tolist()
    if not columns or columns[-1] - columns[0] + 1 != len(columns):
        return None
    return slice(columns[0], columns[-1] + 1)


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
