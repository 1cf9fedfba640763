"""All references of each query, sorted, in float64: where hits are many, or lie among most of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weightlab.lazy import np, torch
from weightlab.retrieval.rows import take
from weightlab.retrieval.threads import each
from weightlab.retrieval.ties import Standing, standing

if TYPE_CHECKING:
    from weightlab.retrieval.sides import Sides
    from weightlab.retrieval.ties import Array

__all__ = ["whole"]

_NUMBERS = 1 << 21  # float64 that a block of queries has, at least
_QUERIES = 8  # that a block has, at least: the gallery is read once for each block
_PIECE = 1 << 13  # references that are made float64 at a time
_FARTHEST = 1e9  # a distance beyond all


def whole(sides: Sides, some: Array, use: Callable[[Array, Standing], Any]) -> list[Any]:
    """`use(which, standing)` of blocks of these queries."""
    step = max(_QUERIES, _NUMBERS // len(sides.gallery))
    blocks = [some[first : first + step] for first in range(0, len(some), step)]
    return each(lambda block: use(block, _standing(sides, block)), blocks)


def _standing(sides: Sides, some: Array) -> Standing:
    queries, size = sides.queries[some], len(sides.gallery)
    distance = _distances(sides, queries)
    bits = distance.view(np.int64)  # whether it is a hit is its last bit, to be sorted along: no more than rounding
    bits &= ~1
    bits |= sides.classes[sides.gallery] == sides.classes[queries, None]
    own = np.minimum(np.searchsorted(sides.gallery, queries), size - 1)
    is_there = np.flatnonzero(sides.gallery[own] == queries)
    distance[is_there, own[is_there]] = _FARTHEST
    distance.sort(axis=1)
    hit = (bits & 1).astype(bool)
    return standing(distance.reshape(-1), hit.reshape(-1), np.arange(len(some) + 1) * size)


def _distances(sides: Sides, queries: Array) -> Array:
    rows = -take(sides.rows, queries, torch.float64)
    distance = torch.empty(len(queries), len(sides.gallery), dtype=torch.float64)
    for first in range(0, len(sides.gallery), _PIECE):
        piece = take(sides.rows, sides.gallery[first : first + _PIECE], torch.float64)
        torch.mm(rows, piece.T, out=distance[:, first : first + _PIECE])
    return distance.numpy()
