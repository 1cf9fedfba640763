"""Weight curves, as data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from weightlab.decompose.contexts import Sample
from weightlab.decompose.subject import Subject
from weightlab.lazy import np, pd, torch
from weightlab.pairs import SIGNS, Sign

if TYPE_CHECKING:
    from torch import Tensor


__all__ = ["Track", "weight_curve"]

Track = Callable[[list[Any]], Iterable[Any]]

_BLOCK = 1 << 19  # pairs at a time: the temporaries stay in the cache


def weight_curve(subject: Subject, sample: Sample, grid: Tensor, track: Track = list) -> pd.DataFrame:
    """The weight of a probed pair at each similarity of the grid [G], over the contexts of the sample.

    Columns: similarity, sign ("positive" or "negative"), weight (the median over the contexts), low and high (their
    5 % and 95 % quantiles). track: goes through the blocks of the work, as `rich.progress.track` does.
    """
    at_once = _BLOCK // (len(grid) * subject.pairs_of_a_probe(*sample.counts))
    size = 1 if subject.one_at_a_time else max(1, at_once)
    blocks = [(sign, block) for sign in SIGNS for block in sample.split(size)]
    weights: dict[Sign, list[Tensor]] = {sign: [] for sign in SIGNS}
    sign: Sign
    for sign, block in track(blocks):
        weights[sign].append(subject.probe(block, sign, grid))
    frames = []
    for sign in SIGNS:
        found = torch.cat(weights[sign]).numpy()
        # between two zeros a quantile can come out as rounding
        low, weight, high = (
            np.clip(each, found.min(0), found.max(0)) + 0.0  # no −0
            for each in np.quantile(found, [0.05, 0.5, 0.95], axis=0)
        )
        columns = {"similarity": grid.numpy(), "sign": sign, "weight": weight, "low": low, "high": high}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
