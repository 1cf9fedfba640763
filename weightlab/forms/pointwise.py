"""Weights that are functions of the pair's own similarity."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.forms.scale import Scale, size_of
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.positives import Positives
    from weightlab.forms.probe import Probe

__all__ = ["PointwiseForm"]


@dataclass(frozen=True)
class PointwiseForm:
    """w⁺ and w⁻ as functions of S.

    positive: w⁺ of positives with similarities s, of any shape.
    negative: w⁻ of negatives with similarities s, of any shape.
    averaged: whether each is divided by how many pairs of its sign the anchor has.
    zero_up_to: no negative with S ≤ zero_up_to has a weight (it is exactly 0); −∞ where that is not known.
    """

    positive: Callable[[Tensor], Tensor]
    negative: Callable[[Tensor], Tensor]
    averaged: bool = False
    zero_up_to: float = -math.inf

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        return PairWeights(self.of_sign(pairs, "positive"), self.of_sign(pairs, "negative"))

    def of_sign(self, pairs: Pairs, sign: Sign) -> Tensor:
        """The weights of one sign, [B, R]."""
        mask, function = (pairs.positive, self.positive) if sign == "positive" else (pairs.negative, self.negative)
        weight = torch.where(mask, function(pairs.precise), 0)
        return weight / mask.sum(1, keepdim=True).clamp(min=1) if self.averaged else weight

    def pull(self, positives: Positives) -> Tensor:
        """w⁺, [B, K]; 0 behind an anchor's last."""
        weight = torch.where(positives.mask, self.positive(positives.similarity.clamp(max=1)), 0)
        return weight / positives.count[:, None] if self.averaged else weight

    def probe(self, probe: Probe) -> Tensor:
        """The grid's weights, the same in every context, [C, G]."""
        weight = self.positive(probe.grid) if probe.sign == "positive" else self.negative(probe.grid)
        count = getattr(probe, probe.sign).shape[1] if self.averaged else 1
        return (weight / count).expand(probe.shape)

    def probe_sizes(self, probe: Probe, scale: Scale) -> Tensor:
        """What `scale` divides a probed negative's weight by, [C, G]: the others' part and its own."""
        others, own = (size_of(self.negative(s), scale) for s in (probe.others, probe.grid[:, None]))
        count = probe.negative.shape[1] if self.averaged and scale == "mass" else 1
        return (others[:, None] + own) / count

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """Only the probed one."""
        return 1
