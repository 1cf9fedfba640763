"""What every weight function w(s) offers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from weightlab.assignment.quadrature import trapezoids
from weightlab.errors import InputError
from weightlab.forms import Form, PointwiseForm
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign

__all__ = ["Side", "WeightFunction", "direction", "hardness", "number"]


@dataclass(frozen=True)
class Side:
    """Which pairs of an anchor a function weighs.

    mask: bool [B, R], the pairs of one sign.
    sign: which sign that is.
    """

    mask: Tensor
    sign: Sign

    @property
    def direction(self) -> int:
        """Where "hard" is: +1 for negatives (a high s), −1 for positives (a low s)."""
        return direction(self.sign)


@dataclass(frozen=True)
class WeightFunction(ABC):
    """w(s): a frozen dataclass whose fields are its parameters; a weight ≥ 0 for each pair.

    "Hard" is a high s for a negative and a low s for a positive, so most functions read the hardness h = s (negative)
    or h = −s (positive), and thresholds in the same direction.

    name: as its text begins.
    relative: whether a weight depends on the anchor's other pairs of the sign too (else on the pair's own similarity
        alone).
    """

    name: ClassVar[str]
    relative: ClassVar[bool] = False

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


def number(x: float) -> str:
    """The shortest text that reads back as exactly x."""
    x = float(x)
    short = f"{x:g}"
    return short if float(short) == x else repr(x)
