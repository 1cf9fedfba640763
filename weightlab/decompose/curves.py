"""Weight curves and weight mass, as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from weightlab.lazy import np, pd, torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose.contexts import Sample
    from weightlab.pairs import PairWeights, Weighting

__all__ = ["SIGNS", "mass_frame", "weight_curve"]

Sign = Literal["positive", "negative"]
SIGNS: tuple[Sign, Sign] = ("positive", "negative")
_BLOCK = 1 << 19  # pairs at a time: the temporaries stay in the cache


def weight_curve(weighting: Weighting, sample: Sample, grid: Tensor) -> pd.DataFrame:
    """The weight of a probed pair at each similarity of the grid [G], over the contexts of the sample.

    Columns: similarity, sign ("positive" or "negative"), weight (the median over the contexts), low and high (their
    5 % and 95 % quantiles).
    """
    frames = []
    for sign in SIGNS:
        probed = _probed_weights(weighting, sample, sign, grid).numpy()
        low, weight, high = np.quantile(probed, [0.05, 0.5, 0.95], axis=0)
        columns = {"similarity": grid.numpy(), "sign": sign, "weight": weight, "low": low, "high": high}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def _probed_weights(weighting: Weighting, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    """[C, G]."""
    row = sample.positive.shape[1] + sample.negative.shape[1]
    size = max(1, _BLOCK // (row * len(grid)))
    blocks = []
    for start in range(0, len(sample.positive), size):
        block = type(sample)(sample.positive[start : start + size], sample.negative[start : start + size])
        pairs, column = block.probed(sign, grid)
        blocks.append(getattr(weighting.weights(pairs), sign)[:, column].detach().reshape(-1, len(grid)))
    return torch.cat(blocks)


def mass_frame(weights: PairWeights, sample: Sample, bins: int = 20) -> pd.DataFrame:
    """Where the weight is: each bin's share of the sum of |w| over all the pairs of its sign.

    Columns: low and high (the bin's ends), sign, pairs (share of the sign's pairs), share (of the sign's weight mass,
    0 where the sign has none).
    """
    edges = np.linspace(-1, 1, bins + 1)
    similarity = sample.pairs.similarity.numpy()
    frames = []
    for sign, part in zip(SIGNS, (sample.positive, sample.negative), strict=True):
        first = 0 if sign == "positive" else sample.positive.shape[1]
        columns = slice(first, first + part.shape[1])
        s, w = (
            similarity[:, columns].ravel(),
            getattr(weights, sign)[:, columns].detach().abs().numpy().ravel(),
        )
        count, _ = np.histogram(s, edges)
        mass, _ = np.histogram(s, edges, weights=w)
        share = mass / mass.sum() if mass.sum() > 0 else mass
        frames.append(
            pd.DataFrame(
                {
                    "low": edges[:-1],
                    "high": edges[1:],
                    "sign": sign,
                    "pairs": count / count.sum(),
                    "share": share,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
