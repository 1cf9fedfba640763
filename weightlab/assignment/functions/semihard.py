"""semihard: negatives that are easier than the hardest positive, but hardly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.forms import BandForm

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SemiHard(WeightFunction):
    """w = 1[min_P S − m < s < min_P S], for negatives alone.

    An anchor without positives has no semi-hard negative, as the minimum over nothing is +∞.

    m: the margin, above 0 and at most 2.

    Source: Schroff et al. 2015 (FaceNet), section 3.2, with the anchor's hardest positive for the one of a triplet.
    """

    m: float

    name: ClassVar[str] = "semihard"
    relative: ClassVar[bool] = True
    negatives_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.make_plain("m", high=2, above=0)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the semi-hard negatives, else 0. Raises InputError for positives."""
        return self.form.weigh(s, side.hardest_positive(self, s)[:, None])

    @property
    def form(self) -> BandForm:
        """The band from the hardest positive to m below it."""
        return BandForm(0, self.m)

    def form_times(self, factor: WeightFunction) -> BandForm:
        """The same, each with a function of its similarity for its weight."""
        return BandForm(0, self.m, partial(factor.of, sign="negative"))
