"""Weightings over all triplets: a function of how far each negative lies above each positive, summed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.forms.positives import Positives
from weightlab.forms.stable import masked_sum
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.probe import Probe

__all__ = ["TripletForm"]


@dataclass(frozen=True)
class TripletForm:
    """w⁺ = Σ_N v(S_n − S_p + m) and w⁻ = Σ_P v(S_n − S_p + m).

    violation: v of an excess S_n − S_p + m, of any shape, in its dtype; it may overwrite it.
    margin: m.
    zero_up_to: v is exactly 0 for an excess up to this; −∞ where it is nowhere 0.
    """

    violation: Callable[[Tensor], Tensor]
    margin: float
    zero_up_to: float = -math.inf

    def value(self, pairs: Pairs, penalty: Callable[[Tensor], Tensor]) -> Tensor:
        """Σ_P Σ_N penalty(S_n − S_p + m), [B], where v is the derivative of the penalty.

        Walks the positives, so that [B, P, N] is never held at once.
        """
        s = pairs.precise
        total = 0 * s.sum(1)  # differentiable even where no anchor has a positive
        for limit in self.limits(Positives.of(pairs)).unbind(1):
            total = total + masked_sum(penalty(s - limit[:, None]), pairs.negative)
        return total

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        s, positives = pairs.precise.detach(), Positives.of(pairs)
        pull, push = torch.zeros_like(positives.similarity), torch.zeros_like(s)
        for slot, limit in enumerate(self.limits(positives).detach().unbind(1)):
            share = torch.where(pairs.negative, self.violation(s - limit[:, None]), 0)
            pull[:, slot] = share.sum(1)
            push += share
        return PairWeights(positives.spread(pull, s.shape[1]), push)

    def limits(self, positives: Positives) -> Tensor:
        """S_p − m, [B, K]: a negative above one of these violates the margin of that positive."""
        return positives.similarity - self.margin

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], from the violations of the probed pair."""
        if probe.sign == "positive":
            return self.violation(probe.negative[:, None] - (probe.grid[:, None] - self.margin)).sum(2)
        return self.violation(probe.grid[:, None] - (probe.positive[:, None] - self.margin)).sum(2)

    def probe_sizes(self, probe: Probe, scale: object) -> None:
        """Not known from a few sums."""
        return

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """All of the other sign."""
        return positives + negatives
