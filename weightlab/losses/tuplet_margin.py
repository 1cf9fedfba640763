"""Tuplet margin loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, root, root_slope, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class TupletMargin:
    """L = mean_P log(1 + Σ_N e^{s (S_n − cos(θ_p − β))}), θ_p the angle of the positive: S_p = cos θ_p.

    cos(θ_p − β) = S_p cos β + √(1 − S_p²) sin β, which falls again where θ_p < β: with h_p = σ(LSE_N(sS) −
    s cos(θ_p − β)), w⁺ = s h_p (cos β − S_p sin β / √(1 − S_p²)) / |P| is below 0 there: a positive within the slack
    is pushed out to it. w⁻ = s (mean_P h_p) softmax_N(sS). The root is at least 10⁻⁴, so that w⁺ stays finite at S = 1.

    scale: s in [10⁻⁴, 10⁴].
    margin: β in degrees, in [0, 90].

    Source: Yu, Tao 2019, eq. 5 (tuplet margin with slack), one positive a tuple; here the mean over the positives.
    pytorch-metric-learning's TupletMarginLoss has the same defaults and averages over all positive pairs.
    """

    scale: float = parameter(64.0, *SCALE)
    margin: float = parameter(5.73, 0, 90)

    name: ClassVar[str] = "tuplet-margin"
    source: ClassVar[str] = "Yu, Tao 2019"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; 0 without positives or without negatives."""
        positives = Positives.of(pairs)
        among_negatives = masked_logsumexp(self.scale * pairs.precise, pairs.negative)
        return softplus(self._gap(positives, among_negatives)).sum(1) / positives.count

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺, which may be below 0, and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of sS over the negatives."""
        return SoftmaxForm(Line(self.scale), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ as above and c = s mean_P h_p."""
        s, beta = positives.similarity.clamp(max=1), math.radians(self.margin)
        share = self.scale * torch.sigmoid(self._gap(positives, log_total)) / positives.count[:, None]
        return share * (math.cos(beta) - 2 * s * root_slope(1 - s**2) * math.sin(beta)), share.sum(1)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        scale, beta = (
            v.parameter("s", "scale", self.scale),
            v.parameter(r"\beta", "margin in radians", math.radians(self.margin)),
        )
        slack = v.s_p * v.cos(beta) + v.sqrt(1 - v.s_p**2) * v.sin(beta)
        rivals = v.over_negatives(v.exp(scale * (v.s_n - slack)))
        return v.over_positives(v.log(1 + rivals)) / v.positives

    def _gap(self, positives: Positives, among_negatives: Tensor) -> Tensor:
        """How far each positive is from done, [B, K]; −∞ behind an anchor's last."""
        s, beta = positives.similarity.clamp(max=1), math.radians(self.margin)
        slack = s * math.cos(beta) + root(1 - s**2) * math.sin(beta)
        return (among_negatives[:, None] - self.scale * slack).masked_fill(~positives.mask, -torch.inf)
