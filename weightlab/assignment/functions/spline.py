"""spline: any curve, drawn through points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, ClassVar, Self

from weightlab.assignment.function import EASIEST, LARGEST, Side, WeightFunction, direction, number
from weightlab.errors import InputError, check_number, shown
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator, PPoly
    from torch import Tensor

    from weightlab.pairs import Sign


_NEAREST = 1e-6


@dataclass(frozen=True)
class Spline(WeightFunction):
    """w = a monotone cubic (PCHIP, Fritsch and Butland 1984), the same for either sign; constant beyond its points.

    points: two (x, y) or more, x in [−1, 1] and rising by 10⁻⁶ at least, as float32 tells no closer ones apart; y from
        0 to 10³⁰.
    """

    points: tuple[tuple[float, float], ...]

    name: ClassVar[str] = "spline"

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(_plain(each) for each in _listed(self.points, "two points or more")))
        xs = [x for x, _ in self.points]
        if len(xs) < 2 or any(a >= b for a, b in pairwise(xs)):
            raise InputError(f"{self}: a spline wants two points or more, in rising order of x")
        if any(b - a < _NEAREST for a, b in pairwise(xs)):
            raise InputError(f"{self}: a spline's points must be {_NEAREST:g} apart, or more")

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The spline at s."""
        within = s.double().clamp(self.points[0][0], self.points[-1][0])  # float32 has other ends: steep ones feel it
        return _at(self._cubic(), within).clamp(min=0).to(s.dtype)

    def __str__(self) -> str:
        return f"spline({', '.join(f'{number(x)}:{number(y)}' for x, y in self.points)})"

    @classmethod
    def read(cls, points: Sequence[tuple[float, ...]]) -> Self:
        """The spline through points (x, y). Raises InputError for plain numbers, and as the class does."""
        if any(len(point) != 2 for point in points):
            raise InputError("spline wants points x:y, such as spline(-1:0, 0.5:1)")
        return cls(tuple((x, y) for x, y in points))

    def span(self, sign: Sign) -> tuple[float, float]:
        """Of its points, and beside one at 0 of the cubic there."""
        ys = [y for _, y in self.points if y > 0]
        if not ys:
            return 0.0, -math.inf
        near_zero = 3 * EASIEST if len(ys) < len(self.points) else 0.0
        return math.log(min(ys)) + near_zero, math.log(max(ys))

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """The difference of its antiderivative, a quartic between points and a line beyond them."""
        (first, low), (last, high) = self.points[0], self.points[-1]
        quartic = self._cubic().antiderivative()

        def antiderivative(x: Tensor) -> Tensor:
            beyond = low * (x - first).clamp(max=0) + high * (x - last).clamp(min=0)
            return _at(quartic, x.clamp(first, last)) + beyond

        side = direction(sign)
        return side * (antiderivative(s) - antiderivative(torch.full_like(s, -side)))

    @property
    def zero_up_to(self) -> float:
        """The last of the points at its beginning that are at 0; −∞ without, +∞ where all are."""
        zeros = [x for x, _ in takewhile(lambda point: point[1] == 0, self.points)]
        if len(zeros) == len(self.points):
            return math.inf
        return zeros[-1] if zeros else -math.inf

    def _cubic(self) -> PchipInterpolator:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(*np.array(self.points).T)


def _plain(point: object) -> tuple[float, float]:
    """A point as two plain floats, of lists or an array's row too."""
    pair = _listed(point, "points (x, y)")
    if len(pair) != 2:
        raise InputError(f"a spline wants points (x, y), not {shown(point)}")
    return check_number("spline's x", pair[0], -1, 1), check_number("spline's y", pair[1], 0, LARGEST)


def _listed(given: object, wanted: str) -> list[object]:
    """What a list, a tuple or an array holds."""
    values = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(values, list | tuple):
        raise InputError(f"a spline wants {wanted}, not {shown(given)}")
    return list(values)


def _at(polynomial: PPoly, x: Tensor) -> Tensor:
    """SciPy's piecewise polynomial at the tensor x, in float64 until the end: near points make large coefficients."""
    knots, coefficients = (torch.as_tensor(part, device=x.device) for part in (polynomial.x, polynomial.c))
    precise = x.double()
    piece = (torch.searchsorted(knots, precise.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    total, offset = torch.zeros_like(precise), precise - knots[piece]
    for coefficient in coefficients:
        total = total * offset + coefficient[piece]
    return total.to(x.dtype)
