"""Ranked list loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import SoftmaxForm
from weightlab.forms.stable import masked_softmax, masked_sum, root, root_slope
from weightlab.lazy import torch
from weightlab.losses.bounds import check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class RankedList:
    """L = (1 − λ) Σ_P* v_p (d − (α − m)) + λ Σ_N* v_n (α − d) with the distance d = √(2 − 2S).

    P* are the positives with d > α − m, N* the negatives with d < α: the others are done. v_p = softmax_P*(T_p (d − α
    + m)) and v_n = softmax_N*(T_n (α − d)) are held constant in the derivative. w⁺ = (1 − λ) v_p / d, w⁻ = λ v_n / d,
    with 1/d at most 10⁴ (reached at S = 1).

    margin: m in [0, 2].
    alpha: α in [0, 2].
    negative_scale, positive_scale: T_n, T_p in [0, 10⁴].
    balance: λ in [0, 1].

    Source: Wang et al. 2019 (Ranked List Loss), eq. 5–8, with T_p = 0 (equal positives) as published.
    pytorch-metric-learning's RankedListLoss has α = 1 + m/2 unless given, calls λ `imbalance`, adds 10⁻⁵ for each
    reference to the sums that normalise v, and warns above T = 5 (here the softmax is stable for any).
    """

    margin: float = parameter(0.4, 0, 2)
    alpha: float = parameter(1.2, 0, 2)
    negative_scale: float = parameter(10.0, 0, 1e4)
    positive_scale: float = parameter(0.0, 0, 1e4)
    balance: float = parameter(0.5, 0, 1)

    name: ClassVar[str] = "ranked-list"
    source: ClassVar[str] = "Wang et al. 2019 (Ranked List Loss)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; a sign without active pairs adds 0."""
        far, near = self._far(Positives.of(pairs)), self._near(pairs.precise)
        pull = masked_sum(_share(self.positive_scale, far, far > 0) * far, far > 0)
        push = masked_sum(_share(self.negative_scale, near, pairs.negative & (near > 0)) * near, pairs.negative)
        return (1 - self.balance) * pull + self.balance * push

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of T_n (α − d) over the negatives that are not done, times 1/d."""
        return SoftmaxForm(_PushExponent(self.alpha, self.negative_scale), self.masses, _inverse_distance)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = (1 − λ) v_p / d and c = λ."""
        far = self._far(positives)
        pull = (1 - self.balance) * _share(self.positive_scale, far, far > 0) * _inverse_distance(positives.similarity)
        return pull, torch.full_like(log_total, self.balance)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m, alpha, balance = (
            v.parameter("m", "margin", self.margin),
            v.parameter(r"\alpha", "alpha", self.alpha),
            v.parameter(r"\lambda", "balance", self.balance),
        )
        scale_p, scale_n = (
            v.parameter("T_p", "positive_scale", self.positive_scale),
            v.parameter("T_n", "negative_scale", self.negative_scale),
        )
        far, near = v.sqrt(2 - 2 * v.s_p) - (alpha - m), alpha - v.sqrt(2 - 2 * v.s_n)
        weight_p = v.held(v.indicator(far) * v.exp(scale_p * far))
        weight_n = v.held(v.indicator(near) * v.exp(scale_n * near))
        positive = v.over_positives(weight_p * far) / v.held(v.over_positives(weight_p))
        negative = v.over_negatives(weight_n * near) / v.held(v.over_negatives(weight_n))
        return (1 - balance) * positive + balance * negative

    def _far(self, positives: Positives) -> Tensor:
        """d − (α − m) of the positives, [B, K], −∞ behind an anchor's last."""
        return root(2 - 2 * positives.similarity) - (self.alpha - self.margin)

    def _near(self, s: Tensor) -> Tensor:
        """α − d of negatives with similarities s, of any shape."""
        return self.alpha - root(2 - 2 * s)


def _share(scale: float, excess: Tensor, active: Tensor) -> Tensor:
    """v, held constant."""
    return masked_softmax(scale * excess.detach(), active)


def _inverse_distance(s: Tensor) -> Tensor:
    """1/d, at most 10⁴: the slope of `root`."""
    return 2 * root_slope(2 - 2 * s)


@dataclass(frozen=True)
class _PushExponent:
    """T_n (α − d) of the negatives that are not done, −∞ of the others.

    alpha: the loss's.
    scale: T_n.
    """

    alpha: float
    scale: float

    def __call__(self, s: Tensor) -> Tensor:
        near = self.alpha - root(2 - 2 * s)
        return (self.scale * near).masked_fill(near <= 0, -torch.inf)

    def reach(self, level: Tensor) -> Tensor:
        """Where a negative is done, less what a distance is rounded by."""
        done = 1 - self.alpha**2 / 2 - 1e-6
        if self.scale < torch.finfo(level.dtype).tiny:  # every exponent is 0
            return torch.full_like(level, done)
        distance = (self.alpha - level / self.scale).clamp(0, self.alpha)
        return (1 - distance**2 / 2 - 1e-6).clamp(min=done)
