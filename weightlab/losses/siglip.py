"""Sigmoid loss for pre-training (SigLIP)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.stable import masked_sum, softplus
from weightlab.lazy import torch
from weightlab.losses.bounds import SCALE, check_ranges, parameter
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary


@dataclass(frozen=True)
class SigLIP:
    """L = Σ_P log(1 + e^{−(tS + b)}) + Σ_N log(1 + e^{tS + b}).

    w⁺ = t σ(−(tS + b)) and w⁻ = t σ(tS + b): by its own similarity alone.

    scale: t in [10⁻⁴, 10⁴].
    bias: b in [−10⁴, 10⁴].

    Both are learned in the paper; these are its initial values.

    Source: Zhai et al. 2023, eq. 1. pytorch-metric-learning does not have it.
    """

    scale: float = parameter(10.0, *SCALE)
    bias: float = parameter(-10.0, -1e4, 1e4)

    name: ClassVar[str] = "siglip"
    source: ClassVar[str] = "Zhai et al. 2023"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_ranges(self)

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B]."""
        logit = self.scale * pairs.precise + self.bias
        return masked_sum(softplus(-logit), pairs.positive) + masked_sum(softplus(logit), pairs.negative)

    def weights(self, pairs: Pairs) -> PairWeights:
        """w⁺ = t σ(−(tS + b)), w⁻ = t σ(tS + b), [B, R]."""
        return self.form.weights(pairs)

    def positive_weight(self, s: Tensor) -> Tensor:
        """w⁺ at s."""
        return self.scale * torch.sigmoid(-(self.scale * s + self.bias))

    def negative_weight(self, s: Tensor) -> Tensor:
        """w⁻ at s."""
        return self.scale * torch.sigmoid(self.scale * s + self.bias)

    @property
    def form(self) -> PointwiseForm:
        """Functions of a pair's own similarity."""
        return PointwiseForm(self.positive_weight, self.negative_weight)

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor, in SymPy."""
        t, b = v.parameter("t", "scale", self.scale), v.parameter("b", "bias", self.bias)
        return v.over_positives(v.softplus(-(t * v.s_p + b))) + v.over_negatives(v.softplus(t * v.s_n + b))
