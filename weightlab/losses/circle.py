"""Circle loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.errors import check_number
from weightlab.lazy import torch
from weightlab.losses.stable import masked_logsumexp, masked_softmax, softplus
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.symbolic import Vocabulary


@dataclass(frozen=True)
class Circle:
    """L = log(1 + Σ_P e^{−γ α_p (S−Δ_p)} Σ_N e^{γ α_n (S−Δ_n)}), the α held constant in the derivative.

    α_p = (1 + m − S)₊, α_n = (S + m)₊, Δ_p = 1 − m, Δ_n = m. With x the exponents and h = σ(LSE_P(x) + LSE_N(x)):
    w⁺ = γ α_p h softmax_P(x) and w⁻ = γ α_n h softmax_N(x).

    m: in [0, 1]; gamma: γ > 0. An anchor without positives or without negatives has loss 0.

    Source: Sun et al. 2020, eq. 6–8, with the weights α cut off from the gradient as in its section 3.2.
    pytorch-metric-learning's CircleLoss is the same, averaged over the anchors with a loss above 0; its γ is 80 too
    (the paper has 256 for faces, 80 for retrieval).
    """

    m: float = 0.4
    gamma: float = 80.0

    name: ClassVar[str] = "circle"
    source: ClassVar[str] = "Sun et al. 2020"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("m", self.m, 0, 1)
        check_number("gamma", self.gamma, above=0)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        pull, push = self._exponents(pairs)
        return softplus(masked_logsumexp(pull, pairs.positive) + masked_logsumexp(push, pairs.negative))

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        pull, push = self._exponents(pairs)
        total = masked_logsumexp(pull, pairs.positive) + masked_logsumexp(push, pairs.negative)
        unfinished = self.gamma * torch.sigmoid(total)[:, None]
        alpha_p, alpha_n = self._alphas(pairs)
        return PairWeights(
            positive=unfinished * alpha_p * masked_softmax(pull, pairs.positive),
            negative=unfinished * alpha_n * masked_softmax(push, pairs.negative),
        )

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m, gamma = v.parameter("m", self.m), v.parameter(r"\gamma", self.gamma)
        pull = -gamma * v.held(v.hinge(1 + m - v.s_p)) * (v.s_p - 1 + m)
        push = gamma * v.held(v.hinge(v.s_n + m)) * (v.s_n - m)
        return v.log(1 + v.over_positives(v.exp(pull)) * v.over_negatives(v.exp(push)))

    def _alphas(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        s = pairs.precise.detach()
        return (1 + self.m - s).relu(), (s + self.m).relu()

    def _exponents(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        s, (alpha_p, alpha_n) = pairs.precise, self._alphas(pairs)
        return -self.gamma * alpha_p * (s - (1 - self.m)), self.gamma * alpha_n * (s - self.m)
