"""Every sampled anchor against all rows: its similarities in bins, its nearest negative, its farthest positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch
from weightlab.retrieval.threads import each

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.diagnose.estimate import Array
    from weightlab.diagnose.rows import Rows

__all__ = ["BINS", "Walked", "edges", "walk"]

BINS = 200  # of width 0.01
_ANCHORS, _REFERENCES = 128, 8192  # at a time: their similarities, 4 MiB, stay in the cache


@dataclass(frozen=True, eq=False)
class Walked:
    """What A anchors met.

    anchors: int64 [A], rows.
    positive, negative: int64 [A, bins], how many pairs have a similarity from a bin's lower edge up to the next.
    mean_positive, mean_negative: float64 [A], of the anchor's pairs.
    nearest, nearest_similarity: [A], the row of another class that is most similar.
    farthest, farthest_similarity: [A], the row of the same class that is least similar.
    """

    anchors: Array
    positive: Array
    negative: Array
    mean_positive: Array
    mean_negative: Array
    nearest: Array
    nearest_similarity: Array
    farthest: Array
    farthest_similarity: Array


def edges() -> Array:
    """Of the bins, from −1 to 1."""
    return np.linspace(-1, 1, BINS + 1).round(12)


def walk(rows: Rows, anchors: Array) -> Walked:
    """Each anchor against all other rows, similarities in float32."""
    parts = each(lambda some: _walk(rows, some), np.array_split(anchors, -(-len(anchors) // _ANCHORS)))
    positive, negative, *extremes = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Walked(anchors, positive, negative, *_means(rows, anchors), *extremes)


def _walk(rows: Rows, anchors: Array) -> tuple[Array, ...]:
    a, own = rows.take(anchors), torch.from_numpy(anchors)
    classes = torch.from_numpy(rows.classes)
    of = classes[own]
    every, positive = (torch.zeros(len(anchors) * BINS, dtype=torch.int64) for _ in range(2))
    nearest, farthest = (torch.zeros(len(anchors), dtype=torch.int64) for _ in range(2))
    highest, lowest = torch.full((len(anchors),), -torch.inf), torch.full((len(anchors),), torch.inf)
    offset = (torch.arange(len(anchors)) * BINS)[:, None]
    for first in range(0, len(rows), _REFERENCES):
        last = min(first + _REFERENCES, len(rows))
        s = a @ rows.take(np.arange(first, last)).T
        same = of[:, None] == classes[None, first:last]
        cell = ((s + 1) * (BINS / 2)).clamp_(0, BINS - 1).long().add_(offset)
        every += torch.bincount(cell.flatten(), minlength=len(every))
        every -= torch.bincount(cell[same], minlength=len(every))
        _update(highest, nearest, s.masked_fill(same, -torch.inf), first)
        inside = ((own >= first) & (own < last)).nonzero()[:, 0]
        same[inside, own[inside] - first] = False
        positive += torch.bincount(cell[same], minlength=len(every))
        away = -s.masked_fill_(~same, torch.inf)
        _update(lowest.neg_(), farthest, away, first)
        lowest.neg_()
    counts = (each.view(-1, BINS).numpy() for each in (positive, every))
    return (*counts, *(each.numpy() for each in (nearest, highest, farthest, lowest)))


def _update(best: Tensor, which: Tensor, s: Tensor, first: int) -> None:
    """The largest of each row [A, b], where it is above `best` [A], and its column, in place."""
    value, column = s.max(1)
    better = value > best
    best[better] = value[better]
    which[better] = column[better] + first


def _means(rows: Rows, anchors: Array) -> tuple[Array, Array]:
    """Mean similarity of each anchor to the rest of its class and to all other classes, from the classes' sums."""
    a, of = rows.take(anchors).double(), rows.classes[anchors]
    total = rows.sums.sum(0, dtype=torch.float64)
    inside = (a * rows.sums[of]).sum(1).numpy()
    outside = (a @ total).numpy() - inside
    size = rows.sizes[of]
    return (inside - (a * a).sum(1).numpy()) / (size - 1), outside / (len(rows) - size)
