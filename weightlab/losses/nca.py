"""Neighbourhood components analysis."""

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
class NCA:
    """L = −log( Σ_P e^{tS} / Σ_{P∪N} e^{tS} ) = log(1 + Σ_N e^{tS} / Σ_P e^{tS}).

    With h = σ(LSE_N(tS) − LSE_P(tS)): w⁺ = t h softmax_P(tS) and w⁻ = t h softmax_N(tS). The closest positive gets
    the most weight, unlike in all the losses that pull the farthest.

    scale: t > 0. An anchor without positives or without negatives has loss 0.

    Source: Goldberger et al. 2005, eq. 6 with the log of the probability (their KL form), on cosine similarities.
    pytorch-metric-learning's NCALoss has −d² in place of S: on normalised embeddings its scale t is 2t here.
    """

    scale: float = 1.0

    name: ClassVar[str] = "nca"
    source: ClassVar[str] = "Goldberger et al. 2005"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("scale", self.scale, above=0)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        return softplus(self._odds(pairs))

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        unfinished, scaled = self.scale * torch.sigmoid(self._odds(pairs))[:, None], self.scale * pairs.precise
        return PairWeights(
            positive=unfinished * masked_softmax(scaled, pairs.positive),
            negative=unfinished * masked_softmax(scaled, pairs.negative),
        )

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t = v.parameter("t", self.scale)
        return v.log(1 + v.over_negatives(v.exp(t * v.s_n)) / v.over_positives(v.exp(t * v.s_p)))

    def _odds(self, pairs: Pairs) -> Tensor:
        """log Σ_N e^{tS} − log Σ_P e^{tS}; −∞ without positives too."""
        scaled = self.scale * pairs.precise
        among_positives = masked_logsumexp(scaled, pairs.positive)
        among_negatives = masked_logsumexp(scaled, pairs.negative)
        return torch.where(pairs.positive.any(1), among_negatives - among_positives, -torch.inf)
