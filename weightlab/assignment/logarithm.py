"""Weights that float32 can't hold, as shares of their sum: a softmax of their logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from weightlab.assignment.function import WeightFunction
from weightlab.forms import Positives, SoftmaxForm
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["by_logarithm"]


def by_logarithm(function: WeightFunction, total_mass: Literal[1] | None) -> SoftmaxForm | None:
    """w⁻ = c e^{log w} / Σ_N e^{log w}, where c is 1 or, for None, the sum itself.

    None where a weight is known from its own similarity not even up to what the anchor's pairs share.
    """
    if function.exponent(torch.zeros(1, dtype=torch.float64), "negative") is None:
        return None
    return SoftmaxForm(_Logarithm(function), partial(_masses, total_mass))


@dataclass(frozen=True)
class _Logarithm:
    """log w⁻ in float64.

    function: w.
    """

    function: WeightFunction

    def __call__(self, s: Tensor) -> Tensor:
        exponent = self.function.exponent(s, "negative")
        assert exponent is not None  # as `by_logarithm` made sure
        return exponent

    def reach(self, level: Tensor) -> Tensor | None:
        """Up to where weights are 0."""
        limit = self.function.zero_up_to
        return torch.full_like(level, limit, dtype=torch.float64) if limit >= -1 else None


def _masses(total_mass: Literal[1] | None, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
    """No w⁺, and c."""
    c = log_total.exp() if total_mass is None else torch.ones_like(log_total)
    return torch.where(positives.mask, 0, torch.zeros_like(log_total)[:, None]), c
