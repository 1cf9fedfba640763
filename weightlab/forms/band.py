"""Weights of the negatives that lie in a band below an anchor's hardest positive."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.forms.scale import Scale, size_of
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.probe import Probe

__all__ = ["BandForm", "least_positive"]


@dataclass(frozen=True)
class BandForm:
    """w⁻ = f(S) 1[p − depth < S < p − gap] with p = min_P S, the anchor's hardest positive; no w⁺.

    Without positives p is +∞: all negatives count where the depth is infinite, none where it is not.

    gap: how far below the hardest positive the band begins, at least 0.
    depth: how far below it ends, above the gap; +∞: nowhere.
    factor: f of negatives with similarities s, of any shape; None for 1.
    """

    gap: float
    depth: float = math.inf
    factor: Callable[[Tensor], Tensor] | None = None

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        s = pairs.precise.detach()
        weight = self.weigh(s, least_positive(s, pairs.positive)[:, None])
        return PairWeights(torch.zeros_like(s), torch.where(pairs.negative, weight, 0))

    def weigh(self, s: Tensor, least: Tensor) -> Tensor:
        """w⁻ of negatives with similarities s beside the hardest positive p, of shapes that go together."""
        inside = (s < least - self.gap) & (s > self.floor(least))
        return inside.to(s.dtype) if self.factor is None else torch.where(inside, self.factor(s), 0)

    def floor(self, least: Tensor) -> Tensor:
        """p − depth, up to which, itself included, no negative has a weight; −∞ where the band ends nowhere."""
        return least - self.depth if self.depth < math.inf else torch.full_like(least, -torch.inf)

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], from the hardest positive."""
        if probe.sign == "positive":
            return probe.grid.new_zeros(probe.shape)
        return self.weigh(probe.grid.expand(probe.shape), _hardest_of(probe)[:, None])

    def probe_sizes(self, probe: Probe, scale: Scale) -> Tensor:
        """What `scale` divides a probed negative's weight by, [C, G]: the others' part and its own."""
        least = _hardest_of(probe)[:, None]
        others = size_of(self.weigh(probe.others, least), scale)
        return others[:, None] + size_of(self.probe(probe)[..., None], scale)

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """Only the probed one: the hardest positive is found once a context."""
        return 1


def least_positive(s: Tensor, positive: Tensor) -> Tensor:
    """min_P S, [B], of similarities and a mask [B, R]; +∞ without positives."""
    if not s.shape[1]:
        return s.new_full((len(s),), torch.inf)
    return s.masked_fill(~positive, torch.inf).amin(1)


def _hardest_of(probe: Probe) -> Tensor:
    return least_positive(probe.positive, torch.ones_like(probe.positive, dtype=torch.bool))
