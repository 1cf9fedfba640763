"""Weight curves, as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.decompose.probes import SIGNS, probe
from weightlab.lazy import np, pd

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose.contexts import Sample
    from weightlab.pairs import Weighting

__all__ = ["weight_curve"]


def weight_curve(weighting: Weighting, sample: Sample, grid: Tensor) -> pd.DataFrame:
    """The weight of a probed pair at each similarity of the grid [G], over the contexts of the sample.

    Columns: similarity, sign ("positive" or "negative"), weight (the median over the contexts), low and high (their
    5 % and 95 % quantiles).
    """
    frames = []
    for sign in SIGNS:
        probed = probe(weighting, sample, sign, grid).numpy()
        low, weight, high = np.quantile(probed, [0.05, 0.5, 0.95], axis=0)
        columns = {"similarity": grid.numpy(), "sign": sign, "weight": weight, "low": low, "high": high}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
