"""step: discard easy pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction, direction, hardness
from weightlab.forms.stable import above, below

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Step(WeightFunction):
    """Discard easy: w = 1[s > t] for a negative, 1[s < t] for a positive.

    t: the similarity in [−1, 1] from which a pair is hard.
    """

    t: float

    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        self.make_plain("t", -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the hard pairs, else 0."""
        return above(s, self.t) if side.sign == "negative" else below(s, self.t)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """(s − t)₊ for a negative, (t − s)₊ for a positive."""
        return (hardness(s, sign) - direction(sign) * self.t).relu()

    @property
    def zero_up_to(self) -> float:
        """The threshold."""
        return self.t
