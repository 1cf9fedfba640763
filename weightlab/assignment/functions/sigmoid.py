"""sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import LARGEST, Side, WeightFunction, direction, hardness
from weightlab.forms.stable import softplus
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Sigmoid(WeightFunction):
    """w = σ(b(s−t)) for a negative, σ(−b(s−t)) for a positive.

    b: how steep, 0 to 10³⁰.
    t: the similarity in [−1, 1] at which w is 1/2.
    """

    b: float
    t: float

    name: ClassVar[str] = "sigmoid"

    def __post_init__(self) -> None:
        self.make_plain("b", 0, LARGEST)
        self.make_plain("t", -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1/2 at s = t, growing with hardness from 0 to 1."""
        if not self.fits(side.sign):
            return self.log(s, side).exp().to(s.dtype)
        return torch.sigmoid(side.direction * self.b * (s - self.t))

    def log(self, s: Tensor, side: Side) -> Tensor:
        """log σ."""
        return torch.nn.functional.logsigmoid(side.direction * self.b * (s.double() - self.t))

    def span(self, sign: Sign) -> tuple[float, float]:
        """Down to e^x at the easiest similarity, x = −b(1 ± t), and up to 1."""
        return min(-0.7, -self.b * (1 + direction(sign) * self.t)) - 0.7, 0.0

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """The difference of two log(1 + e^x) by b, by its logarithm where they are near one another."""
        h, t = hardness(s, sign), direction(sign) * self.t
        width = self.b * (1 + h)
        if self.b == 0:
            return (1 + h) / 2
        start = h.new_tensor(self.b * (-1 - t))
        near = (start.sigmoid() * width.clamp(max=1).expm1()).log1p()
        return torch.where(width < 1, near, softplus(self.b * (h - t)) - softplus(start)) / self.b
