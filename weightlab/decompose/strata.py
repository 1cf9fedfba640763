"""Stratified contexts: an expectation over so many of them has a smaller error, and says how large it is.

Contexts come in pairs of groups. Both groups of a pair are drawn from the same part of all contexts, independently and
alike, so half their difference is what a pair's mean is off by: no other assumption is needed for a standard error.
"""

from __future__ import annotations

from weightlab.lazy import np

__all__ = ["group_sizes", "of_groups", "standard_error", "stratified"]

_PAIRS = 32  # of groups: a standard error from so many is off by an eighth
_POOLED = 64  # contexts of a group from which on its pairs are stratified together


def group_sizes(count: int) -> list[int]:
    """How many of `count` contexts, in order, each group has: 64 groups, fewer of fewer contexts, one of a single."""
    groups = 2 * min(_PAIRS, count // 2) or 1
    return [count * (group + 1) // groups - count * group // groups for group in range(groups)]


def of_groups(values: np.ndarray) -> np.ndarray:
    """The mean of each group of contexts, [groups], from a value of each context, [contexts]."""
    sizes = np.array(group_sizes(len(values)))
    return np.asarray(np.add.reduceat(values, np.cumsum(sizes) - sizes) / sizes)


def standard_error(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Of Σ numerator / Σ denominator, from sums or means of groups, [groups, ...] and [groups]; NaN of a single group.

    To first order: the error of Σ (numerator − ratio · denominator) / Σ denominator.
    """
    if len(denominator) < 2 or not denominator.sum():
        return np.full(numerator.shape[1:], np.nan)
    denominator = denominator.reshape(-1, *[1] * (numerator.ndim - 1))
    rest = numerator - numerator.sum(0) / denominator.sum(0) * denominator
    return np.asarray(np.sqrt(((rest[::2] - rest[1::2]) ** 2).sum(0)) / np.abs(denominator.sum(0)))


def stratified(
    generator: np.random.Generator, count: int, positives: int, negatives: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shares u of the pairs that lie below, [count, positives] and [count, negatives].

    Independent and uniform on (0, 1) within a context, stratified over the contexts.

    Each pair of groups has a part of its own of what an anchor's hardest positive can be, and each context a part of
    that. A group's other pairs are one stratified sample, dealt out at random, where it has 64 contexts or more; the
    two of an anchor that then can't lie in the same of thousands of strata are as good as independent.
    """
    sizes = group_sizes(count)
    parts = generator.permutation(max(1, len(sizes) // 2))
    pull, push = np.empty((count, positives)), np.empty((count, negatives))
    end = 0
    for group, size in enumerate(sizes):
        rows = slice(end, end := end + size)
        least = (parts[group // 2] + _strata(generator, size)) / len(parts)
        hardest = -np.expm1(np.log1p(-least) / positives)[:, None]  # the least of so many uniform ones
        others = hardest + (1 - hardest) * _pool(generator, size, positives - 1)
        pull[rows] = generator.permuted(np.concatenate([hardest, others], axis=1), axis=1)
        push[rows] = _pool(generator, size, negatives)
    return pull, push


def _pool(generator: np.random.Generator, size: int, pairs: int) -> np.ndarray:
    if size < _POOLED:
        return generator.random((size, pairs))
    return _strata(generator, size * pairs).reshape(size, pairs)


def _strata(generator: np.random.Generator, count: int) -> np.ndarray:
    """One in each of `count` equal parts of (0, 1), in random order."""
    return generator.permutation((np.arange(count) + generator.random(count)) / count if count else np.empty(0))
