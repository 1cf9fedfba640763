"""The references that lie above each query's floor, for all queries at once: few, so that few need to be sorted.

Products are made in float32, in tiles that stay in the processor's cache. Rows that are queries and gallery are a set
against itself: half of those products serve both of their rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weightlab.lazy import np, torch
from weightlab.retrieval.rows import take
from weightlab.retrieval.threads import each
from weightlab.retrieval.ties import Standing, mixed_runs, ranges, standing

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.retrieval.sides import Sides
    from weightlab.retrieval.ties import Array

__all__ = ["above"]

_TALL, _WIDE = 256, 2048  # queries and references of a tile: 2 MiB; the second is a multiple of the first
_NUMBERS = 1 << 22  # float64 that are held at a time


def above(sides: Sides, some: Array, floor: Array, use: Callable[[Array, Standing], Any]) -> list[Any]:
    """`use(which, standing)` of blocks of these queries, as far as their floors, float32 [q]."""
    search = _Search.of(sides, some, floor)
    each(search.column, search.columns())
    return each(lambda bucket: use(*search.bucket(bucket)), range(len(search.found)))


@dataclass(frozen=True, eq=False)
class _Search:
    """Queries and gallery, those that are both first and in the same order, so that tiles mirror each other.

    some: int64 [q], which queries.
    floor: float32 [q].
    queries: float32 [q, D].
    gallery: int64 [G], rows.
    both: how many are both.
    found: of each `_WIDE` queries, what is above their floors: (query, reference, similarity) of a tile.
    """

    sides: Sides
    some: Array
    floor: Array
    queries: Tensor
    gallery: Array
    both: int
    found: list[list[tuple[Array, Array, Array]]] = field(default_factory=list)

    @classmethod
    def of(cls, sides: Sides, some: Array, floor: Array) -> _Search:
        rest = sides.is_gallery
        is_both = rest[sides.queries[some]]
        order = np.lexsort((floor, ~is_both))  # by floor, so that a tile has one for all to be compared with first
        rows = sides.queries[some[order]]
        both = int(is_both.sum())
        rest[rows[:both]] = False
        gallery = np.concatenate([rows[:both], np.flatnonzero(rest)])
        found: list[list[tuple[Array, Array, Array]]] = [[] for _ in range(0, len(some), _WIDE)]
        return cls(sides, some[order], floor[order], take(sides.rows, rows, torch.float32), gallery, both, found)

    def columns(self) -> list[tuple[int, int]]:
        """References from … to … that are looked at together: those that are queries as well apart from the others."""
        borders = [*range(0, self.both, _WIDE), *range(self.both, len(self.gallery), _WIDE), len(self.gallery)]
        return list(zip(borders[-2::-1], borders[:0:-1], strict=True))  # the mirrored ones grow longer: long ones first

    def column(self, borders: tuple[int, int]) -> None:
        """Compare references with all queries, but those of mirrored tiles that another column looks at."""
        first, last = borders
        references = take(self.sides.rows, self.gallery[first:last], torch.float32)
        is_mirrored = first < self.both
        end = min(last, self.both) if is_mirrored else self.both
        rows = [*range(0, end, _TALL), *range(self.both, len(self.some), _TALL)]
        room = torch.empty(_TALL * _WIDE)
        for top in rows:
            bottom = min(top + _TALL, end if top < self.both else len(self.some))
            left = max(first, top) if is_mirrored and top < self.both else first
            across = self.floor[left:last] if is_mirrored and top < self.both else self.floor[:0]
            square = max(0, bottom - left)  # on the diagonal, whose rows serve both
            least = min(self.floor[top], across[square] if square < len(across) else np.inf)
            if least < np.inf:
                found = _above(self.queries[top:bottom], references[left - first :], least, room)
                self._keep(top, left, square, len(across), *found)

    def _keep(
        self, top: int, left: int, square: int, mirrored: int, down: Array, along: Array, similarity: Array
    ) -> None:
        query, reference = (top + down).astype(np.int32), (left + along).astype(np.int32)
        self._put(query, reference, similarity, similarity > self.floor[query])
        if square < mirrored:
            across = (along >= square).nonzero()[0]
            query, reference, similarity = query[across], reference[across], similarity[across]
            self._put(reference, query, similarity, similarity > self.floor[reference])

    def _put(self, query: Array, reference: Array, similarity: Array, kept: Array) -> None:
        query, reference, similarity = query[kept], reference[kept], similarity[kept]
        if not len(query):
            return
        buckets = query // _WIDE
        first, last = int(buckets.min()), int(buckets.max())
        if first == last:
            self.found[first].append((query, reference, similarity))
            return
        for bucket in range(first, last + 1):  # rows that are queries alone don't lie as mirrored tiles do
            here = buckets == bucket
            self.found[bucket].append((query[here], reference[here], similarity[here]))

    def bucket(self, bucket: int) -> tuple[Array, Standing]:
        """These queries, and where their hits stand."""
        first = bucket * _WIDE
        some = self.some[first : first + _WIDE]
        parts, self.found[bucket] = self.found[bucket], []
        if not parts:
            empty = np.zeros(0, dtype=np.int64)
            return some, Standing(empty, empty, empty, empty, empty)
        query, reference, similarity = (np.concatenate(part) for part in zip(*parts, strict=True))
        row, own = self.gallery[reference], self.sides.queries[self.some[query]]
        other = row != own
        query, similarity, row = query[other] - first, similarity[other], row[other]
        order = np.argsort(_keys(query, -similarity))
        query, row, distance = query[order], row[order], -similarity[order].astype(np.float64)
        hit = self.sides.classes[row] == self.sides.classes[self.sides.queries[some[query]]]
        start = np.searchsorted(query, np.arange(len(some) + 1))
        self._decide(query + first, row, distance, hit, start)
        return some, standing(distance, hit, start)

    def _decide(self, query: Array, row: Array, distance: Array, hit: Array, start: Array) -> None:
        """In place: what float32 can't tell apart again, in float64."""
        first, last = mixed_runs(distance, hit, start, self.sides.near)
        at = ranges(first, last)
        if not len(at):
            return
        step = max(1, _NUMBERS // self.sides.rows.shape[1])
        exact = np.concatenate(
            [self._exact(query[some], row[some]) for some in np.split(at, range(step, len(at), step))]
        )
        order = np.lexsort((exact, np.repeat(np.arange(len(first)), last - first)))
        distance[at], hit[at] = exact[order], hit[at][order]

    def _exact(self, query: Array, row: Array) -> Array:
        rows = self.sides.rows
        own = self.sides.queries[self.some[query]]
        return -(take(rows, own, torch.float64) * take(rows, row, torch.float64)).sum(1).numpy()


def _above(queries: Tensor, references: Tensor, least: float, room: Tensor) -> tuple[Array, Array, Array]:
    """Row, column and similarity of those above the least floor. room: float32, for the products."""
    tall, wide = len(queries), len(references)
    products = torch.mm(queries, references.T, out=room[: tall * wide].view(tall, wide)).numpy().reshape(-1)
    at = np.flatnonzero(products > least)
    down = at // wide
    return down, at - down * wide, products[at]


def _keys(query: Array, distance: Array) -> Array:
    """Whole numbers that sort by query, then by distance, float32: its bits sort as numbers do but for their sign."""
    bits = np.ascontiguousarray(distance, dtype=np.float32).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return query.astype(np.uint64) << np.uint64(32) | ordered
