"""power: the k-th power of linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction, hardness
from weightlab.assignment.functions.linear import Linear
from weightlab.errors import check_number

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
        check_number("power's k", self.k, 0, 1000)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The k-th power of `linear`."""
        return Linear()(s, side) ** self.k

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """2/(k + 1) · ((1 + h)/2)^(k + 1)."""
        return 2 / (self.k + 1) * ((1 + hardness(s, sign)) / 2).clamp(min=0) ** (self.k + 1)
