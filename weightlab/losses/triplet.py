"""Triplet loss over all triplets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.triplets import TripletForm
from weightlab.lazy import torch
from weightlab.losses.bounds import check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class Triplet:
    """L = Σ_P Σ_N (S_n − S_p + m)₊, with w⁺ = #{n: S_n > S_p − m} and w⁻ = #{p: S_p − m < S_n}.

    margin: m in [0, 2].

    Source: Schroff, Kalenichenko, Philbin 2015 (FaceNet), eq. 3, in cosine similarity and over all triplets of the
    anchor. pytorch-metric-learning's TripletMarginLoss averages over the triplets above zero and its default margin,
    0.05, is one of the Euclidean distance.
    """

    margin: float = parameter(0.1, 0, 2)

    name: ClassVar[str] = "triplet"
    source: ClassVar[str] = "Schroff et al. 2015 (all triplets)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        return self.form.value(pairs, torch.relu)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺: how many negatives violate the margin of the positive; w⁻: of how many positives; [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> TripletForm:
        """All triplets, by how far the negative lies above the positive."""
        return TripletForm(self.violation, self.margin, zero_up_to=0.0)

    def violation(self, excess: Tensor) -> Tensor:
        """1 where a triplet violates the margin; overwrites `excess`."""
        return excess.gt_(0)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m = v.parameter("m", "margin", self.margin)
        return v.over_positives(v.over_negatives(v.hinge(v.s_n - v.s_p + m)))
