"""Circle loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_softmax, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class Circle:
    """L = log(1 + Σ_P e^{−γ α_p (S−Δ_p)} Σ_N e^{γ α_n (S−Δ_n)}), the α held constant in the derivative.

    α_p = (1 + m − S)₊, α_n = (S + m)₊, Δ_p = 1 − m, Δ_n = m. With x the exponents and h = σ(LSE_P(x) + LSE_N(x)):
    w⁺ = γ α_p h softmax_P(x) and w⁻ = γ α_n h softmax_N(x).

    m: in [0, 1].
    gamma: γ in [10⁻⁴, 10⁴].

    An anchor without positives or without negatives has loss 0.

    Source: Sun et al. 2020, eq. 6–8, with the weights α cut off from the gradient as in its section 3.2.
    pytorch-metric-learning's CircleLoss is the same, averaged over the anchors with a loss above 0; its γ is 80 too
    (the paper has 256 for faces, 80 for retrieval).
    """

    m: float = parameter(0.4, 0, 1)
    gamma: float = parameter(80.0, *SCALE)

    name: ClassVar[str] = "circle"
    source: ClassVar[str] = "Sun et al. 2020"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        s = pairs.precise
        pull = masked_logsumexp(self._pull_exponent(s), pairs.positive)
        return softplus(pull + masked_logsumexp(_PushExponent(self.m, self.gamma)(s), pairs.negative))

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of γ α_n (S − Δ_n) over the negatives, times γ α_n."""
        return SoftmaxForm(_PushExponent(self.m, self.gamma), self.masses, self.factor)

    def factor(self, s: Tensor) -> Tensor:
        """γ α_n."""
        return self.gamma * (s.detach() + self.m).relu()

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = γ α_p h softmax_P(x) and c = h."""
        s = positives.similarity.clamp(max=1)
        x = self._pull_exponent(s)
        h = torch.sigmoid(masked_logsumexp(x, positives.mask) + log_total)
        return self.gamma * h[:, None] * self._alpha_p(s) * masked_softmax(x, positives.mask), h

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m, gamma = v.parameter("m", "m", self.m), v.parameter(r"\gamma", "gamma", self.gamma)
        pull = -gamma * v.held(v.hinge(1 + m - v.s_p)) * (v.s_p - 1 + m)
        push = gamma * v.held(v.hinge(v.s_n + m)) * (v.s_n - m)
        return v.log(1 + v.over_positives(v.exp(pull)) * v.over_negatives(v.exp(push)))

    def _alpha_p(self, s: Tensor) -> Tensor:
        return (1 + self.m - s.detach()).relu()

    def _pull_exponent(self, s: Tensor) -> Tensor:
        return -self.gamma * self._alpha_p(s) * (s - (1 - self.m))


@dataclass(frozen=True)
class _PushExponent:
    """γ α_n (S − Δ_n), α_n held constant: 0 up to −m, γ(S² − m²) from there on.

    m, gamma: the loss's.
    """

    m: float
    gamma: float

    def __call__(self, s: Tensor) -> Tensor:
        return self.gamma * (s.detach() + self.m).relu() * (s - self.m)

    def reach(self, level: Tensor) -> Tensor:
        """Below 0 the exponent of an easy negative, 0, is above the level: then nothing is known."""
        return torch.where(level >= 0, (level.clamp(min=0) / self.gamma + self.m**2).sqrt(), -torch.inf)
