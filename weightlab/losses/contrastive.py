"""Contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.stable import above, below, masked_sum
from weightlab.losses.bounds import check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class Contrastive:
    """L = Σ_P (m − S)₊ + Σ_N (S − λ)₊, with w⁺ = 1[S < m] and w⁻ = 1[S > λ].

    pos_margin: m in [−1, 1]; a positive above it is done.
    neg_margin: λ in [−1, 1]; a negative below it is easy.

    Source: Hadsell, Chopra, LeCun 2006, in the cosine form of Wang et al. 2020 (XBM), eq. 1. The 2006 original has
    squared distances. pytorch-metric-learning's ContrastiveLoss takes margins of the Euclidean distance unless given
    CosineSimilarity, and averages over the non-zero pairs of each sign.
    """

    pos_margin: float = parameter(1.0, -1, 1)
    neg_margin: float = parameter(0.5, -1, 1)

    name: ClassVar[str] = "contrastive"
    source: ClassVar[str] = "Hadsell et al. 2006; cosine form: Wang et al. 2020 (XBM)"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        s = pairs.precise
        pull = masked_sum((self.pos_margin - s).relu(), pairs.positive)
        push = masked_sum((s - self.neg_margin).relu(), pairs.negative)
        return pull + push

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = 1[S < m], w⁻ = 1[S > λ], [B, R]."""
        return self.form.weights(pairs)

    def positive_weight(self, s: Tensor) -> Tensor:
        """w⁺ at s."""
        return below(s, self.pos_margin)

    def negative_weight(self, s: Tensor) -> Tensor:
        """w⁻ at s."""
        return above(s, self.neg_margin)

    @property
    def form(self) -> PointwiseForm:
        """Functions of a pair's own similarity."""
        return PointwiseForm(self.positive_weight, self.negative_weight, zero_up_to=self.neg_margin)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m, limit = (
            v.parameter("m", "pos_margin", self.pos_margin),
            v.parameter(r"\lambda", "neg_margin", self.neg_margin),
        )
        return v.over_positives(v.hinge(m - v.s_p)) + v.over_negatives(v.hinge(v.s_n - limit))
