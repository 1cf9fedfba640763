"""below: drop likely false negatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.forms import BandForm

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Below(WeightFunction):
    """w = 1[s < min_P S − m], for negatives alone: a negative nearer than that is likely a positive without its label.

    An anchor without positives keeps all its negatives, as the minimum over nothing is +∞.

    m: how far below the anchor's hardest positive, 0 to 2.

    Source: the false-negative filter of text retrievers, such as Moreira et al. 2024 (NV-Retriever), section 3.
    """

    m: float

    name: ClassVar[str] = "below"
    relative: ClassVar[bool] = True
    negatives_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.make_plain("m", 0, 2)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the negatives that are kept, else 0. Raises InputError for positives."""
        return self.form.weigh(s, side.hardest_positive(self, s)[:, None])

    @property
    def form(self) -> BandForm:
        """The band from m below the hardest positive on."""
        return BandForm(self.m)

    def form_times(self, factor: WeightFunction) -> BandForm:
        """The same, each with a function of its similarity for its weight."""
        return BandForm(self.m, factor=partial(factor.of, sign="negative"))
