"""Direct weight functions w(s): one frozen dataclass each.

A function is called with the similarities and a `Side` and gives a weight ≥ 0 for each pair. "Hard" is a high s for a
negative and a low s for a positive, so most functions read the hardness h = s (negative) or h = −s (positive). A
*relative* function also looks at the anchor's other pairs of the same sign.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from weightlab.errors import InputError, check_number
from weightlab.forms.stable import above, below, masked_softmax
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from scipy.interpolate import PPoly
    from torch import Tensor

__all__ = [
    "FUNCTIONS",
    "Constant",
    "Easy",
    "Exponential",
    "Linear",
    "Power",
    "Product",
    "Side",
    "Sigmoid",
    "Softmax",
    "Spline",
    "Step",
    "Sum",
    "Top",
    "WeightFunction",
    "Window",
    "piecewise",
]

Sign = Literal[1, -1]


@dataclass(frozen=True)
class Side:
    """Which pairs: mask [B, R] of one sign, and `sign`, +1 for negatives and −1 for positives."""

    mask: Tensor
    sign: Sign


class WeightFunction(Protocol):
    """w(s, side): similarities [B, R] to weights [B, R] (what is off the mask is ignored)."""

    @property
    def relative(self) -> bool:
        """Whether it looks at the anchor's other pairs of the sign."""
        ...

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The weights."""
        ...


@dataclass(frozen=True)
class Constant:
    """w = c, c ≥ 0."""

    c: float = 1.0
    name: ClassVar[str] = "constant"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("constant's c", self.c, 0)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """c for every pair."""
        return torch.full_like(s, self.c)

    def __str__(self) -> str:
        return self.name if self.c == 1 else _text(self)


@dataclass(frozen=True)
class Step:
    """Discard easy: 1[s > t] for a negative, 1[s < t] for a positive."""

    t: float
    name: ClassVar[str] = "step"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("step's t", self.t, -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the hard pairs, else 0."""
        return above(s, self.t) if side.sign > 0 else below(s, self.t)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Easy:
    """Keep only easy: 1[s ≤ t] for a negative, 1[s ≥ t] for a positive."""

    t: float
    name: ClassVar[str] = "easy"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("easy's t", self.t, -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for the easy pairs, else 0."""
        return ((s <= self.t) if side.sign > 0 else (s >= self.t)).to(s.dtype)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Window:
    """1[a < s < b], for either sign: for negatives, also discard the hardest."""

    a: float
    b: float
    name: ClassVar[str] = "window"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("window's a", self.a, -1, 1)
        check_number("window's b", self.b, -1, 1)
        if self.a >= self.b:
            raise InputError(f"window({self.a:g}, {self.b:g}) is empty: a must be below b")

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 inside the window, else 0."""
        return ((s > self.a) & (s < self.b)).to(s.dtype)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Linear:
    """(1 + s)/2 for a negative, (1 − s)/2 for a positive."""

    name: ClassVar[str] = "linear"
    relative: ClassVar[bool] = False

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """From 0 for the easiest to 1 for the hardest similarity there is."""
        return _hardness(s, side)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Power:
    """((1 + s)/2)^k for a negative, ((1 − s)/2)^k for a positive; k ≥ 0."""

    k: float
    name: ClassVar[str] = "power"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("power's k", self.k, 0, 1000)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The k-th power of `linear`."""
        return _hardness(s, side) ** self.k

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Exponential:
    """e^{b(s−t)} for a negative, e^{−b(s−t)} for a positive; 0 ≤ b ≤ 40, so that it stays inside float32."""

    b: float
    t: float
    name: ClassVar[str] = "exponential"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("exponential's b", self.b, 0, 40)
        check_number("exponential's t", self.t, -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 at s = t, growing with hardness."""
        return (side.sign * self.b * (s - self.t)).exp()

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Sigmoid:
    """σ(b(s−t)) for a negative, σ(−b(s−t)) for a positive; b ≥ 0."""

    b: float
    t: float
    name: ClassVar[str] = "sigmoid"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number("sigmoid's b", self.b, 0)
        check_number("sigmoid's t", self.t, -1, 1)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1/2 at s = t, growing with hardness from 0 to 1."""
        return torch.sigmoid(side.sign * self.b * (s - self.t))

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Softmax:
    """e^{bs} normalised over the anchor's negatives, e^{−bs} over its positives; b ≥ 0."""

    b: float
    name: ClassVar[str] = "softmax"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("softmax's b", self.b, 0)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Weights that sum to 1 for each anchor that has pairs of the sign."""
        return masked_softmax(side.sign * self.b * s, side.mask)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Top:
    """1 for the anchor's k hardest pairs of the sign; all of them where there are fewer than k."""

    k: int
    name: ClassVar[str] = "top"
    relative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("top's k", self.k, 1)
        if self.k != int(self.k):
            raise InputError(f"top's k must be a whole number, not {self.k:g}")

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """1 for k pairs, else 0; which of equally hard ones is not said."""
        hardness = (side.sign * s).masked_fill(~side.mask, -torch.inf)
        columns = hardness.topk(min(int(self.k), s.shape[1]), dim=1).indices
        return torch.zeros_like(s).scatter_(1, columns, 1)

    def __str__(self) -> str:
        return _text(self)


@dataclass(frozen=True)
class Spline:
    """A monotone cubic (PCHIP, Fritsch and Butland 1984) through points (x, y ≥ 0); constant beyond the outer ones."""

    points: tuple[tuple[float, float], ...]
    name: ClassVar[str] = "spline"
    relative: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for x, y in self.points:
            check_number("spline's x", x, -1, 1)
            check_number("spline's y", y, 0)
        xs = [x for x, _ in self.points]
        if len(xs) < 2 or any(a >= b for a, b in pairwise(xs)):
            raise InputError(f"{self}: a spline wants two points or more, in rising order of x")

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """The spline at s, the same for either sign."""
        from scipy.interpolate import PchipInterpolator

        inside = s.clamp(self.points[0][0], self.points[-1][0])
        return piecewise(PchipInterpolator(*np.array(self.points).T), inside).clamp(min=0)

    def __str__(self) -> str:
        return f"spline({', '.join(f'{x:g}:{y:g}' for x, y in self.points)})"


@dataclass(frozen=True)
class Sum:
    """The sum of weight functions: `constant(0.1) + step(0.5)`."""

    terms: tuple[WeightFunction, ...]

    @property
    def relative(self) -> bool:
        """Whether any term is."""
        return any(term.relative for term in self.terms)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Σ of the terms."""
        return torch.stack([term(s, side) for term in self.terms]).sum(0)

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms))


@dataclass(frozen=True)
class Product:
    """The product of weight functions: `step(0.5) * linear`."""

    factors: tuple[WeightFunction, ...]

    @property
    def relative(self) -> bool:
        """Whether any factor is."""
        return any(factor.relative for factor in self.factors)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Π of the factors."""
        return torch.stack([factor(s, side) for factor in self.factors]).prod(0)

    def __str__(self) -> str:
        return " * ".join(f"({f})" if isinstance(f, Sum) else str(f) for f in self.factors)


FUNCTIONS: tuple[type, ...] = (
    Constant,
    Step,
    Easy,
    Window,
    Linear,
    Power,
    Exponential,
    Sigmoid,
    Softmax,
    Top,
    Spline,
)


def piecewise(polynomial: PPoly, x: Tensor) -> Tensor:
    """SciPy's piecewise polynomial at the tensor x, differentiable in it."""
    knots = torch.as_tensor(polynomial.x, dtype=x.dtype, device=x.device)
    coefficients = torch.as_tensor(polynomial.c, dtype=x.dtype, device=x.device)
    piece = (torch.searchsorted(knots, x.detach().contiguous(), right=True) - 1).clamp(0, len(knots) - 2)
    total, offset = torch.zeros_like(x), x - knots[piece]
    for coefficient in coefficients:
        total = total * offset + coefficient[piece]
    return total


def _hardness(s: Tensor, side: Side) -> Tensor:
    return ((1 + side.sign * s) / 2).clamp(0, 1)  # a cosine may stray past ±1 by rounding


def _text(function: object) -> str:
    """How a function of plain numbers is written: name(a, b)."""
    numbers = ", ".join(f"{getattr(function, f.name):g}" for f in fields(function))  # type: ignore[arg-type]
    return f"{function.name}({numbers})"  # type: ignore[attr-defined]
