"""Triplet loss over all triplets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.errors import check_number
from weightlab.lazy import torch
from weightlab.losses.positives import Positives
from weightlab.losses.stable import masked_sum
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.symbolic import Vocabulary


@dataclass(frozen=True)
class Triplet:
    """L = Σ_P Σ_N (S_n − S_p + m)₊, with w⁺ = #{n: S_n > S_p − m} and w⁻ = #{p: S_p − m < S_n}.

    margin: m in [0, 2].

    Source: Schroff, Kalenichenko, Philbin 2015 (FaceNet), eq. 3, in cosine similarity and over all triplets of the
    anchor. pytorch-metric-learning's TripletMarginLoss averages over the triplets above zero and its default margin,
    0.05, is one of the Euclidean distance.
    """

    margin: float = 0.1

    name: ClassVar[str] = "triplet"
    source: ClassVar[str] = "Schroff et al. 2015 (all triplets)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("margin", self.margin, 0, 2)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; walks the positives, so that [B, P, N] is never held at once."""
        s = pairs.precise
        total = 0 * s.sum(1)  # differentiable even where no anchor has a positive
        for limit in (Positives.of(pairs).similarity - self.margin).unbind(1):
            total = total + masked_sum((s - limit[:, None]).relu(), pairs.negative)
        return total

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺: how many negatives violate the margin of the positive; w⁻: of how many positives; [B, R]."""
        s, positives = pairs.precise, Positives.of(pairs)
        pull, push = torch.zeros_like(positives.similarity), torch.zeros_like(s)
        for slot, limit in enumerate((positives.similarity - self.margin).unbind(1)):
            violates = pairs.negative & (s > limit[:, None])
            pull[:, slot] = violates.sum(1)
            push += violates
        return PairWeights(positives.spread(pull, s.shape[1]), push)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m = v.parameter("m", self.margin)
        return v.over_positives(v.over_negatives(v.hinge(v.s_n - v.s_p + m)))
