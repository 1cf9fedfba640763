"""Multi-similarity loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm, mined
from weightlab.forms.stable import masked_logsumexp, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class MultiSimilarity:
    """L = (1/α) log(1 + Σ_P e^{−α(S−λ)}) + (1/β) log(1 + Σ_N e^{β(S−λ)}).

    w⁺ = e^{−α(S−λ)} / (1 + Σ_P …) and w⁻ = e^{β(S−λ)} / (1 + Σ_N …).

    alpha, beta: α, β in [10⁻⁴, 10⁴].
    base: λ in [−1, 1].
    mining_margin: None, or ε in [0, 2]: a negative then counts only if S > min_P S − ε, a positive only if
        S < max_N S + ε; an anchor without positives (negatives) keeps no negative (positive). The choice is held
        constant in the derivative.

    Source: Wang et al. 2019 (Multi-Similarity Loss), eq. 15; mining eq. 10, 11. pytorch-metric-learning has the mining
    as a miner of its own and the same defaults.
    """

    alpha: float = parameter(2.0, *SCALE)
    beta: float = parameter(50.0, *SCALE)
    base: float = parameter(0.5, -1, 1)
    mining_margin: float | None = parameter(None, 0, 2)

    name: ClassVar[str] = "ms-loss"
    source: ClassVar[str] = "Wang et al. 2019 (Multi-Similarity Loss)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        pairs = mined(pairs, self.mining_margin)
        pull = masked_logsumexp(-self.alpha * (pairs.precise - self.base), pairs.positive)
        push = masked_logsumexp(self.beta * (pairs.precise - self.base), pairs.negative)
        return softplus(pull) / self.alpha + softplus(push) / self.beta

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of β(S − λ) over the negatives, of those that count."""
        return SoftmaxForm(Line(self.beta, self.base), self.masses, mining_margin=self.mining_margin)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = e^{−α(S−λ)} / (1 + Σ_P …), and c = Σ_N … / (1 + Σ_N …)."""
        x = -self.alpha * (positives.similarity - self.base)
        pull = (x - softplus(masked_logsumexp(x, positives.mask))[:, None]).exp()
        return pull, torch.sigmoid(log_total)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        alpha, beta = v.parameter(r"\alpha", "alpha", self.alpha), v.parameter(r"\beta", "beta", self.beta)
        base = v.parameter(r"\lambda", "base", self.base)
        pull, push = v.exp(-alpha * (v.s_p - base)), v.exp(beta * (v.s_n - base))
        if self.mining_margin is not None:
            margin = v.parameter(r"\epsilon", "mining_margin", self.mining_margin)
            pull *= v.indicator(v.largest_negative + margin - v.s_p)
            push *= v.indicator(v.s_n - v.least_positive + margin)
        return v.log(1 + v.over_positives(pull)) / alpha + v.log(1 + v.over_negatives(push)) / beta
