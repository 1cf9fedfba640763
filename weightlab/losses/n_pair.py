"""N-pair loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.positives import Positives
from weightlab.forms.softmax import Line, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class NPair:
    """L = mean_P log(1 + Σ_N e^{t(S_n − S_p)}).

    With h_p = σ(log Σ_N e^{tS_n} − t S_p), how far positive p is from done: w⁺ = t h_p / |P| and
    w⁻ = t (mean_P h_p) softmax_N(tS).

    scale: t in [10⁻⁴, 10⁴].

    N-pair at scale t is `infonce` at temperature 1/t: the same function.

    Source: Sohn 2016, eq. 6 (one positive an anchor; here the mean over them), with cosine similarities for inner
    products. pytorch-metric-learning has it as NTXentLoss(temperature=1/t); its NPairsLoss takes one positive a class
    and unnormalised embeddings.
    """

    scale: float = parameter(1.0, *SCALE)

    name: ClassVar[str] = "n-pair"
    source: ClassVar[str] = "Sohn 2016"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; 0 without positives or without negatives."""
        positives = Positives.of(pairs)
        among_negatives = masked_logsumexp(self.scale * pairs.precise, pairs.negative)
        return softplus(among_negatives[:, None] - self.scale * positives.similarity).sum(1) / positives.count

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ and w⁻ as above, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of tS over the negatives."""
        return SoftmaxForm(Line(self.scale), self.masses)

    def masses(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺ = t h_p / |P| and c = t mean_P h_p."""
        unfinished = torch.sigmoid(log_total[:, None] - self.scale * positives.similarity)
        pull = self.scale * unfinished / positives.count[:, None]
        return pull, pull.sum(1)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t = v.parameter("t", "scale", self.scale)
        rivals = v.over_negatives(v.exp(t * (v.s_n - v.s_p)))
        return v.over_positives(v.log(1 + rivals)) / v.positives
