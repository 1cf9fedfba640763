"""Where hits stand among what is sorted by similarity, with the references that tie with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["TOLERANCE", "Standing", "mixed_runs", "ranges", "standing"]

TOLERANCE = 1e-6  # eight times the spacing of float32 below 1: what rounding makes of equal embeddings lies within it


@dataclass(frozen=True, eq=False)
class Standing:
    """Where the hits of Q queries stand: an entry a hit, or a tied group of hits and misses. Query by query, each most
    similar first; all are int64 [entries].

    query: whose hit it is, from 0 to Q − 1.
    before: how many references are more similar.
    hits_before: how many of those are hits.
    size: how many references tie; 1 for a hit that ties with no miss, as the order of hits says nothing.
    hits: how many of those are hits.
    """

    query: Array
    before: Array
    hits_before: Array
    size: Array
    hits: Array


def standing(distance: Array, hit: Array, start: Array) -> Standing:
    """Of sorted references: those of query q lie at start[q] to start[q + 1], most similar first.

    distance: float64 [n], −similarity. hit: bool [n]. start: int64 [Q + 1], from 0 to n. Where the furthest references
    were left out, hits among those that tie with them are wrong; the others are right.
    """
    count = _count(hit)
    first, last = _groups(distance, *_mixed_runs(distance, count, start, TOLERANCE))
    hits = count[last] - count[first]
    mixed = (hits > 0) & (hits < last - first)
    first, last = first[mixed], last[mixed]
    alone = hit.copy()
    alone[ranges(first, last)] = False
    alone = np.flatnonzero(alone)
    at = np.concatenate([alone, first])
    size = np.concatenate([np.ones_like(alone), last - first])
    if len(first):
        order = np.argsort(at, kind="stable")
        at, size = at[order], size[order]
    query = np.repeat(np.arange(len(start) - 1), np.diff(np.searchsorted(at, start)))
    origin = start[query]
    return Standing(query, at - origin, count[at] - count[origin], size, count[at + size] - count[at])


def mixed_runs(distance: Array, hit: Array, start: Array, near: float) -> tuple[Array, Array]:
    """First and last + 1 of the runs with hits and misses in which each reference is at most `near` from the next."""
    return _mixed_runs(distance, _count(hit), start, near)


def _mixed_runs(distance: Array, count: Array, start: Array, near: float) -> tuple[Array, Array]:
    joined = distance[1:] <= distance[:-1] + near
    borders = start[1:-1]
    joined[borders[(borders > 0) & (borders < len(distance))] - 1] = False
    at = np.flatnonzero(joined)  # each is in a run with the next; few, where similarities don't lie dense
    if not len(at):
        return at, at
    is_first = np.concatenate([[True], at[1:] != at[:-1] + 1])
    first, last = at[is_first], at[np.append(is_first[1:], True)] + 2
    hits = count[last] - count[first]
    mixed = (hits > 0) & (hits < last - first)
    return first[mixed], last[mixed]


def _count(hit: Array) -> Array:
    """How many hits lie before each place: int64 [n + 1]."""
    count = np.zeros(len(hit) + 1, dtype=np.int64)
    np.cumsum(hit, out=count[1:])
    return count


def ranges(first: Array, last: Array) -> Array:
    """first[0], …, last[0] − 1, first[1], …: int64."""
    length = last - first
    shift = first - np.concatenate([[0], np.cumsum(length)[:-1]]) if len(first) else first
    return np.repeat(shift, length) + np.arange(length.sum())


def _groups(distance: Array, first: Array, last: Array) -> tuple[Array, Array]:
    """The tied groups of these runs.

    A group reaches from its first distance as far up as the tolerance: were it chained from one to the next, it would
    have no end where similarities lie dense.
    """
    firsts, lasts = [first[:0]], [last[:0]]
    while len(first):
        end = _beyond(distance, first, last)
        firsts.append(first)
        lasts.append(end)
        first, last = end[end < last], last[end < last]
    return np.concatenate(firsts), np.concatenate(lasts)


def _beyond(distance: Array, first: Array, last: Array) -> Array:
    """The first place in each run whose distance is more than the tolerance above the run's first; or the run's end."""
    bound = distance[first] + TOLERANCE
    low, high = first + 1, last
    while bool((low < high).any()):
        middle = (low + high) // 2
        within = distance[np.minimum(middle, len(distance) - 1)] <= bound
        low, high = np.where(within & (low < high), middle + 1, low), np.where(within, high, np.maximum(middle, low))
    return low
