"""How large the share of wrong labels may be: rows that lie inside another class, more than overlap explains.

Of an anchor let d be the angle to the nearest other class less the angle to its own (of their mean embeddings, the
anchor left out of its own, of which the nearer half counts where it has eight rows or fewer), and m the median of d in
its class, at most that of all rows. In classes that are told apart, m > 0; those that overlap have rows with d < 0,
but, as long as d has a log-concave density (a normal, a logistic, an exponential one), its distribution F falls off at
least as fast as a geometric sequence: F(−m/2) F(3m/2) ≤ F(m/2)². A row that lies in another class because its label is
wrong has about d = −m or less. So, with a share ν of such rows added to all three,

    ν ≥ (F(−m/2) F(3m/2) − F(m/2)²) / (F(−m/2) + F(3m/2) − 2 F(m/2)),

added up over classes, with equality where F is geometric there; and ν ≤ F(−m/2) unless wrong labels happen to be near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch
from weightlab.retrieval.threads import each

if TYPE_CHECKING:
    from weightlab.diagnose.estimate import Array
    from weightlab.diagnose.rows import Rows

__all__ = ["Noise", "label_noise"]

_ANCHORS, _CLASSES = 256, 8192  # at a time
_SAMPLES = 500  # of the bootstrap
_CLUSTERS = 20  # classes, of which a bootstrap over them says something; of fewer it is over rows
_SURE = 0.005  # a share of wrong labels that the interval has to lie above
_LEAST = 5  # rows
_ENOUGH, _HARDLY = 8, 0.1  # rows of a class that has an m of its own, and the least that this may be of all classes'
_SMALL = 8  # rows of a class, up to which a wrong one moves its mean
_DOUBTFUL = 0.25  # share of rows with d ≤ m/2 up to which labels are judged: on a sphere d grows as no tail does


@dataclass(frozen=True, eq=False)
class Noise:
    """Of A anchors.

    margin: d of each, in degrees, float64 [A]; other: int64 [A], the nearest other class.
    typical: m; at 0 or below, classes are not told apart and nothing can be said of labels.
    doubtful: the share of rows with d ≤ m/2; above a quarter of them nothing can be said either.
    share, low, high: the share of wrong labels and its 95 % interval, by bootstrap over classes; NaN where nothing can
        be said. most: the largest that it may be, whatever the overlap: the upper end for rows with d ≤ −m/2.
    is_inside: bool [A], which of the anchors these are.
    """

    margin: Array
    other: Array
    typical: float
    doubtful: float
    share: float
    low: float
    high: float
    most: float
    is_inside: Array

    @property
    def inside(self) -> int:
        """How many rows lie well inside another class."""
        return int(self.is_inside.sum())

    @property
    def is_told(self) -> bool:
        """Whether something can be said of labels at all."""
        return self.typical > 0 and self.doubtful <= _DOUBTFUL

    @property
    def is_found(self) -> bool:
        """Whether there are more rows inside another class than overlap explains."""
        return self.is_told and self.low > _SURE and self.inside >= _LEAST


def label_noise(rows: Rows, anchors: Array, random: np.random.Generator) -> Noise:
    """Of these anchors, which all have a positive."""
    parts = each(lambda some: _angles(rows, some), np.array_split(anchors, -(-len(anchors) // _ANCHORS)))
    own, nearest, other = (np.concatenate(part) for part in zip(*parts, strict=True))
    margin = np.degrees(nearest - own)
    typical = float(np.median(margin))
    if typical <= 0:
        return Noise(
            margin, other, typical, float((margin <= 0).mean()), np.nan, np.nan, np.nan, np.nan, margin > np.inf
        )
    classes = rows.classes[anchors]
    below = _in_units(margin, classes, typical)[:, None] <= np.array([-0.5, 0.5, 1.5])
    # of two rows of a class that lie apart one has a wrong label, and it is not told which
    inside = below[:, 0]
    once = np.where(rows.sizes[classes] == 2, 0.5, 1.0)
    factor = float(once[inside].mean()) if inside.any() else 1.0
    _, number, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    group = np.where(sizes[number] >= _ENOUGH, number, len(sizes))  # all classes of few rows are one
    counts = np.column_stack([np.ones(len(below)), below])
    value, seen = _excess(counts, group), float(below[:, 0].mean()) * factor
    drawn = np.array([_again(counts, group, number, random) for _ in range(_SAMPLES)])
    low, high = np.percentile(drawn[:, 0] * factor, (2.5, 97.5))
    unseen = 3 / len(anchors) * factor  # the most that none among so many lets one say, at 95 %
    most = max(float(np.percentile(drawn[:, 1], 97.5)) * factor, unseen, seen)
    value, doubtful = value * factor, float(below[:, 1].mean())
    return Noise(margin, other, typical, doubtful, value, float(low), max(float(high), value), most, inside)


def _again(counts: Array, group: Array, number: Array, random: np.random.Generator) -> tuple[float, float]:
    """ν and F(−m/2) of as many classes, or of few classes rows, drawn with replacement."""
    classes = int(number.max()) + 1
    unit, units = (number, classes) if classes >= _CLUSTERS else (np.arange(len(number)), len(number))
    times = np.bincount(random.integers(units, size=units), minlength=units)[unit]
    drawn = counts * times[:, None]
    return _excess(drawn, group), float(drawn[:, 1].sum() / drawn[:, 0].sum())


def _in_units(margin: Array, classes: Array, typical: float) -> Array:
    """d over the m of the row's own class, as some lie nearer to others than most; over all classes' where it has few
    rows. 0, which is in doubt, in a class that is not told apart from its nearest.
    """
    _, number, counts = np.unique(classes, return_inverse=True, return_counts=True)
    unit = np.full(len(counts), typical)
    order = np.argsort(number, kind="stable")
    for which, some in enumerate(np.split(margin[order], np.cumsum(counts)[:-1])):
        if len(some) >= _ENOUGH:
            unit[which] = min(typical, float(np.median(some)))
    told = unit[number] > _HARDLY * typical
    return np.where(told, margin / np.where(told, unit[number], 1.0), 0.0)


def _angles(rows: Rows, anchors: Array) -> tuple[Array, Array, Array]:
    """Of each anchor the angle to its own class, to the nearest other one, and which that is."""
    a = rows.take(anchors).to(rows.sums.dtype)
    of = torch.from_numpy(rows.classes[anchors])
    own = _angle(_cosine(a, rows.sums[of] - a))
    small = np.flatnonzero(rows.sizes[rows.classes[anchors]] <= _SMALL)
    own[small] = _angle(_to_nearer_mates(rows, anchors[small]).to(own.dtype))
    best = a.new_full((len(a),), -torch.inf)
    other = torch.zeros(len(a), dtype=torch.int64)
    for first in range(0, len(rows.labels), _CLASSES):
        centres = torch.nn.functional.normalize(rows.sums[first : first + _CLASSES], dim=1)
        s = a @ centres.T
        here = ((of >= first) & (of < first + len(centres))).nonzero()[:, 0]
        s[here, of[here] - first] = -torch.inf
        value, column = s.max(1)
        better = value > best
        best[better], other[better] = value[better], column[better] + first
    return own.numpy(), _angle(best).numpy(), other.numpy()


def _to_nearer_mates(rows: Rows, anchors: Array) -> torch.Tensor:
    """The cosine of each anchor and the mean of the nearer half of its class's others, of which some may be wrong."""
    slots = np.full((len(anchors), _SMALL - 1), -1)
    for at, anchor in enumerate(anchors):
        others = rows.of_class(int(rows.classes[anchor]))
        slots[at, : len(others) - 1] = others[others != anchor]
    there = torch.from_numpy(slots >= 0)
    mates = rows.take(np.maximum(slots, 0).ravel()).view(*slots.shape, rows.embeddings.shape[1])
    a = rows.take(anchors)
    s = (mates @ a[:, :, None])[:, :, 0].masked_fill(~there, -torch.inf)
    rank = s.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    nearer = rank < (there.sum(1, keepdim=True) + 1) // 2
    return _cosine(a.double(), (mates.double() * nearer[:, :, None]).sum(1))


def _cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cosine_similarity(a, b, dim=1, eps=1e-12)


def _angle(cosine: torch.Tensor) -> torch.Tensor:
    return cosine.double().clamp(-1, 1).arccos()


def _excess(counts: Array, group: Array) -> float:
    """ν, at least 0, of rows that are each counted [n, 4] as 1, and where d ≤ −m/2, m/2, 3m/2.

    Numerators and denominators are added up over the groups [n]: of classes that overlap and others together F falls
    off more slowly than of either.
    """
    n, low, middle, high = (np.bincount(group, each) for each in counts.T)
    excess = ((low * high - middle**2) / np.maximum(n, 1)).sum()
    bend = (low + high - 2 * middle).sum()
    return float(min(max(excess / bend, 0.0), low.sum() / n.sum())) if bend > 0 else 0.0
