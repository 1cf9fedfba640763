"""constant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import LARGEST, Side, WeightFunction, hardness
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Constant(WeightFunction):
    """w = c, with the integral c (1 + h).

    c: the weight of every pair, 0 to 10³⁰.
    """

    c: float = 1.0

    name: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        self.make_plain("c", 0, LARGEST)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """c for every pair."""
        return torch.full_like(s, self.c)

    def log(self, s: Tensor, side: Side) -> Tensor:
        """log c."""
        return torch.full_like(s, self.span(side.sign)[1], dtype=torch.float64)

    def span(self, sign: Sign) -> tuple[float, float]:
        """log c, and log c."""
        return (math.log(self.c), math.log(self.c)) if self.c > 0 else (0.0, -math.inf)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """c (1 + h)."""
        return self.c * (1 + hardness(s, sign))

    @property
    def zero_up_to(self) -> float:
        """+∞ for c = 0."""
        return math.inf if self.c == 0 else -math.inf
