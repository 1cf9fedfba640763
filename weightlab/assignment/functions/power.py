"""power: the k-th power of linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import EASIEST, Side, WeightFunction, hardness
from weightlab.assignment.functions.linear import Linear
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Power(WeightFunction):
    """w = ((1 + s)/2)^k for a negative, ((1 − s)/2)^k for a positive.

    k: the exponent, 0 to 1000.
    """

    k: float

    name: ClassVar[str] = "power"

    def __post_init__(self) -> None:
        self.make_plain("k", 0, 1000)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The k-th power of `linear`; a high one by its logarithm, as a base that is off by 10⁻⁷ costs k times that."""
        if not self.fits(side.sign):
            return self.log(s, side).exp().to(s.dtype)
        return Linear()(s, side) ** self.k

    def log(self, s: Tensor, side: Side) -> Tensor:
        """k log of `linear`."""
        if self.k == 0:
            return torch.zeros_like(s, dtype=torch.float64)
        return self.k * Linear().log(s, side)

    def span(self, sign: Sign) -> tuple[float, float]:
        """k times that of `linear`."""
        return self.k * EASIEST, 0.0

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """2/(k + 1) · ((1 + h)/2)^(k + 1)."""
        return 2 / (self.k + 1) * ((1 + hardness(s, sign)) / 2).clamp(min=0) ** (self.k + 1)
