"""Retrieval metrics of queries from where their hits stand: expectations over random orders of what ties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from weightlab.retrieval.ties import Array, Standing

__all__ = ["average_precision", "ndcg", "r_precision", "recall", "reciprocal_rank"]


def recall(found: Standing, relevant: Array, ks: Sequence[int]) -> Array:
    """Whether one of the first k is a hit: float64 [Q, len(ks)].

    Certain where hits are among those that are more similar than place k. Else, of t that tie for place k, m of them
    hits, q are among the first k, and they miss them all in C(t − m, q) of C(t, q) cases.
    """
    first = _first(found)
    k = np.array(ks, dtype=np.float64)
    before, size = found.before[first, None], found.size[first, None]
    missed = _share_without(size, found.hits[first, None], np.clip(k - before, 0, size))
    values = np.zeros((len(relevant), len(k)))
    values[found.query[first]] = 1 - missed
    return values


def average_precision(found: Standing, relevant: Array) -> Array:
    """The average precision over the first R = `relevant` places: float64 [Q].

    Place a + j, the j-th of the t that tie after a others, b of them hits, holds a hit with probability m/t, and then
    of the j − 1 places before it that tie, (j − 1)(m − 1)/(t − 1) hold one in the mean; precision is linear in that.
    With H the harmonic numbers, Σ_{j ≤ J} 1/(a + j) = H(a + J) − H(a), and so is Σ (j − 1)/(a + j).
    """
    least = relevant[found.query]
    near = np.flatnonzero(found.before < least)
    query, a, b = found.query[near], found.before[near], found.hits_before[near]
    t, m = found.size[near], found.hits[near]
    values = (b + 1) / (a + 1)
    tied = np.flatnonzero(t > 1)
    a, b, t, m = a[tied], b[tied], t[tied], m[tied]
    drawn = np.minimum(least[near[tied]] - a, t)
    harmonic = _sums(1 / np.arange(1, int((a + drawn).max(initial=0)) + 1))
    inverse = harmonic[a + drawn] - harmonic[a]
    values[tied] = m / t * ((b + 1) * inverse + (m - 1) / (t - 1) * (drawn - (a + 1) * inverse))
    return np.bincount(query, weights=values, minlength=len(relevant)) / relevant


def r_precision(found: Standing, relevant: Array) -> Array:
    """The share of hits among the first R = `relevant`: float64 [Q]."""
    drawn = np.clip(relevant[found.query] - found.before, 0, found.size)
    return _per_query(found, found.hits / found.size * drawn, relevant) / relevant


def ndcg(found: Standing, relevant: Array) -> Array:
    """Σ over hits of 1/log₂(1 + rank), over all ranks, divided by the most it can be: float64 [Q]."""
    end = found.before + found.size
    longest = max(int(end.max(initial=0)), int(relevant.max(initial=0)))
    gain = _sums(1 / np.log2(np.arange(2, longest + 2)))
    values = found.hits / found.size * (gain[end] - gain[found.before])
    return _per_query(found, values, relevant) / gain[relevant]


def reciprocal_rank(found: Standing, relevant: Array) -> Array:
    """1/rank of the first hit: float64 [Q].

    Of t that tie after a others, m of them hits, the first hit is the j-th in C(t − j, m − 1) of C(t, m) cases.
    """
    first = _first(found)
    groups = np.stack([found.before[first], found.size[first], found.hits[first]], axis=1)
    kinds, kind = np.unique(groups, axis=0, return_inverse=True)  # all queries are of one kind in a collapse
    inverse = 1 / (kinds[:, 0] + 1)
    for at in np.flatnonzero(kinds[:, 1] > 1):
        inverse[at] = _mean_inverse(*kinds[at].tolist())
    values = np.zeros(len(relevant))
    values[found.query[first]] = inverse[kind]
    return values


def _mean_inverse(before: int, size: int, hits: int) -> float:
    j = np.arange(1, size - hits + 2)
    later = (size - j[:-1] - hits + 1) / (size - j[:-1])  # C(t − j − 1, m − 1) / C(t − j, m − 1)
    share = hits / size * np.concatenate([[1.0], np.cumprod(later)])
    return float((share / (before + j)).sum())


def _first(found: Standing) -> Array:
    """The first entry of each query that has one."""
    return np.flatnonzero(np.concatenate([[True], found.query[1:] != found.query[:-1]])[: len(found.query)])


def _sums(values: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(values)])


def _per_query(found: Standing, values: Array, relevant: Array) -> Array:
    return np.bincount(found.query, weights=values, minlength=len(relevant))


def _share_without(size: Array, hits: Array, drawn: Array) -> Array:
    """Of the ways to draw so many of `size`, the share that draws no hit: C(size − hits, drawn) / C(size, drawn)."""
    from scipy.special import gammaln

    misses = size - hits
    left = np.maximum(misses - drawn, 0)
    share = np.exp((gammaln(misses + 1) - gammaln(left + 1)) - (gammaln(size + 1) - gammaln(size - drawn + 1)))
    return np.where(drawn > misses, 0.0, share)
