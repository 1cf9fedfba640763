"""Neighbourhood components analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_softmax, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class NCA:
    """L = −log( Σ_P e^{tS} / Σ_{P∪N} e^{tS} ) = log(1 + Σ_N e^{tS} / Σ_P e^{tS}).

    With h = σ(LSE_N(tS) − LSE_P(tS)): w⁺ = t h softmax_P(tS) and w⁻ = t h softmax_N(tS). The closest positive gets
    the most weight, unlike in all the losses that pull the farthest.

    scale: t in [10⁻⁴, 10⁴].

    An anchor without positives or without negatives has loss 0.

    Source: Goldberger et al. 2005, eq. 6 with the log of the probability (their KL form), on cosine similarities.
    pytorch-metric-learning's NCALoss has −d² in place of S: on normalised embeddings its scale t is 2t here.
    """

    scale: float = parameter(1.0, *SCALE)

    name: ClassVar[str] = "nca"
    source: ClassVar[str] = "Goldberger et al. 2005"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        scaled = self.scale * pairs.precise
        return softplus(self._odds(masked_logsumexp(scaled, pairs.positive), masked_logsumexp(scaled, pairs.negative)))

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of tS over the negatives."""
        return SoftmaxForm(Line(self.scale), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = t h softmax_P(tS) and c = t h."""
        scaled = self.scale * positives.similarity
        odds = self._odds(masked_logsumexp(scaled, positives.mask), log_total)
        unfinished = self.scale * torch.sigmoid(odds)
        return unfinished[:, None] * masked_softmax(scaled, positives.mask), unfinished

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t = v.parameter("t", "scale", self.scale)
        among_positives = v.over_positives(v.exp(t * v.s_p))
        return v.log(among_positives + v.over_negatives(v.exp(t * v.s_n))) - v.log(among_positives)

    def _odds(self, among_positives: Tensor, among_negatives: Tensor) -> Tensor:
        """log Σ_N e^{tS} − log Σ_P e^{tS}; −∞ without positives too."""
        none = among_positives == -torch.inf
        return (among_negatives - among_positives.masked_fill(none, 0)).masked_fill(none, -torch.inf)
