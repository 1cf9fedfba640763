"""exponential."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction, direction, hardness

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Exponential(WeightFunction):
    """w = e^{b(s−t)} for a negative, e^{−b(s−t)} for a positive.

    b: how steep, 0 to 40.
    t: the similarity in [−1, 1] at which w is 1.
    """

    b: float
    t: float

    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        self.make_plain("b", 0, 40)
        self.make_plain("t", -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 at s = t, growing with hardness."""
        return (side.direction * self.b * (s - self.t)).exp()

    def log(self, s: Tensor, side: Side) -> Tensor:
        """b(s−t) or −b(s−t)."""
        return side.direction * self.b * (s.double() - self.t)

    def span(self, sign: Sign) -> tuple[float, float]:
        """What it is at ∓1."""
        t = direction(sign) * self.t
        return -self.b * (1 + t), self.b * (1 - t)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """w at the easiest similarity · (e^{b(1 + h)} − 1)/b; 1 + h for b = 0."""
        width = 1 + hardness(s, sign)
        if self.b == 0:
            return width
        easiest = math.exp(self.b * (-1 - direction(sign) * self.t))
        return easiest * (self.b * width).expm1() / self.b
