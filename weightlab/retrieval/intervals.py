"""Intervals of means over queries that come in classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from weightlab.retrieval.ties import Array

__all__ = ["interval"]

_SAMPLES = 1000
_PERCENTILES = (2.5, 97.5)


def interval(sums: Array, counts: Array, seed: int) -> tuple[Array, Array]:
    """The 95 % interval of Σ sums / Σ counts over classes, by bootstrap over them: low and high, float64 [M].

    sums: float64 [C, M], of each class's queries; counts: int64 [C], how many these are. A sample draws C classes with
    replacement and takes the same quotient; low and high are its 2.5th and 97.5th percentiles over 1,000 samples.
    NaN with one class: nothing is known of others.
    """
    classes, metrics = sums.shape
    if classes < 2:
        return np.full(metrics, np.nan), np.full(metrics, np.nan)
    random = np.random.default_rng(seed)
    both = np.column_stack([sums, counts])
    means = np.empty((_SAMPLES, metrics))
    for sample in means:
        total = np.bincount(random.integers(classes, size=classes), minlength=classes) @ both
        sample[:] = total[:-1] / total[-1]
    low, high = np.percentile(means, _PERCENTILES, axis=0)
    return low, high
