"""Where losses put their weight on these embeddings, how much of it is active, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.diagnose.estimate import ratios
from weightlab.errors import InputError, reason
from weightlab.lazy import np, pd, torch
from weightlab.pairs import SIGNS, Pairs, PairWeights, weights_of
from weightlab.precision import exact
from weightlab.retrieval.threads import each as each_of

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose import Subject
    from weightlab.diagnose.estimate import Array

__all__ = ["MARGINS", "Weighed", "mass_edges", "weigh"]

MARGINS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_BINS = 80  # of width 0.025
_TELLING = ("active", "effective", "negatives", "positive active", "positives", "push", "pull", "centre", "alike")


@dataclass(frozen=True, eq=False)
class Weighed:
    """Sums over the anchors of each of G groups.

    names: of L losses; the first `given` of them are those that were asked about.
    anchors: int64 [G], how many.
    counts: float64 [G, given, 9], see `_counts`.
    mass: float64 [G, given, 2, bins], Σ|w| by sign and similarity.
    apart, compared: float64 [G, given, L, 2], the sum of distances, and over how many anchors.
    triplets: float64 [G, margins], the share of an anchor's triplets with S_n > S_p − m; reached: [G, margins], how
        many of its negatives are above S_p − m for one of its positives.
    gaps: float64 [G, 4], of S_p − S_n over an anchor's triplets the mean and the mean square, how many are above 0
        (ties count half), and its negatives.
    whole: of how many anchors these are a sample; None where pairs were left out as well.
    """

    names: tuple[str, ...]
    given: int
    anchors: Array
    counts: Array
    mass: Array
    apart: Array
    compared: Array
    triplets: Array
    reached: Array
    gaps: Array
    whole: int | None

    def ratio(self, numerator: Array, denominator: Array | None = None) -> tuple[Array, Array]:
        """Σ numerator / Σ denominator (the anchors, unless given) with its error."""
        per = self.anchors.astype(float) if denominator is None else denominator
        groups = None if self.whole is None else self.whole * len(per) / self.anchors.sum()
        value, error = ratios(numerator, per, None if groups is None else round(groups))
        return value, error

    def table(self, loss: int) -> dict[str, tuple[float, float]]:
        """What is told of a loss, value and error each; shares are of the pairs that were looked at."""
        count = dict(zip(_TELLING, np.moveaxis(self.counts[:, loss], 1, 0), strict=True))

        def of(name: str, by: str | None = None) -> tuple[float, float]:
            value, error = self.ratio(count[name], None if by is None else count[by])
            return float(value), float(error)

        return {
            "active": of("active", "negatives"),
            "active negatives": of("active"),
            "effective negatives": of("effective"),
            "active positives": of("positive active", "positives"),
            "push over pull": of("push", "pull"),
            "centre": of("centre", "push"),
        }

    def mass_frame(self) -> pd.DataFrame:
        """loss, low, high, sign, share, error: each bin's share of the sign's weight mass of each loss asked about."""
        edge = mass_edges()
        frames = []
        for loss in range(self.given):
            for sign in range(len(SIGNS)):
                mass = self.mass[:, loss, sign]
                share, error = self.ratio(mass, mass.sum(1))
                frames.append(
                    pd.DataFrame(
                        {
                            "loss": self.names[loss],
                            "low": edge[:-1],
                            "high": edge[1:],
                            "sign": SIGNS[sign],
                            "share": share,
                            "error": error,
                        }
                    )
                )
        return pd.concat(frames, ignore_index=True)

    def distances(self) -> pd.DataFrame:
        """sign, a, b, distance, error: for each loss asked about and each other one, see `Diagnosis.distances`."""
        rows = []
        for sign in range(len(SIGNS)):
            for a in range(self.given):
                for b in range(a + 1, len(self.names)):
                    value, error = self.ratio(self.apart[:, a, b, sign], self.compared[:, a, b, sign])
                    rows.append((SIGNS[sign], self.names[a], self.names[b], float(value), float(error)))
        return pd.DataFrame(rows, columns=["sign", "a", "b", "distance", "error"])


def mass_edges() -> Array:
    """Of the bins of weight mass, from −1 to 1."""
    return np.linspace(-1, 1, _BINS + 1).round(12)


def weigh(subjects: Sequence[Subject], given: int, groups: Iterable[Callable[[], Pairs]], whole: int | None) -> Weighed:
    """The weights of losses in each group of contexts, which are made when they are looked at.

    Raises InputError, with its name, where a loss fails.
    """
    found = each_of(lambda group: _group(subjects, given, group()), groups)
    stacked = {name: np.stack([each[name] for each in found]) for name in found[0]}
    return Weighed(_names(subjects), given, whole=whole, **stacked)


def _names(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Of each: its parameters only where two would be called the same."""
    short = [each.short for each in subjects]
    return tuple(name if short.count(name) == 1 else each.title for name, each in zip(short, subjects, strict=True))


