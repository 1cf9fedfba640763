"""Sums and products of weight functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import Side, WeightFunction
from weightlab.errors import InputError
from weightlab.forms import Form
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


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

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """Π of the factors."""
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
