"""How far down the similarities of a query have to be looked at: as far as its hits matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch
from weightlab.retrieval.rows import take
from weightlab.retrieval.threads import each
from weightlab.retrieval.ties import ranges

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.retrieval.sides import Sides
    from weightlab.retrieval.ties import Array

__all__ = ["floors"]

_SAMPLE = 2048  # references that a query is first compared with
_QUERIES = 2048  # at a time, at most
_NUMBERS = 1 << 23  # float32 that are held at a time


def floors(sides: Sides, some: Array, ks: Sequence[int] | None) -> tuple[Array, Array]:
    """Of these queries: the least similarity that matters, float32 [q], and how many references may lie above it.

    All of a query's hits matter; where `ks` are given, only as far as recall at these and precision at R depend on
    them: not those that a sample of the gallery shows to be beyond. Infinity where none matters.
    """
    size = min(_SAMPLE, len(sides.gallery))
    sample = np.random.default_rng(0).choice(sides.gallery, size, replace=False)  # what is found depends on none
    by_class = np.argsort(sides.classes[sides.gallery], kind="stable")
    members = sides.gallery[by_class]
    work = _Work(sides, take(sides.rows, sample, torch.float32), members, sides.classes[members], ks)
    most = (int(sides.relevant[some].max()) + 1) * sides.rows.shape[1]
    blocks = np.array_split(some, -(-len(some) // max(1, min(_QUERIES, _NUMBERS // most))))
    found = each(partial(_block, work), blocks)
    return np.concatenate([floor for floor, _ in found]), np.concatenate([above for _, above in found])


@dataclass(frozen=True, eq=False)
class _Work:
    """sample: [S, D]; members: the gallery by class, and their classes; ks: None where all hits matter."""

    sides: Sides
    sample: Tensor
    members: Array
    classes: Array
    ks: Sequence[int] | None


def _block(work: _Work, some: Array) -> tuple[Array, Array]:
    sides = work.sides
    queries = take(sides.rows, sides.queries[some], torch.float32)
    hits, start = _hits(work, some, queries)
    seen = np.sort((queries @ work.sample.T).numpy(), axis=1)
    lowest = np.minimum.reduceat(hits, start)
    if work.ks is not None:
        best = np.maximum.reduceat(hits, start)
        relevant = sides.relevant[some]
        at_r = np.repeat(_least(seen, relevant), relevant) - sides.near
        lowest = np.minimum.reduceat(np.where(hits >= at_r, hits, np.inf), start)
        at_k = _least(seen, np.full_like(relevant, max(work.ks, default=0))) - sides.near
        lowest = np.minimum(lowest, np.where(best >= at_k, best, np.inf))
    floor = np.nextafter((lowest - sides.near).astype(np.float32), np.float32(-np.inf))
    above = (seen > floor[:, None]).mean(1) * len(sides.gallery)
    return floor, above


def _hits(work: _Work, some: Array, queries: Tensor) -> tuple[Array, Array]:
    """Similarities of these queries' hits, query by query, float64 of float32; and where each query's begin."""
    sides = work.sides
    classes = sides.classes[sides.queries[some]]
    first = np.searchsorted(work.classes, classes)
    last = np.searchsorted(work.classes, classes, side="right")
    query, row = np.repeat(np.arange(len(some)), last - first), work.members[ranges(first, last)]
    other = row != sides.queries[some][query]
    query, row = query[other], row[other]
    similarity = (queries[torch.from_numpy(query)] * take(sides.rows, row, torch.float32)).sum(1)
    return similarity.double().numpy(), np.searchsorted(query, np.arange(len(some)))


def _least(seen: Array, limit: Array) -> Array:
    """A similarity that more than `limit` others reach at least, of those seen, ascending, [q, S]; −∞: unknown."""
    at = seen.shape[1] - limit - 2  # of which one may be the query itself
    return np.where(at >= 0, np.take_along_axis(seen, np.maximum(at, 0)[:, None], axis=1)[:, 0], -np.inf)