@exact()
@torch.no_grad()
def _group(subjects: Sequence[Subject], given: int, pairs: Pairs) -> dict[str, Array]:
    weights = [_weights(each, pairs, told=number < given) for number, each in enumerate(subjects)]
    triplets, reached, gaps = _triplets(pairs)
    apart, compared = np.zeros((2, given, len(subjects), len(SIGNS)))
    mass = np.zeros((given, len(SIGNS), _BINS))
    for number, sign in enumerate(SIGNS):
        mask = getattr(pairs, sign)
        place = ((pairs.similarity[mask] + 1) * (_BINS / 2)).long().clamp_(0, _BINS - 1)
        for loss, each in enumerate(weights[:given]):
            size = getattr(each, sign)[mask].abs().double()
            mass[loss, number] = torch.bincount(place, size, minlength=_BINS).numpy()
        shares = [_shares(getattr(each, sign)) for each in weights]
        for a in range(given):
            for b in range(a + 1, len(subjects)):
                apart[a, b, number], compared[a, b, number] = _apart(shares[a], shares[b])
    return {
        "anchors": np.array(len(pairs.similarity)),
        "counts": np.stack([_counts(each, pairs) for each in weights[:given]]),
        "mass": mass,
        "apart": apart,
        "compared": compared,
        "triplets": triplets,
        "reached": reached,
        "gaps": gaps,
    }


def _weights(subject: Subject, pairs: Pairs, *, told: bool) -> PairWeights:
    """Of a loss; of one that is `told` of they are looked at, for the others are our own."""
    try:
        weights = weights_of(subject.weighting, pairs)
    except InputError:
        raise
    except Exception as error:  # a stranger's loss may raise anything
        raise InputError(f"{subject.title} fails on these embeddings: {reason(error)}") from error
    for sign in SIGNS:
        if told and not bool(getattr(weights, sign).isfinite().all()):
            raise InputError(f"{subject.title} has a {sign} weight on these embeddings that is NaN or infinite")
    return PairWeights(weights.positive.detach(), weights.negative.detach())


def _counts(weights: PairWeights, pairs: Pairs) -> Array:
    """Sums over the anchors: negatives with a weight; how many they come to where they differ, (Σ|w|)² / Σw²;
    negatives; positives with a weight; positives; Σ|w⁻|; Σ|w⁺|; Σ|w⁻|S; anchors whose negatives are weighed alike.
    """
    push, pull = weights.negative.double().abs(), weights.positive.double().abs()
    total, square = push.sum(1), (push**2).sum(1)
    effective = torch.where(square > 0, total**2 / square.clamp(min=1e-300), 0)
    negatives = pairs.negative.sum(1)
    alike = (effective >= 0.9 * negatives) & (negatives > 0)
    numbers: list[Tensor] = [
        (push > 0).sum(),
        effective.sum(),
        negatives.sum(),
        (pull > 0).sum(),
        pairs.positive.sum(),
        total.sum(),
        pull.sum(),
        (push * pairs.similarity).sum(),
        alike.sum(),
    ]
    return np.array([float(each) for each in numbers])


def _shares(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Each anchor's weights of a sign over Σ|w|, and whether it has any."""
    total = weight.double().abs().sum(1, keepdim=True)
    return (weight / torch.where(total > 0, total, 1)).to(weight.dtype), total[:, 0] > 0


def _apart(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """Σ over anchors of ½ Σ|a − b|, 1 where only one has a weight; over the anchors where one of them has any."""
    both, either = a[1] & b[1], a[1] | b[1]
    gap = torch.where(both, (a[0] - b[0]).abs().sum(1, dtype=torch.float64) / 2, 1.0)
    return float(gap[either].sum()), float(either.sum())


def _triplets(pairs: Pairs) -> tuple[Array, Array, Array]:
    """As `Weighed` has them, summed over the anchors of a group."""
    shares, reached = np.zeros(len(MARGINS)), np.zeros(len(MARGINS))
    gaps = np.zeros(4)
    margins = torch.tensor(MARGINS, dtype=pairs.similarity.dtype)
    for s, is_positive, is_negative in zip(pairs.similarity, pairs.positive, pairs.negative, strict=True):
        near, far = s[is_positive], s[is_negative].sort()[0]
        if not len(far):
            continue
        above = len(far) - torch.searchsorted(far, near[:, None] - margins, right=True)
        shares += (above.double().mean(0) / len(far)).numpy()
        reached += above.amax(0).numpy()
        below, ties = (torch.searchsorted(far, near, right=right).double().mean() for right in (False, True))
        p, n = near.double(), far.double()
        mean = float(p.mean() - n.mean())
        square = mean**2 + float(p.var(correction=0) + n.var(correction=0))
        gaps += [mean, square, float(below + ties) / 2 / len(far), 1.0]
    return shares, reached, gaps
