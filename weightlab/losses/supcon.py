"""Supervised contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_mean, masked_softmax, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class SupCon:
    """L = mean_P −log( e^{S_p/τ} / Σ_{P∪N} e^{S/τ} ).

    With q = σ(LSE_N − LSE_P), LSE the log Σ e^{S/τ}: the share that negatives have in the denominator:
    w⁺ = (1/|P| − (1 − q) softmax_P(S/τ)) / τ and w⁻ = q softmax_N(S/τ) / τ. A positive that is closer than the others
    has w⁺ < 0: it is pushed away.

    temperature: τ in [10⁻⁴, 10⁴].

    An anchor without positives has loss 0.

    Source: Khosla et al. 2020, eq. 2 (L_out); the gradient's sign: their supplement, section 6. pytorch-metric-
    learning's SupConLoss averages over the anchors that have positives.
    """

    temperature: float = parameter(0.1, *SCALE)

    name: ClassVar[str] = "supcon"
    source: ClassVar[str] = "Khosla et al. 2020 (L_out)"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        x, some = pairs.precise / self.temperature, pairs.positive.any(1)
        among_positives = masked_logsumexp(x, pairs.positive).masked_fill(~some, 0)
        among_negatives = masked_logsumexp(x, pairs.negative)
        # log Σ_{P∪N} = LSE_P + log(1 + e^{LSE_N − LSE_P}): the small last term is not lost beside the first
        spread = masked_mean(among_positives[:, None] - x, pairs.positive)
        return torch.where(some, spread + softplus(among_negatives - among_positives), 0)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺, which may be below 0, and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of S/τ over the negatives."""
        return SoftmaxForm(Line(1 / self.temperature), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = (1/|P| − (1 − q) softmax_P(S/τ)) / τ and c = q / τ."""
        x, some = positives.similarity / self.temperature, positives.mask.any(1)
        q = torch.sigmoid(log_total - masked_logsumexp(x, positives.mask).masked_fill(~some, 0))[:, None]
        share = masked_softmax(x, positives.mask)
        pull = torch.where(positives.mask, (1 / positives.count[:, None] - share) + q * share, 0)
        return pull / self.temperature, torch.where(some, q[:, 0], 0) / self.temperature

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        temperature = v.parameter(r"\tau", "temperature", self.temperature)
        total = v.over_positives(v.exp(v.s_p / temperature)) + v.over_negatives(v.exp(v.s_n / temperature))
        return v.log(total) - v.over_positives(v.s_p / temperature) / v.positives
