"""linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import EASIEST, Side, WeightFunction, hardness

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Linear(WeightFunction):
    """w = (1 + h)/2: (1 + s)/2 for a negative, (1 − s)/2 for a positive."""

    name: ClassVar[str] = "linear"

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """From 0 for the easiest to 1 for the hardest similarity there is."""
        return ((1 + hardness(s, side.sign)) / 2).clamp(0, 1)  # a cosine may stray past ±1 by rounding

    def span(self, sign: Sign) -> tuple[float, float]:
        """Up to 1."""
        return EASIEST, 0.0

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """((1 + h)/2)²."""
        return ((1 + hardness(s, sign)) / 2) ** 2
