"""Lifted structure loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_softmax
from weightlab.losses.bounds import check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class Lifted:
    """L = (log Σ_P e^{−S} + log Σ_N e^{S} + m)₊, with w⁺ = softmax_P(−S) and w⁻ = softmax_N(S), 0 if the hinge is shut.

    margin: m in [−10, 10].

    An anchor without positives or without negatives has loss 0: the logarithm is −∞.

    Source: Song et al. 2016 in the generalised form of Hermans, Beyer, Leibe 2017, eq. 7, with the distance replaced
    by −S. The hinge is never shut at m = 0 with more than e² negatives. pytorch-metric-learning's
    GeneralizedLiftedStructureLoss with CosineSimilarity has m = pos_margin − neg_margin, and takes the logarithm of an
    empty sum as 0.
    """

    margin: float = parameter(0.0, -10, 10)

    name: ClassVar[str] = "lifted"
    source: ClassVar[str] = "Song et al. 2016; generalised form: Hermans et al. 2017"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        s = pairs.precise
        spread = masked_logsumexp(-s, pairs.positive) + masked_logsumexp(s, pairs.negative)
        return (spread + self.margin).relu()

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = e^{−S}/Σ_P e^{−S}, w⁻ = e^{S}/Σ_N e^{S} where the hinge is open, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of S over the negatives."""
        return SoftmaxForm(Line(1.0), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = softmax_P(−S) and c = 1 where the hinge is open, else 0."""
        s = positives.similarity
        is_open = (masked_logsumexp(-s, positives.mask) + log_total + self.margin > 0).to(s.dtype)
        return is_open[:, None] * masked_softmax(-s, positives.mask), is_open

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        m = v.parameter("m", "margin", self.margin)
        return v.hinge(v.log(v.over_positives(v.exp(-v.s_p))) + v.log(v.over_negatives(v.exp(v.s_n))) + m)
