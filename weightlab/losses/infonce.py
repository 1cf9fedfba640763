"""InfoNCE loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.softmax import SoftmaxForm
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.losses.n_pair import NPair
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class InfoNCE:
    """L = mean_P −log( e^{S_p/τ} / (e^{S_p/τ} + Σ_N e^{S_n/τ}) ) = mean_P log(1 + Σ_N e^{(S_n − S_p)/τ}).

    The second form is `n-pair` at scale 1/τ: the same function, and so the same weights, which it computes here.

    temperature: τ in [10⁻⁴, 10⁴].

    Source: van den Oord, Li, Vinyals 2018, eq. 4, on cosine similarities (NT-Xent, Chen et al. 2020). pytorch-metric-
    learning's NTXentLoss is the same for each positive pair and averages over all of them; its default is τ = 0.07.
    """

    temperature: float = parameter(0.1, *SCALE)

    name: ClassVar[str] = "infonce"
    source: ClassVar[str] = "van den Oord et al. 2018; NT-Xent"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]; 0 without positives or without negatives."""
        return self._n_pair.value(pairs)

    def weights(self, pairs: Pairs) -> PairWeights:
        """Those of `n-pair` at scale 1/τ, [B, R]."""
        return self.form.weights(pairs)

    @property
    def form(self) -> SoftmaxForm:
        """That of `n-pair` at scale 1/τ."""
        return self._n_pair.form

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        temperature = v.parameter(r"\tau", "temperature", self.temperature)
        rivals = v.over_negatives(v.exp((v.s_n - v.s_p) / temperature))
        return v.over_positives(v.log(1 + rivals)) / v.positives

    @property
    def _n_pair(self) -> NPair:
        return NPair(1 / self.temperature)
