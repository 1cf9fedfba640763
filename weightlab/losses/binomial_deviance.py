"""Binomial deviance loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.stable import masked_mean, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class BinomialDeviance:
    """L = mean_P log(1 + e^{−α(S−λ)}) + mean_N log(1 + e^{β(S−λ)}).

    w⁺ = α σ(−α(S−λ)) / |P| and w⁻ = β σ(β(S−λ)) / |N|: by its own similarity up to the number of pairs.

    alpha, beta: α, β in [10⁻⁴, 10⁴].
    base: λ in [−1, 1].

    Source: Yi, Lei, Li 2014, eq. 11, with one scale for each sign as in Wang et al. 2019 (section 3.2.1), where the
    cost of a negative is inside β. pytorch-metric-learning does not have it.
    """

    alpha: float = parameter(2.0, *SCALE)
    beta: float = parameter(50.0, *SCALE)
    base: float = parameter(0.5, -1, 1)

    name: ClassVar[str] = "binomial-deviance"
    source: ClassVar[str] = "Yi et al. 2014"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        centred = pairs.precise - self.base
        pull = masked_mean(softplus(-self.alpha * centred), pairs.positive)
        return pull + masked_mean(softplus(self.beta * centred), pairs.negative)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = α σ(−α(S−λ)) / |P|, w⁻ = β σ(β(S−λ)) / |N|, [B, R]."""
        return self.form.weights(pairs)

    def positive_weight(self, s: Tensor) -> Tensor:
        """w⁺ at s."""
        return self.alpha * torch.sigmoid(-self.alpha * (s - self.base))

    def negative_weight(self, s: Tensor) -> Tensor:
        """w⁻ at s."""
        return self.beta * torch.sigmoid(self.beta * (s - self.base))

    @property
    def form(self) -> PointwiseForm:
        """Functions of a pair's own similarity, divided by how many pairs there are."""
        return PointwiseForm(self.positive_weight, self.negative_weight, averaged=True)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        alpha, beta = v.parameter(r"\alpha", "alpha", self.alpha), v.parameter(r"\beta", "beta", self.beta)
        base = v.parameter(r"\lambda", "base", self.base)
        pull = v.over_positives(v.softplus(-alpha * (v.s_p - base))) / v.positives
        return pull + v.over_negatives(v.softplus(beta * (v.s_n - base))) / v.negatives
