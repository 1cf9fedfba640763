"""Supervised contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.errors import check_number
from weightlab.lazy import torch
from weightlab.losses.stable import masked_logsumexp, masked_mean, masked_softmax, softplus
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.symbolic import Vocabulary


@dataclass(frozen=True)
class SupCon:
    """L = mean_P −log( e^{S_p/τ} / Σ_{P∪N} e^{S/τ} ).

    With q = σ(LSE_N − LSE_P), LSE the log Σ e^{S/τ}: the share that negatives have in the denominator:
    w⁺ = (1/|P| − (1 − q) softmax_P(S/τ)) / τ and w⁻ = q softmax_N(S/τ) / τ. A positive that is closer than the others
    has w⁺ < 0: it is pushed away.

    temperature: τ > 0. An anchor without positives has loss 0.

    Source: Khosla et al. 2020, eq. 2 (L_out); the gradient's sign: their supplement, section 6. pytorch-metric-
    learning's SupConLoss averages over the anchors that have positives.
    """

    temperature: float = 0.1

    name: ClassVar[str] = "supcon"
    source: ClassVar[str] = "Khosla et al. 2020 (L_out)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, above=0)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        x, among_positives, among_negatives = self._sums(pairs)
        # log Σ_{P∪N} = LSE_P + log(1 + e^{LSE_N − LSE_P}): the small last term is not lost beside the first
        spread = masked_mean(among_positives[:, None] - x, pairs.positive)
        return torch.where(pairs.positive.any(1), spread + softplus(among_negatives - among_positives), 0)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺, which may be below 0, and w⁻ as above, [B, R]."""
        x, among_positives, among_negatives = self._sums(pairs)
        q = torch.sigmoid(among_negatives - among_positives)[:, None]
        share = masked_softmax(x, pairs.positive)
        count = pairs.positive.sum(1, keepdim=True)
        pull = torch.where(pairs.positive, (1 / count.to(x.dtype) - share) + q * share, 0)
        push = torch.where(count > 0, q * masked_softmax(x, pairs.negative), 0)
        return PairWeights(pull / self.temperature, push / self.temperature)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        temperature = v.parameter(r"\tau", self.temperature)
        total = v.over_positives(v.exp(v.s_p / temperature)) + v.over_negatives(v.exp(v.s_n / temperature))
        return v.log(total) - v.over_positives(v.s_p / temperature) / v.positives

    def _sums(self, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
        """S/τ, LSE_P (0 over no positive) and LSE_N."""
        x = pairs.precise / self.temperature
        among_positives = masked_logsumexp(x, pairs.positive).masked_fill(~pairs.positive.any(1), 0)
        return x, among_positives, masked_logsumexp(x, pairs.negative)
