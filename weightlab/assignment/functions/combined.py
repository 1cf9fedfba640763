"""Sums and products of weight functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.errors import InputError
from weightlab.forms import Form
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


_PARTS = 80.0  # of the logarithms of factors, added up: e^80 and e^−80 are inside float32


@dataclass(frozen=True)
class Sum(WeightFunction):
    """w = Σ of weight functions: `constant(0.1) + step(0.5)`.

    terms: two weight functions or more.
    """

    terms: tuple[WeightFunction, ...]

    name: ClassVar[str] = "sum"

    def __post_init__(self) -> None:
        _check("a sum's terms", self.terms)

    @property
    def relative(self) -> bool:  # type: ignore[override]  # a constant of the class for all others
        """Whether any term is."""
        return any(term.relative for term in self.terms)

    @property
    def negatives_only(self) -> bool:  # type: ignore[override]
        """Whether any term is for negatives alone."""
        return any(term.negatives_only for term in self.terms)

    @property
    def picks(self) -> int:  # type: ignore[override]
        """How many times its terms pick."""
        return sum(term.picks for term in self.terms)

    def log(self, s: Tensor, side: Side) -> Tensor:
        """log Σ of the terms, from theirs."""
        return torch.stack([term.log(s, side) for term in self.terms]).logsumexp(0)

    def span(self, sign: Sign) -> tuple[float, float]:
        """From the least of the terms to the sum of their largest."""
        spans = [span for span in (term.span(sign) for term in self.terms) if span[1] > -math.inf]
        if not spans:
            return 0.0, -math.inf
        return min(low for low, _ in spans), max(high for _, high in spans) + math.log(len(spans))

    def fits(self, sign: Sign, *, counted: bool = False) -> bool:
        """Whether all terms do, and their sum."""
        return super().fits(sign) and all(term.fits(sign, counted=counted) for term in self.terms)

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Σ of the terms."""
        return torch.stack([term(s, side) for term in self.terms]).sum(0)

    def __str__(self) -> str:
        return " + ".join(f"({term})" if isinstance(term, Sum) else str(term) for term in self.terms)

    def area(self, s: Tensor, sign: Sign) -> Tensor:
        """Σ of the terms' integrals."""
        return torch.stack([term.area(s, sign) for term in self.terms]).sum(0)

    @property
    def closed_form(self) -> bool:
        """Whether the integrals of all terms are formulas."""
        return all(term.closed_form for term in self.terms)

    @property
    def zero_up_to(self) -> float:
        """Up to where all terms are 0."""
        return min(term.zero_up_to for term in self.terms)


@dataclass(frozen=True)
class Product(WeightFunction):
    """w = Π of weight functions: `step(0.5) * linear`.

    factors: two weight functions or more.
    """

    factors: tuple[WeightFunction, ...]

    name: ClassVar[str] = "product"

    def __post_init__(self) -> None:
        _check("a product's factors", self.factors)

    @property
    def relative(self) -> bool:  # type: ignore[override]  # a constant of the class for all others
        """Whether any factor is."""
        return any(factor.relative for factor in self.factors)

    @property
    def negatives_only(self) -> bool:  # type: ignore[override]
        """Whether any factor is for negatives alone."""
        return any(factor.negatives_only for factor in self.factors)

    @property
    def picks(self) -> int:  # type: ignore[override]
        """How many times its factors pick."""
        return sum(factor.picks for factor in self.factors)

    def log(self, s: Tensor, side: Side) -> Tensor:
        """Σ of the factors' logarithms."""
        return torch.stack([factor.log(s, side) for factor in self.factors]).sum(0)

    def exponent(self, s: Tensor, sign: Sign) -> Tensor | None:
        """Σ of the factors' exponents; None where one has none."""
        exponents = [exponent for factor in self.factors if (exponent := factor.exponent(s, sign)) is not None]
        return torch.stack(exponents).sum(0) if len(exponents) == len(self.factors) else None

    def span(self, sign: Sign) -> tuple[float, float]:
        """From the product of the least to that of the largest."""
        lows, highs = zip(*(factor.span(sign) for factor in self.factors), strict=True)
        return sum(lows), sum(highs)

    def fits(self, sign: Sign, *, counted: bool = False) -> bool:
        """Whether it does in whatever order it is multiplied."""
        spans = [factor.span(sign) for factor in self.factors]
        return sum(max(abs(low), abs(high)) for low, high in spans if high > -math.inf) <= _PARTS

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Π of the factors."""
        if not self.fits(side.sign):
            return self.log(s, side).exp().to(s.dtype)
        return torch.stack([factor(s, side) for factor in self.factors]).prod(0)

    @property
    def form(self) -> Form | None:
        """That of its one relative factor, times the others; None for more than one."""
        relative = [factor for factor in self.factors if factor.relative]
        others = tuple(factor for factor in self.factors if not factor.relative)
        if len(relative) != 1:
            return super().form
        return relative[0].form_times(Product(others) if len(others) > 1 else others[0])

    def __str__(self) -> str:
        return " * ".join(
            f"({factor})" if isinstance(factor, Sum | Product) else str(factor) for factor in self.factors
        )

    @property
    def zero_up_to(self) -> float:
        """Up to where any factor is 0."""
        return max(factor.zero_up_to for factor in self.factors)


def _check(name: str, parts: tuple[WeightFunction, ...]) -> None:
    for part in parts:
        if not isinstance(part, WeightFunction):
            raise InputError(f"{name} must be weight functions, not {part!r}")
    if len(parts) < 2:
        raise InputError(f"{name} must be two or more, not {len(parts)}")
    if sum(part.picks for part in parts) > 1:
        raise InputError(
            "a weight function can hold one top: which of equally hard pairs each of two picks is not said, "
            "so neither is what they make together"
        )
