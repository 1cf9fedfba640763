"""Triplet loss with a softplus in place of the hinge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.errors import check_number
from weightlab.lazy import torch
from weightlab.losses.positives import Positives
from weightlab.losses.stable import masked_sum, softplus
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.symbolic import Vocabulary


@dataclass(frozen=True)
class SmoothTriplet:
    """L = Σ_P Σ_N log(1 + e^{t(S_n − S_p + m)}) / t, with w⁺ = Σ_N σ(t(S_n − S_p + m)) and w⁻ = Σ_P of the same.

    scale: t > 0, where t → ∞ is the triplet loss; margin: m in [−2, 2].

    Source: Hermans, Beyer, Leibe 2017, section 2 ("soft margin"), over all triplets. pytorch-metric-learning's
    TripletMarginLoss(smooth_loss=True) is the same at t = 1, averaged over all triplets.
    """

    scale: float = 1.0
    margin: float = 0.0

    name: ClassVar[str] = "triplet-smooth"
    source: ClassVar[str] = "Hermans et al. 2017 (soft margin)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("scale", self.scale, above=0)
        check_number("margin", self.margin, -2, 2)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; walks the positives, so that [B, P, N] is never held at once."""
        s = pairs.precise
        total = 0 * s.sum(1)  # differentiable even where no anchor has a positive
        for limit in (Positives.of(pairs).similarity - self.margin).unbind(1):
            total = total + masked_sum(softplus(self.scale * (s - limit[:, None])), pairs.negative)
        return total / self.scale

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = Σ_N σ(t(S_n − S_p + m)), w⁻ = Σ_P σ(t(S_n − S_p + m)), [B, R]."""
        s, positives = pairs.precise, Positives.of(pairs)
        pull, push = torch.zeros_like(positives.similarity), torch.zeros_like(s)
        for slot, limit in enumerate((positives.similarity - self.margin).unbind(1)):
            share = torch.where(pairs.negative, torch.sigmoid(self.scale * (s - limit[:, None])), 0)
            pull[:, slot] = share.sum(1)
            push += share
        return PairWeights(positives.spread(pull, s.shape[1]), push)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t, m = v.parameter("t", self.scale), v.parameter("m", self.margin)
        return v.over_positives(v.over_negatives(v.softplus(t * (v.s_n - v.s_p + m)))) / t
