"""top: the hardest of an anchor's pairs, counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction, hardness, number
from weightlab.errors import InputError
from weightlab.forms import HardestForm
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Top(WeightFunction):
    """w = 1 for the anchor's k hardest pairs of the sign; all of them where there are fewer than k.

    k: how many, a whole number of 1 to 10⁹.
    """

    k: int

    name: ClassVar[str] = "top"
    relative: ClassVar[bool] = True
    picks: ClassVar[int] = 1

    def __post_init__(self) -> None:
        self.make_plain("k", 1, 1e9)
        if self.k != int(self.k):
            raise InputError(f"top's k must be a whole number, not {number(self.k)}")
        object.__setattr__(self, "k", int(self.k))

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for k pairs, else 0; which of equally hard ones is not said."""
        h = hardness(s, side.sign).masked_fill(~side.mask, -torch.inf)
        columns = h.topk(min(self.k, s.shape[1]), dim=1).indices
        return torch.zeros_like(s).scatter_(1, columns, 1)

    @property
    def form(self) -> HardestForm:
        """The k hardest negatives."""
        return HardestForm(self.k)

    def form_times(self, factor: WeightFunction) -> HardestForm:
        """The same, each with a function of its similarity for its weight."""
        return HardestForm(self.k, partial(factor.of, sign="negative"))
