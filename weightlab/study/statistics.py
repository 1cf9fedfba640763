"""Means and differences over seeds, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weightlab.lazy import np, pd

__all__ = ["CONFIDENCE", "Difference", "differences", "table"]

CONFIDENCE = 0.95
_DIGITS = 9  # decimals of a difference in points; a step of a metric is far larger


@dataclass(frozen=True)
class Difference:
    """How far an arm lies above another, in points (1 in percent).

    lower, upper: the arms, upper less lower.
    seeds: how many they share.
    mean: over the shared seeds; NaN without any.
    low, high: its interval; NaN with fewer than two shared seeds.
    """

    lower: str
    upper: str
    seeds: int
    mean: float
    low: float
    high: float

    @property
    def above(self) -> bool:
        """Whether the upper arm lies above the lower one, beyond doubt."""
        return self.low > 0

    @property
    def below(self) -> bool:
        """Whether it is the other way round, beyond doubt."""
        return self.high < 0


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Mean of each arm and metric over its seeds: columns arm, metric, seeds, mean, std, low, high (percent).

    results: tidy, with columns arm, seed, metric, value (percent); its order is kept. std: of the sample
    (n − 1). low, high: the 95 % t interval of the mean; NaN, like std, for a single seed.
    """
    rows = []
    for (arm, metric), group in results.groupby(["arm", "metric"], sort=False):
        values = group["value"].to_numpy(dtype=float)
        std = values.std(ddof=1) if len(values) > 1 else math.nan
        mean, error = _mean_and_error(values)
        low, high = _interval(mean, error, len(values), 1 - CONFIDENCE)
        rows.append((arm, metric, len(values), mean, std, low, high))
    return pd.DataFrame(rows, columns=["arm", "metric", "seeds", "mean", "std", "low", "high"])


def differences(results: pd.DataFrame, metric: str, pairs: Iterable[tuple[str, str]]) -> list[Difference]:
    """upper − lower for each pair (lower, upper) of arms, paired by seed, with corrected intervals.

    Arms share a seed's data order and initial weights, so differences within a seed vary least. Of many
    comparisons at 95 % each, some would err by chance: Holm's procedure (1979) keeps the probability that any
    equal arms are called different at α = 0.05 for all m together. It tests the clearest comparison at level
    α/m, the next at α/(m − 1), and so on until one is not clear; all that are left are tested at that one's
    level. Each interval is the t interval at the level at which its comparison is tested, so it leaves out 0
    exactly when the procedure calls the arms different.

    Why not Bonferroni's intervals, all of them at α/m: they leave out 0 less often and never more, and a
    study has few seeds. The price is that the intervals decide together, but don't together cover the true
    differences, with 95 %. A comparison with fewer than two shared seeds is not tested and doesn't count in
    m.
    """
    values = results[results["metric"] == metric].pivot(index="seed", columns="arm", values="value")
    samples = {pair: _paired(values, *pair) for pair in dict.fromkeys(pairs)}
    tested = [pair for pair, sample in samples.items() if len(sample) > 1]
    levels = dict(zip(tested, _holm_levels([_p_value(samples[pair]) for pair in tested]), strict=True))
    return [_difference(pair, sample, levels.get(pair, math.nan)) for pair, sample in samples.items()]


def _paired(values: pd.DataFrame, lower: str, upper: str) -> np.ndarray:
    """upper − lower over the seeds that both have."""
    if lower not in values or upper not in values:
        return np.empty(0)
    sample = (values[upper] - values[lower]).dropna().to_numpy(dtype=float)
    return sample.round(_DIGITS)  # equal arms differ by nothing, whatever the rounding of their percents


def _difference(pair: tuple[str, str], sample: np.ndarray, level: float) -> Difference:
    mean, error = _mean_and_error(sample)
    return Difference(*pair, len(sample), mean, *_interval(mean, error, len(sample), level))


def _holm_levels(p_values: Sequence[float]) -> list[float]:
    """The level at which Holm's step-down procedure tests each hypothesis, 5 % over all of them."""
    levels = [math.nan] * len(p_values)
    level, clear = 0.0, True
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if clear:
            level = (1 - CONFIDENCE) / (len(p_values) - rank)
        levels[index] = level
        clear = p_values[index] < level  # once it is not, no later one is: p only rises
    return levels


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean and its standard error; NaN where there are too few values."""
    count = len(values)
    mean = float(values.mean()) if count else math.nan
    return mean, float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan


def _interval(mean: float, error: float, count: int, level: float) -> tuple[float, float]:
    """The t interval that leaves out the mean with probability `level`."""
    from scipy.stats import t  # takes half a second: only where it is needed

    if count < 2:
        return math.nan, math.nan
    half = float(t.isf(level / 2, count - 1)) * error
    return mean - half, mean + half


def _p_value(sample: np.ndarray) -> float:
    """Of the two-sided t test that the mean of two values or more is 0."""
    from scipy.stats import t

    mean, error = _mean_and_error(sample)
    if error == 0:
        return 0.0 if mean else 1.0
    return float(2 * t.sf(abs(mean) / error, len(sample) - 1))
