"""easy: keep only easy pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction, direction, hardness

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Easy(WeightFunction):
    """Keep only easy: w = 1[s ≤ t] for a negative, 1[s ≥ t] for a positive.

    t: the similarity in [−1, 1] up to which a pair is easy.
    """

    t: float

    name: ClassVar[str] = "easy"

    def __post_init__(self) -> None:
        self.make_plain("t", -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the easy pairs, else 0."""
        return ((s <= self.t) if side.sign == "negative" else (s >= self.t)).to(s.dtype)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """1 + h up to the threshold, and what it is there from there on."""
        return 1 + hardness(s, sign).clamp(max=direction(sign) * self.t)
