"""Measured numbers as texts, with as many decimals as their intervals bear: the same in tables, figures and words."""

from __future__ import annotations

import math

__all__ = ["difference", "measured", "rounded"]

_LEAST, _MOST = 2, 4  # decimals


def measured(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """A mean and half of its interval: 57.67 ± 1.55; the mean alone where there is no interval."""
    half = (high - low) / 2
    decimals = _decimals(half, mean)
    return _text(mean, decimals) if math.isnan(half) else f"{_text(mean, decimals)} ± {_text(half, decimals)}"


def rounded(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """The mean as `measured` has it, without the interval."""
    return measured(mean, low, high).partition(" ")[0]


def difference(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """A signed number and its interval: +2.13 [0.41, 3.85]; the number alone where there is no interval."""
    decimals = _decimals((high - low) / 2, mean, low, high)
    text = f"{'+' if mean > 0 else ''}{_text(mean, decimals)}"
    return text if math.isnan(low) else f"{text} [{_text(low, decimals)}, {_text(high, decimals)}]"


def _decimals(half: float, *values: float) -> int:
    """Two at least; more where half of an interval has no two digits then, or a value that is not 0 would look it."""
    wanted = [_LEAST]
    if half > 0:
        wanted.append(1 - math.floor(math.log10(half)))
    wanted += [-math.floor(math.log10(abs(value))) for value in values if 0 < abs(value) < 0.5 * 10**-_LEAST]
    return min(_MOST, max(wanted))


def _text(value: float, decimals: int) -> str:
    """With a real minus sign, and none before a zero."""
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")
