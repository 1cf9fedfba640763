"""The weight of one pair as its similarity moves along a grid, while the anchor's other pairs stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import torch
from weightlab.pairs import Pairs

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign, Weighting

__all__ = ["Probe", "probe_all_pairs"]


@dataclass(frozen=True)
class Probe:
    """The first pair of a sign takes each similarity of a grid, in each of C contexts.

    positive: [C, P], the similarities of the anchor's positives.
    negative: [C, N], those of its negatives.
    sign: the probed pair's.
    grid: [G], similarities.
    """

    positive: Tensor
    negative: Tensor
    sign: Sign
    grid: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """C and G."""
        return len(self.positive), len(self.grid)

    @property
    def others(self) -> Tensor:
        """The negatives that stay, [C, N] or [C, N − 1]."""
        return self.negative if self.sign == "positive" else self.negative[:, 1:]

    def repeated(self) -> Tensor:
        """The positives once for each grid point, [C·G, P]; the first is the probed one, if that is a positive."""
        positive = self.positive.repeat_interleave(len(self.grid), dim=0)
        if self.sign == "positive":
            positive[:, 0] = self.grid.repeat(len(self.positive))
        return positive


def probe_all_pairs(weighting: Weighting, probe: Probe) -> Tensor:
    """[C, G], of any weighting: every context once for each grid point, [C·G, P + N] pairs."""
    positives, negatives = probe.positive.shape[1], probe.negative.shape[1]
    column = 0 if probe.sign == "positive" else positives
    similarity = torch.cat([probe.positive, probe.negative], dim=1).repeat_interleave(len(probe.grid), dim=0)
    similarity[:, column] = probe.grid.repeat(len(probe.positive))
    is_positive = (torch.arange(positives + negatives, device=similarity.device) < positives).expand(similarity.shape)
    weights = weighting.weights(Pairs(similarity, is_positive, ~is_positive))
    probed: Tensor = getattr(weights, probe.sign)[:, column]
    return probed.reshape(probe.shape)
