"""Classes made of two: their rows fall into two groups as far from each other as classes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from weightlab.diagnose.estimate import Array
    from weightlab.diagnose.rows import Rows

__all__ = ["Halves", "merged_classes"]

_LEAST, _MOST = 8, 64  # rows of a class that are looked at
_HALF = 0.25  # of them that the smaller half has at least: fewer are wrong labels
_CLASSES = 2000
_EXPLAINED = 0.9  # of the variance along the longest axis: two points have 1, a normal distribution 0.64
_FAR, _NEAR = 0.25, 0.6  # where between the similarity of negatives (0) and of positives (1)
_TIGHT = 0.25  # by how much positives are more similar than negatives, where classes can be told from their halves
_BESIDE, _OUTLYING = 8, 5.0  # classes that one can be an outlier among, and by how many of their deviations
_ENOUGH = 12  # rows of a class where there are fewer such


@dataclass(frozen=True)
class Halves:
    """A class that falls in two.

    number: of the class.
    between: mean similarity of rows of different halves; within: of the looser half.
    """

    number: int
    between: float
    within: float


def merged_classes(rows: Rows, negative: float, random: np.random.Generator) -> list[Halves]:
    """The classes that are cut in two by a gap, the halves as far apart as different classes, each as tight as a class.

    negative: the mean similarity of negatives. Of at most 2,000 classes of eight rows or more, 64 rows of each. Where
    there are eight classes or more, one counts that stands out among them: halves of all are what the data are like.
    Of fewer, those with twelve rows or more are looked at. None where a class is hardly tighter than all rows are.
    """
    able = np.flatnonzero(rows.sizes >= _LEAST)
    if len(able) < _BESIDE:
        able = able[rows.sizes[able] >= _ENOUGH]
    if len(able) > _CLASSES:
        able = np.sort(random.choice(able, _CLASSES, replace=False))
    cut = [_cut(rows, int(number), random) for number in able]
    if not cut:
        return []
    explained, between, within, whole, smaller = np.array(cut).T
    typical = float(np.median(whole))
    if typical - negative < _TIGHT:
        return []
    at = (np.stack([between, within]) - negative) / (typical - negative)
    found = (explained >= _EXPLAINED) & (at[0] <= _FAR) & (at[1] >= _NEAR) & (smaller >= _HALF)
    if len(able) >= _BESIDE:
        middle = np.median(between)
        deviation = 1.4826 * np.median(np.abs(between - middle))
        found &= between < middle - _OUTLYING * deviation
    return [Halves(int(able[k]), float(between[k]), float(within[k])) for k in np.flatnonzero(found)]


def _cut(rows: Rows, number: int, random: np.random.Generator) -> tuple[float, float, float, float, float]:
    """The share of variance that the best cut along the longest axis explains, the mean similarity between the halves,
    within the looser one, within the whole class, and the share of its rows that the smaller half has.
    """
    some = rows.of_class(number)
    if len(some) > _MOST:
        some = random.choice(some, _MOST, replace=False)
    x = rows.take(some).double()
    gram = (x @ x.T).numpy()
    centred = gram - gram.mean(0) - gram.mean(1)[:, None] + gram.mean()
    values, vectors = np.linalg.eigh(centred)
    z = vectors[:, -1] * max(float(values[-1]), 0.0) ** 0.5
    order = np.argsort(z)
    n, first = len(z), np.arange(1, len(z))
    left = np.cumsum(z[order])[:-1]
    gained = left**2 * n / (first * (n - first))  # the sum of squares between halves, as z has mean 0
    at = int(first[np.argmax(gained)])
    total = float((z**2).sum())
    a, b = order[:at], order[at:]
    loose = min(_mean_pair(gram, half) for half in (a, b))
    share = float(gained.max()) / total if total > 1e-12 else 0.0
    return share, float(gram[np.ix_(a, b)].mean()), loose, _mean_pair(gram, order), min(at, n - at) / n


def _mean_pair(gram: Array, some: Array) -> float:
    """Of different rows; 1 of a single one."""
    block = gram[np.ix_(some, some)]
    n = len(some)
    return float((block.sum() - np.trace(block)) / (n * (n - 1))) if n > 1 else 1.0
