"""Decoupled contrastive loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_mean
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class DecoupledContrastive:
    """L = mean_P( −S_p/τ ) + log Σ_N e^{S_n/τ}: InfoNCE without the positive in its denominator.

    w⁺ = 1/(τ|P|), a constant, and w⁻ = softmax_N(S/τ)/τ: neither fades as the anchor's pairs get easy.

    temperature: τ in [10⁻⁴, 10⁴].

    Without negatives the logarithm is left out; an anchor without positives has loss 0.

    Source: Yeh et al. 2022, eq. 6 (DCL, without the von Mises–Fisher weights of DCLW). pytorch-metric-learning does not
    have it.
    """

    temperature: float = parameter(0.1, *SCALE)

    name: ClassVar[str] = "decoupled-contrastive"
    source: ClassVar[str] = "Yeh et al. 2022"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; it has no lower bound of 0."""
        x = pairs.precise / self.temperature
        both = pairs.positive.any(1) & pairs.negative.any(1)
        return torch.where(both, masked_logsumexp(x, pairs.negative), 0) - masked_mean(x, pairs.positive)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = 1/(τ|P|), w⁻ = softmax_N(S/τ)/τ, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of S/τ over the negatives."""
        return SoftmaxForm(Line(1 / self.temperature), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = 1/(τ|P|) and c = 1/τ, 0 without positives."""
        weight = positives.mask.to(log_total.dtype) / self.temperature
        return weight / positives.count[:, None], positives.mask.any(1).to(log_total.dtype) / self.temperature

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        temperature = v.parameter(r"\tau", "temperature", self.temperature)
        pull = v.over_positives(v.s_p / temperature) / v.positives
        return v.log(v.over_negatives(v.exp(v.s_n / temperature))) - pull
