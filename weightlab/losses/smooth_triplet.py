"""Triplet loss with a softplus in place of the hinge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.stable import softplus
from weightlab.forms.triplets import TripletForm
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class SmoothTriplet:
    """L = Σ_P Σ_N log(1 + e^{t(S_n − S_p + m)}) / t, with w⁺ = Σ_N σ(t(S_n − S_p + m)) and w⁻ = Σ_P of the same.

    scale: t in [10⁻⁴, 10⁴]; t → ∞ is the triplet loss.
    margin: m in [−2, 2].

    Source: Hermans, Beyer, Leibe 2017, section 2 ("soft margin"), over all triplets. pytorch-metric-learning's
    TripletMarginLoss(smooth_loss=True) is the same at t = 1, averaged over all triplets.
    """

    scale: float = parameter(1.0, *SCALE)
    margin: float = parameter(0.0, -2, 2)

    name: ClassVar[str] = "triplet-smooth"
    source: ClassVar[str] = "Hermans et al. 2017 (soft margin)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        return self.form.value(pairs, lambda excess: softplus(self.scale * excess)) / self.scale

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = Σ_N σ(t(S_n − S_p + m)), w⁻ = Σ_P σ(t(S_n − S_p + m)), [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> TripletForm:
        """All triplets, by how far the negative lies above the positive."""
        return TripletForm(self.violation, self.margin)

    def violation(self, excess: Tensor) -> Tensor:
        """σ(t(S_n − S_p + m))."""
        return torch.sigmoid(self.scale * excess)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t, m = v.parameter("t", "scale", self.scale), v.parameter("m", "margin", self.margin)
        return v.over_positives(v.over_negatives(v.softplus(t * (v.s_n - v.s_p + m)))) / t
