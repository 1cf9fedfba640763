"""Margin-based loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.stable import masked_sum, root, root_slope
from weightlab.lazy import torch
from weightlab.losses.bounds import check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary

_ROUNDING = 1e-6  # of a distance, seen from its similarity


@dataclass(frozen=True)
class Margin:
    """L = Σ_P (α + d − β)₊ + Σ_N (α + β − d)₊ with the distance d = √(2 − 2S).

    w⁺ = 1[d > β − α] / d and w⁻ = 1[d < β + α] / d, at most 10⁴ (reached at S = 1, where 1/d has no bound).

    beta: β in [0, 2], the distance between positives and negatives.
    alpha: α in [0, 2], the margin on either side.

    Source: Wu et al. 2017 (Sampling Matters), eq. 5; β fixed rather than learned, and without the paper's distance-
    weighted sampling. pytorch-metric-learning's MarginLoss averages over the triplets that its miner picks.
    """

    beta: float = parameter(1.2, 0, 2)
    alpha: float = parameter(0.2, 0, 2)

    name: ClassVar[str] = "margin"
    source: ClassVar[str] = "Wu et al. 2017 (Sampling Matters)"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        d = root(2 - 2 * pairs.precise)
        pull = masked_sum((d - (self.beta - self.alpha)).relu(), pairs.positive)
        return pull + masked_sum((self.beta + self.alpha - d).relu(), pairs.negative)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    def positive_weight(self, s: Tensor) -> Tensor:
        """w⁺ at s."""
        squared = 2 - 2 * s
        return torch.where(root(squared) > self.beta - self.alpha, 2 * root_slope(squared), 0)

    def negative_weight(self, s: Tensor) -> Tensor:
        """w⁻ at s."""
        squared = 2 - 2 * s
        return torch.where(root(squared) < self.beta + self.alpha, 2 * root_slope(squared), 0)

    @property
    def form(self) -> PointwiseForm:
        """Functions of a pair's own similarity."""
        return PointwiseForm(
            self.positive_weight, self.negative_weight, zero_up_to=1 - (self.alpha + self.beta) ** 2 / 2 - _ROUNDING
        )

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        alpha, beta = v.parameter(r"\alpha", "alpha", self.alpha), v.parameter(r"\beta", "beta", self.beta)
        pull = v.over_positives(v.hinge(alpha + v.sqrt(2 - 2 * v.s_p) - beta))
        return pull + v.over_negatives(v.hinge(alpha + beta - v.sqrt(2 - 2 * v.s_n)))
