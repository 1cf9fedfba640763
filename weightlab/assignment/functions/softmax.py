"""softmax: the hardest of an anchor's pairs, softly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import LARGEST, Side, WeightFunction, direction
from weightlab.forms import Line, Positives, SoftmaxForm
from weightlab.forms.stable import masked_logsumexp, masked_softmax
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Softmax(WeightFunction):
    """w = e^{bs} normalised over the anchor's negatives, e^{−bs} over its positives.

    b: how steep, 0 to 10³⁰.
    """

    b: float

    name: ClassVar[str] = "softmax"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.make_plain("b", 0, LARGEST)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Weights that sum to 1 for each anchor that has pairs of the sign."""
        return masked_softmax(side.direction * self.b * s, side.mask)

    def log(self, s: Tensor, side: Side) -> Tensor:
        """The exponent less the logarithm of the anchor's sum."""
        exponent = self.exponent(s, side.sign)
        total = masked_logsumexp(exponent, side.mask)[..., None]
        return torch.where(total > -torch.inf, exponent - total, -torch.inf)

    def exponent(self, s: Tensor, sign: Sign) -> Tensor:
        """bs or −bs: the anchor's sum is what its pairs share."""
        return direction(sign) * self.b * s.double()

    def span(self, sign: Sign) -> tuple[float, float]:
        """Of the hardest pair beside 10⁸ easiest ones, or the reverse."""
        return -2 * self.b - 20, 0.0

    def fits(self, sign: Sign, *, counted: bool = False) -> bool:
        """Alone its sums do, being those of shares of the largest."""
        return not counted or super().fits(sign)

    @property
    def form(self) -> SoftmaxForm:
        """A softmax of bS over the negatives, all of which together have weight 1."""
        return SoftmaxForm(Line(self.b), _masses)

    def form_times(self, factor: WeightFunction) -> SoftmaxForm:
        """The same, each weight times a function of the negative's similarity."""
        return SoftmaxForm(Line(self.b), _masses, partial(factor.of, sign="negative"), factor_falls=True)


def _masses(positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
    """No w⁺, and c = 1."""
    return torch.where(positives.mask, 0, torch.zeros_like(log_total)[:, None]), torch.ones_like(log_total)
