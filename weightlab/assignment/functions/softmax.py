"""softmax: the hardest of an anchor's pairs, softly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.errors import check_number
from weightlab.forms.stable import masked_softmax

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Softmax(WeightFunction):
    """w = e^{bs} normalised over the anchor's negatives, e^{−bs} over its positives.

    b: how steep, ≥ 0.
    """

    b: float

    name: ClassVar[str] = "softmax"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("softmax's b", self.b, 0)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Weights that sum to 1 for each anchor that has pairs of the sign."""
        return masked_softmax(side.direction * self.b * s, side.mask)
