"""window: only similarities between two limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Window(WeightFunction):
    """w = 1[a < s < b], for either sign: for negatives, also discard the hardest.

    a, b: the limits, in [−1, 1], a below b.
    """

    a: float
    b: float

    name: ClassVar[str] = "window"

    def __post_init__(self) -> None:
        self.make_plain("a", -1, 1)
        self.make_plain("b", -1, 1)
        if self.a >= self.b:
            raise InputError(f"{self} is empty: a must be below b")

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 inside the window, else 0."""
        return ((s > self.a) & (s < self.b)).to(s.dtype)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """How much of the window lies between the easiest similarity and s."""
        inside = s.clamp(self.a, self.b)
        return inside - self.a if sign == "negative" else self.b - inside

    @property
    def zero_up_to(self) -> float:
        """The lower limit."""
        return self.a
