"""Contrastive loss with hard negative samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class HardNegativeContrastive:
    """L = mean_P log(1 + G_p / e^{S_p/τ}), G_p = max( (Q − |N| π e^{S_p/τ}) / (1 − π), |N| e^{−1/τ} ).

    Q = |N| Σ_N e^{(1+β)S/τ} / Σ_N e^{βS/τ} is the negatives' sum with the harder ones counted more. Where the first
    branch holds, with r_p = G_p / e^{S_p/τ} and u_p = Q e^{−S_p/τ} / (1 − π) / (1 + r_p):
    w⁺ = u_p / (τ|P|) and w⁻ = (mean_P u_p) ((1+β) softmax_N((1+β)S/τ) − β softmax_N(βS/τ)) / τ, which is below 0 for
    easy negatives: they are pulled, so that the hard ones count more. On the floor: w⁺ = r_p/(1 + r_p)/(τ|P|), w⁻ = 0.

    temperature: τ in [10⁻⁴, 10⁴].
    beta: β in [0, 100], how much harder negatives count.
    tau_plus: π in [0, 0.999], the share of the negatives that are thought to be of the anchor's class.

    Source: Robinson et al. 2021, eq. 4 and its code (the weights e^{βS/τ} are part of the derivative); defaults of the
    code. At β = 0 and π = 0 it is InfoNCE. pytorch-metric-learning does not have it.
    """

    temperature: float = parameter(0.5, *SCALE)
    beta: float = parameter(1.0, 0, 100)
    tau_plus: float = parameter(0.1, 0, 0.999)

    name: ClassVar[str] = "hard-negative-contrastive"
    source: ClassVar[str] = "Robinson et al. 2021"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; 0 without positives or without negatives."""
        positives = Positives.of(pairs)
        log_total = masked_logsumexp(_Exponents(1 / self.temperature, self.beta)(pairs.precise), pairs.negative)
        log_ratio, _, _ = self._log_ratio(positives, log_total)
        return softplus(log_ratio).sum(1) / positives.count

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺, and w⁻, which may be below 0, as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """Three sums over the negatives: of (1+β)S/τ, of βS/τ, and their number."""
        return SoftmaxForm(_Exponents(1 / self.temperature, self.beta), self.masses, sums=3)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ as above and c = (mean_P u_p) (1+β, −β, 0) / τ, [3, B]."""
        log_ratio, kept, on_floor = self._log_ratio(positives, log_total)
        share = torch.sigmoid(log_ratio) / self.temperature / positives.count[:, None]
        by_harder = torch.where(on_floor, 0, share / kept)  # d log r / d log Q = 1/kept off the floor
        push = by_harder.sum(1)
        c = torch.stack([(1 + self.beta) * push, -self.beta * push, torch.zeros_like(push)])
        return torch.where(on_floor, share, by_harder), c

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        temperature, beta = (
            v.parameter(r"\tau", "temperature", self.temperature),
            v.parameter(r"\beta", "beta", self.beta),
        )
        prior = v.parameter(r"\pi", "tau_plus", self.tau_plus)
        harder = v.over_negatives(v.exp((1 + beta) * v.s_n / temperature))
        q = v.named("Q", v.negatives * harder / v.over_negatives(v.exp(beta * v.s_n / temperature)))
        own = v.exp(v.s_p / temperature)
        estimate = v.maximum((q - v.negatives * prior * own) / (1 - prior), v.negatives * v.exp(-1 / temperature))
        return v.over_positives(v.log(1 + v.named("G", estimate) / own)) / v.positives

    def _log_ratio(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log(G_p / e^{S_p/τ}), the share that the prior leaves of Q, and where G_p is on its floor, [B, K] each.

        From log Σ_N e^{(1+β)S/τ}, log Σ_N e^{βS/τ} and log |N|, [3, B]. Behind an anchor's last positive, S = ∞ gives
        the first −∞ and puts it on the floor.
        """
        own, none = positives.similarity / self.temperature, log_total[2] == -torch.inf
        among_harder, among_all, log_count = log_total.masked_fill(none, 0)[:, :, None]
        log_q = log_count + among_harder - among_all - own
        log_prior = math.log(self.tau_plus) if self.tau_plus else -math.inf
        log_taken = log_prior + log_count - log_q  # |N| π e^{S_p/τ} / Q, taken off Q
        kept = -torch.expm1(torch.where(log_taken < 0, log_taken, -1))
        first = torch.where(log_taken < 0, log_q + kept.log() - math.log1p(-self.tau_plus), -torch.inf)
        floor = log_count - 1 / self.temperature - own
        on_floor = first <= floor
        log_ratio = torch.where(on_floor, floor, first).masked_fill(none[:, None], -math.inf)
        return log_ratio, kept, on_floor


@dataclass(frozen=True)
class _Exponents:
    """(1+β)S/τ, βS/τ and 0 (whose sum is |N|), [3, ...].

    scale: 1/τ.
    beta: the loss's.
    """

    scale: float
    beta: float

    def __call__(self, s: Tensor) -> Tensor:
        x = s * self.scale
        return torch.stack([(1 + self.beta) * x, self.beta * x, torch.zeros_like(x)])

    def reach(self, level: Tensor) -> None:
        """All negatives count in |N|."""
        return
