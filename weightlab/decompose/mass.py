"""Weight mass: where the gradient goes, with the standard error of each number.

A share is the ratio of two expectations over contexts: of the weight mass |w| in a bin, and of all of the sign's. (The
mean of each context's own share is another number: a context counts as much as the gradient that it gives.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.decompose.strata import group_sizes, standard_error
from weightlab.lazy import np, pd
from weightlab.pairs import SIGNS, Sign

if TYPE_CHECKING:
    from weightlab.decompose.contexts import Sample
    from weightlab.decompose.curves import Track
    from weightlab.pairs import Pairs, PairWeights

__all__ = ["HARDNESS_MARGIN", "Masses", "hardness_frame", "mass_frame", "mass_ratio"]

HARDNESS_MARGIN = 0.1
_KINDS = ("easy", "semi-hard", "hard")
_BINS = 20


@dataclass(frozen=True)
class Masses:
    """Pairs and weight mass, added up over groups of contexts, float64 [groups, cells].

    pairs: how many of a sign are in each cell, a bin of similarity and a kind of hardness, kinds in a row.
    mass: Σ |w| of them.
    least: the least weight of all, 0 where none is negative.
    largest: the largest |weight|.
    """

    pairs: dict[Sign, np.ndarray]
    mass: dict[Sign, np.ndarray]
    least: float
    largest: float

    @classmethod
    def of(
        cls, weights: Callable[[Pairs], PairWeights], sample: Sample, at_once: int | None = None, track: Track = list
    ) -> Masses:
        """Of the weights in the contexts of a sample, `at_once` of them at a time. track: goes through the blocks."""
        sizes = np.array(group_sizes(len(sample.positive)))
        group, done = np.repeat(np.arange(len(sizes)), sizes), 0
        least = largest = 0.0
        shape = len(sizes), _BINS * len(_KINDS)
        pairs, mass = ({sign: np.zeros(shape) for sign in SIGNS} for _ in range(2))
        for part in track(sample.split(at_once or len(group))):
            found = weights(part.pairs)
            rows = group[done : (done := done + len(part.positive)), None]
            for sign, similarity, w, kind in _signs(part, found):
                cell = ((rows * _BINS + _bin(similarity)) * len(_KINDS) + kind).ravel()
                pairs[sign] += np.bincount(cell, minlength=pairs[sign].size).reshape(shape)
                mass[sign] += np.bincount(cell, np.abs(w).ravel(), minlength=pairs[sign].size).reshape(shape)
                least, largest = min(least, float(w.min())), max(largest, float(np.abs(w).max()))
        return cls(pairs, mass, least, largest)


def mass_frame(masses: Masses) -> pd.DataFrame:
    """Each similarity bin's share of the weight mass of its sign.

    Columns: low and high (the bin's ends), sign, pairs (share of the sign's pairs), share (of the sign's weight mass, 0
    where the sign has none), error (the share's standard error; NaN of a single context).
    """
    edges = _edges()
    columns: dict[str, object] = {"low": edges[:-1], "high": edges[1:]}
    frames = [_frame(masses, sign, columns, axis=2) for sign in SIGNS]
    return pd.concat(frames, ignore_index=True)[["low", "high", "sign", "pairs", "share", "error"]]


def hardness_frame(masses: Masses) -> pd.DataFrame:
    """The share of the weight mass in easy, semi-hard and hard pairs.

    A negative is hard where S > p, semi-hard where p − m < S ≤ p, easy below, with p the similarity of the anchor's
    hardest positive; a positive is hard where S < n, semi-hard where n ≤ S < n + m, easy above, with n that of its
    hardest negative; m = 0.1 (`HARDNESS_MARGIN`). The words are those of Schroff et al. 2015.

    Columns: sign, kind, pairs (share of the sign's pairs), share (of the sign's weight mass), error (the share's
    standard error; NaN of a single context).
    """
    frames = [_frame(masses, sign, {"kind": _KINDS}, axis=1) for sign in SIGNS]
    return pd.concat(frames, ignore_index=True)[["sign", "kind", "pairs", "share", "error"]]


def mass_ratio(masses: Masses) -> tuple[float, float]:
    """E Σ|w⁻| / E Σ|w⁺| over contexts: how many times harder the negatives push than the positives pull; and its
    standard error. ∞ where only negatives have a weight, NaN where no pair has one: neither has an error (NaN).
    """
    push, pull = (masses.mass[sign].sum(1) for sign in ("negative", "positive"))
    if not pull.any():
        return float("inf") if push.any() else float("nan"), float("nan")
    return float(push.sum() / pull.sum()), float(standard_error(push, pull))


def _signs(sample: Sample, weights: PairWeights) -> Iterable[tuple[Sign, np.ndarray, np.ndarray, np.ndarray]]:
    """Of either sign similarities, signed weights, and kinds (0, 1, 2) of its pairs, [contexts, pairs]."""
    positives = sample.positive.shape[1]
    hardest_positive, hardest_negative = sample.positive.amin(1, keepdim=True), sample.negative.amax(1, keepdim=True)
    for sign, s, columns, beyond in (
        ("positive", sample.positive, slice(0, positives), hardest_negative - sample.positive),
        ("negative", sample.negative, slice(positives, None), sample.negative - hardest_positive),
    ):
        kind = (beyond > -HARDNESS_MARGIN).numpy().astype(np.int64) + (beyond > 0).numpy()
        yield sign, s.numpy(), getattr(weights, sign)[:, columns].detach().double().numpy(), kind  # type: ignore[misc]


def _edges() -> np.ndarray:
    return np.linspace(-1, 1, _BINS + 1).round(12)


def _bin(similarity: np.ndarray) -> np.ndarray:
    """Which bin; one that ends at a similarity does not hold it, but for the last."""
    return np.searchsorted(_edges()[1:-1], similarity, side="right")


def _frame(masses: Masses, sign: Sign, keys: dict[str, object], axis: int) -> pd.DataFrame:
    """The cells added up along one axis of [groups, bins, kinds]."""
    pairs, mass = (each[sign].reshape(-1, _BINS, len(_KINDS)).sum(axis) for each in (masses.pairs, masses.mass))
    met, total = pairs.sum(0), mass.sum()
    share = mass.sum(0) / total if total > 0 else np.zeros(len(met))
    error = standard_error(mass, mass.sum(1)) if total > 0 else np.zeros(len(met))
    return pd.DataFrame({"sign": sign, **keys, "pairs": met / met.sum(), "share": share, "error": error})
