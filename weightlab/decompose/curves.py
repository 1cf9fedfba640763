"""Weight curves, as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from weightlab.lazy import np, pd, torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose.contexts import Sample
    from weightlab.pairs import Weighting

__all__ = ["SIGNS", "Sign", "weight_curve"]

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
