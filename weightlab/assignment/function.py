"""What every weight function w(s) offers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from weightlab.assignment.quadrature import trapezoids
from weightlab.errors import InputError, check_number
from weightlab.forms import Form, PointwiseForm
from weightlab.forms.band import least_positive
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign

__all__ = ["EASIEST", "LARGEST", "Side", "WeightFunction", "direction", "hardness", "number"]

LARGEST = 1e30  # a weight: sums over 10⁸ pairs then fit float32
EASIEST = -17.4  # log of the least (1 + s)/2 above 0 of a float32 similarity
_HIGHEST = math.log(LARGEST) + 1e-9
_LOWEST = -85.0  # e^−87 is the least number that float32 keeps all digits of
_GRID = 2001


@dataclass(frozen=True)
class Side:
    """Which pairs of an anchor a function weighs.

    mask: bool [B, R], the pairs of one sign.
    sign: which sign that is.
    positive: of negatives, bool [B, R], the anchor's positives; None where it has none.
    """

    mask: Tensor
    sign: Sign
    positive: Tensor | None = None

    @property
    def direction(self) -> int:
        """Where "hard" is: +1 for negatives (a high s), −1 for positives (a low s)."""
        return direction(self.sign)

    def hardest_positive(self, function: WeightFunction, s: Tensor) -> Tensor:
        """min_P S, [B], for a function of negatives; +∞ without positives. Raises InputError for positives."""
        if self.sign == "positive":
            raise InputError(function.for_negatives)
        return s.new_full((len(s),), torch.inf) if self.positive is None else least_positive(s, self.positive)


@dataclass(frozen=True)
class WeightFunction(ABC):
    """w(s): a frozen dataclass whose fields are its parameters; a weight ≥ 0 for each pair.

    "Hard" is a high s for a negative and a low s for a positive, so most functions read the hardness h = s (negative)
    or h = −s (positive), and thresholds in the same direction.

    name: as its text begins.
    relative: whether a weight depends on the anchor's other pairs too (else on the pair's own similarity alone).
    negatives_only: whether it weighs negatives alone.
    picks: how many times it picks some among pairs that may be equally hard.
    """

    name: ClassVar[str]
    relative: ClassVar[bool] = False
    negatives_only: ClassVar[bool] = False
    picks: ClassVar[int] = 0

    def make_plain(
        self, name: str, low: float = -math.inf, high: float = math.inf, *, above: float = -math.inf
    ) -> None:
        """Make a parameter a plain float, whatever number it was given as. Raises InputError as `check_number` does."""
        value = check_number(f"{self.name}'s {name}", getattr(self, name), low, high, above=above)
        object.__setattr__(self, name, value)

    @abstractmethod
    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The weights of similarities, [B, R] → [B, R]; what is off the side's mask is ignored."""

    def __str__(self) -> str:
        """The text that `parse` reads back: name, or name(a, b) where a parameter is not at its default."""
        numbers = [getattr(self, field.name) for field in fields(self)]
        if numbers == [field.default for field in fields(self)]:
            return self.name
        return f"{self.name}({', '.join(map(number, numbers))})"

    @classmethod
    def read(cls, points: Sequence[tuple[float, ...]]) -> Self:
        """The function that a text writes as name(points): (x,) for a number, (x, y) for a point x:y.

        Raises InputError for points x:y, for too few or too many numbers, and for one out of range.
        """
        if any(len(point) > 1 for point in points):
            raise InputError(f"{cls.name} wants plain numbers; only spline takes points x:y")
        known = fields(cls)
        needed = sum(field.default is MISSING for field in known)
        if not needed <= len(points) <= len(known):
            form = f"{cls.name}({', '.join(field.name for field in known)})" if known else cls.name
            raise InputError(f"{cls.name} got {len(points)} number(s): write {form}")
        return cls(*(x for (x,) in points))

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """∫ w from the easiest similarity (h = −1) to s, for similarities of any shape.

        By the trapezoid rule unless a function has a formula. Raises InputError for a relative function: its weight is
        no function of s alone.
        """
        if self.relative:
            raise InputError(f"{self} looks at the anchor's other pairs: it has no integral over similarity")
        return trapezoids(lambda h: self(hardness(h, sign), Side(torch.ones_like(h).bool(), sign)), hardness(s, sign))

    @property
    def form(self) -> Form | None:
        """The form of the negatives' weights; None where there is none."""
        if self.relative:
            return None
        return PointwiseForm(
            partial(self.of, sign="positive"), partial(self.of, sign="negative"), False, self.zero_up_to
        )

    def form_times(self, factor: WeightFunction) -> Form | None:
        """Of a relative function the form of the negatives' weights, times `factor`, which is not relative; or None."""
        return None

    def of(self, s: Tensor, sign: Sign) -> Tensor:
        """The weights of pairs of one sign, of any shape; of a function that is not relative."""
        return self(s, Side(torch.ones_like(s, dtype=torch.bool), sign))

    @property
    def for_negatives(self) -> str:
        """What is wrong with one for negatives alone, given for positives."""
        return f"{self} is for negatives alone: it compares them with the anchor's hardest positive"

    def log(self, s: Tensor, side: Side) -> Tensor:
        """log w in float64, [B, R] → [B, R], −∞ where w is 0: what is left of weights that float32 can't hold."""
        return self(s.double(), side).log()

    def exponent(self, s: Tensor, sign: Sign) -> Tensor | None:
        """log w in float64 up to what all of an anchor's pairs share, of pairs of one sign, of any shape.

        None for a function whose weights are not known so far by the pair's own similarity.
        """
        return None if self.relative else self.log(s, Side(torch.ones_like(s, dtype=torch.bool), sign))

    def span(self, sign: Sign) -> tuple[float, float]:
        """log of the least weight above 0 and of the largest, over all similarities of float32: bounds, both finite.

        Of a function that is 0 everywhere (0, −∞).
        """
        return 0.0, 0.0

    def fits(self, sign: Sign, *, counted: bool = False) -> bool:
        """Whether weights, and sums of them, are computed in float32 without over- or underflow.

        counted: how many are not 0 is asked too: what is lost to no sum may be lost to that.
        """
        low, high = self.span(sign)
        return low >= _LOWEST and high <= _HIGHEST

    def check_largest(self, sign: Sign) -> None:
        """Raise InputError where a weight can be above 10³⁰, so that float32 can't hold sums of such."""
        high = self.span(sign)[1]
        if high > _HIGHEST and not self.relative:  # bounds of factors may lie at different similarities
            grid = torch.linspace(-1, 1, _GRID, dtype=torch.float64)
            high = float(self.log(grid[None], Side(torch.ones(1, _GRID, dtype=torch.bool), sign)).max())
        if high > _HIGHEST:
            raise InputError(
                f"{self} reaches {_power_of_ten(high)} for a {sign}: at most {LARGEST:g}, as sums of such weights "
                "overflow; scale 'mass' takes any"
            )

    @property
    def closed_form(self) -> bool:
        """Whether `area` is a formula, not quadrature."""
        return type(self).area is not WeightFunction.area

    @property
    def zero_up_to(self) -> float:
        """A similarity up to which, itself included, every negative has a weight of exactly 0; −∞ if none is known."""
        return -math.inf


def direction(sign: Sign) -> int:
    """Where "hard" is for a sign: +1 for negatives (a high s), −1 for positives (a low s)."""
    return 1 if sign == "negative" else -1


def hardness(s: Tensor, sign: Sign) -> Tensor:
    """h = s for negatives, −s for positives; and as it is its own inverse, s from h."""
    return s if sign == "negative" else -s


def _power_of_ten(log: float) -> str:
    return f"1e{log / math.log(10):+.0f}"


def number(x: float) -> str:
    """The shortest text that reads back as exactly x."""
    x = float(x)
    short = f"{x:g}"
    return short if float(short) == x else repr(x)
