"""Metrics of each query from the ranks of its hits, by the way that costs least."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from weightlab.lazy import np
from weightlab.retrieval.above import above
from weightlab.retrieval.floors import floors
from weightlab.retrieval.whole import whole

if TYPE_CHECKING:
    from weightlab.retrieval.sides import Sides
    from weightlab.retrieval.ties import Array, Standing

    Metrics = Callable[[Standing, Array], Array]

__all__ = ["per_query"]

_SMALL = 4096  # a gallery that is sorted sooner than its floors are found
_HITS = 256  # a hit in so many of the gallery, and finding floors costs as much as they save
_SHARE = 8  # one in so many of the gallery above a query's floor, and it costs as much as all of the gallery
_FOUND = 50_000_000  # references above floors that are held at a time, in the mean


def per_query(sides: Sides, metrics: Metrics, ks: Sequence[int] | None = None) -> Array:
    """`metrics(standing, relevant)`, float64 [q, M], of each query: float64 [Q, M].

    ks: given where they depend only on the ranks that recall at these k and precision at R depend on.
    """

    def use(some: Array, found: Standing) -> tuple[Array, Array]:
        return some, metrics(found, sides.relevant[some])

    size, every = len(sides.gallery), np.arange(len(sides.queries))
    few = every[sides.relevant <= size // _HITS] if size > _SMALL else every[:0]
    floor, expected = floors(sides, few, ks) if len(few) else (np.zeros(0, np.float32), np.zeros(0))
    by_cost = np.argsort(expected, kind="stable")
    cheap = by_cost[(expected[by_cost] <= size / _SHARE) & (np.cumsum(expected[by_cost]) <= _FOUND)]
    cheap.sort()
    rest = np.ones(len(every), dtype=bool)
    rest[few[cheap]] = False
    parts = above(sides, few[cheap], floor[cheap], use) if len(cheap) else []
    parts += whole(sides, every[rest], use)
    values = np.empty((len(every), parts[0][1].shape[1]))
    for some, part in parts:
        values[some] = part
    return values
