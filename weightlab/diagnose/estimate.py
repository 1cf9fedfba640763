"""A number from a sample, and how far it may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["Estimate", "of_sample", "ratios"]

_TINY = 1e-4
_SURE = 1.96  # standard errors: 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate:
    """value: of the whole, as the sample has it. error: half of its 95 % interval; 0 where nothing was left out, NaN
    where it is not known.
    """

    value: float
    error: float

    def __str__(self) -> str:
        """0.312 ± 0.004; the value alone where nothing was left out."""
        if not 0 < self.error < math.inf:
            return _short(self.value)
        if self.error < _TINY:
            return f"{_short(self.value)} ± {self.error:.1g}".replace("-", "−")
        decimals = max(0, 1 - math.floor(math.log10(self.error)))
        return f"{self.value:,.{decimals}f} ± {self.error:,.{decimals}f}".replace("-", "−")

    @property
    def percent(self) -> str:
        """A share as 31.20 ± 0.42 %."""
        if 0 < self.value < _TINY:
            return "under 0.01 %"
        if not _TINY < self.error < math.inf:
            return f"{100 * self.value:.3g} %"
        decimals = 1 if self.error >= 0.01 else 2
        return f"{100 * self.value:.{decimals}f} ± {100 * self.error:.{decimals}f} %"


def ratios(numerator: Array, denominator: Array, whole: int | None = None) -> tuple[Array, Array]:
    """Σ numerator / Σ denominator and half of its 95 % interval, of n drawn units: [n, ...] and [n] → [...] each.

    To first order in the deviations of each unit, which are drawn without replacement from `whole` of them (None: from
    endlessly many): SE² = n/(n − 1) Σ (y − R x)² / (Σ x)² · (1 − n/whole). Source: Cochran 1977, eq. 6.12.
    NaN where the denominators are 0, and the error of a single unit.
    """
    count, total = len(denominator), denominator.sum()
    shape = numerator.shape[1:]
    if not total > 0:
        return np.full(shape, np.nan), np.full(shape, np.nan)
    value = numerator.sum(0) / total
    left = 1.0 if whole is None else max(0.0, 1 - count / whole)
    if left == 0:
        return value, np.zeros(shape)
    if count < 2:
        return value, np.full(shape, np.nan)
    rest = numerator - value * denominator.reshape(-1, *[1] * len(shape))
    return value, _SURE * np.sqrt(left * count / (count - 1) * (rest**2).sum(0)) / total


def of_sample(numerator: Array, denominator: Array, whole: int | None = None) -> Estimate:
    """`ratios` of single numbers, [n] and [n]."""
    value, error = ratios(numerator, denominator, whole)
    return Estimate(float(value), float(error))


def _short(value: float) -> str:
    """Three significant digits; near 1 so many that it isn't 1."""
    off = 1 - abs(value)
    if 0 < off < 0.005:
        return f"{value:.{min(8, 1 - math.floor(math.log10(off)))}f}".replace("-", "−")
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−") if float(value) else "0"
