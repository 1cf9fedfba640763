"""Weight mass: where the gradient goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np, pd
from weightlab.pairs import SIGNS

if TYPE_CHECKING:
    from weightlab.decompose.contexts import Sample
    from weightlab.pairs import PairWeights

__all__ = ["HARDNESS_MARGIN", "hardness_frame", "mass_frame", "mass_ratio"]

HARDNESS_MARGIN = 0.1
_KINDS = ("easy", "semi-hard", "hard")


def mass_frame(weights: PairWeights, sample: Sample, bins: int = 20) -> pd.DataFrame:
    """Each similarity bin's share of the sum of |w| over all the pairs of its sign.

    Columns: low and high (the bin's ends), sign, pairs (share of the sign's pairs), share (of the sign's weight mass,
    0 where the sign has none).
    """
    edges = np.linspace(-1, 1, bins + 1).round(12)
    frames = []
    for sign in SIGNS:
        s, w = _of_sign(weights, sample, sign)
        pairs, _ = np.histogram(s, edges)
        mass, _ = np.histogram(s, edges, weights=w)
        frames.append(_frame(sign, {"low": edges[:-1], "high": edges[1:]}, pairs, mass))
    return pd.concat(frames, ignore_index=True)[["low", "high", "sign", "pairs", "share"]]


def hardness_frame(weights: PairWeights, sample: Sample) -> pd.DataFrame:
    """The share of the weight mass in easy, semi-hard and hard pairs.

    A negative is hard where S > p, semi-hard where p − m < S ≤ p, easy below, with p the similarity of the anchor's
    hardest positive; a positive is hard where S < n, semi-hard where n ≤ S < n + m, easy above, with n that of its
    hardest negative; m = 0.1 (`HARDNESS_MARGIN`). The words are those of Schroff et al. 2015.

    Columns: sign, kind, pairs (share of the sign's pairs), share (of the sign's weight mass).
    """
    hardest_positive = sample.positive.amin(1, keepdim=True)
    hardest_negative = sample.negative.amax(1, keepdim=True)
    beyond = {"positive": hardest_negative - sample.positive, "negative": sample.negative - hardest_positive}
    frames = []
    for sign in SIGNS:
        _, w = _of_sign(weights, sample, sign)
        gap = beyond[sign]
        kind = ((gap > -HARDNESS_MARGIN).long() + (gap > 0).long()).numpy().ravel()
        pairs = np.bincount(kind, minlength=3)
        frames.append(_frame(sign, {"kind": _KINDS}, pairs, np.bincount(kind, weights=w, minlength=3)))
    return pd.concat(frames, ignore_index=True)[["sign", "kind", "pairs", "share"]]


def mass_ratio(weights: PairWeights) -> float:
    """Σ|w⁻| / Σ|w⁺| over all pairs: how many times harder the negatives push than the positives pull; NaN for 0/0."""
    push, pull = float(weights.negative.abs().sum()), float(weights.positive.abs().sum())
    return push / pull if pull else float("nan") if not push else float("inf")


def _of_sign(weights: PairWeights, sample: Sample, sign: str) -> tuple[np.ndarray, np.ndarray]:
    """Similarities and |weights| of all the pairs of a sign, flat."""
    s = sample.positive if sign == "positive" else sample.negative
    columns = slice(0, s.shape[1]) if sign == "positive" else slice(sample.positive.shape[1], None)
    return s.numpy().ravel(), getattr(weights, sign)[:, columns].detach().abs().numpy().ravel()


def _frame(sign: str, keys: dict[str, object], pairs: np.ndarray, mass: np.ndarray) -> pd.DataFrame:
    total = mass.sum()
    shares = {"pairs": pairs / pairs.sum(), "share": mass / total if total > 0 else mass}
    return pd.DataFrame({"sign": sign, **keys, **shares})
