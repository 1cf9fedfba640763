"""The words in which a loss writes its value as a formula.

A loss's value for one anchor is an expression in sums over the anchor's positives and negatives. A sum is one node
that knows its body and the variable that the body runs over, so SymPy can differentiate a formula for any number of
pairs; `weightlab.decompose.formulas` derives the weights from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import Expr, Integer, Symbol
from sympy.printing.precedence import PRECEDENCE

__all__ = [
    "Abbreviation",
    "Held",
    "Hinge",
    "Indicator",
    "Larger",
    "Logistic",
    "OverNegatives",
    "OverPositives",
    "PairSum",
    "Softplus",
    "Vocabulary",
]

S = Symbol("S", real=True)  # the similarity of the pair whose weight it is
S_P = Symbol("S_p", real=True)
S_N = Symbol("S_n", real=True)
POSITIVES = Symbol("|P|", positive=True)
NEGATIVES = Symbol("|N|", positive=True)
LEAST_POSITIVE = Symbol(r"\min_{P} S", real=True)
LARGEST_NEGATIVE = Symbol(r"\max_{N} S", real=True)


class Indicator(sympy.Function):  # type: ignore[misc]
    """1[x > 0]; its derivative is taken as 0, as autograd does."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return Integer(int(bool(x > 0))) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """0."""
        return Integer(0)

    def _sides(self) -> tuple[Expr, str, Expr]:
        left, right = _split(self.args[0])
        if S in right.free_symbols and S not in left.free_symbols:  # say it of the pair: S < m
            return right, "<", left
        return left, ">", right

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        left, sign, right = self._sides()
        return rf"\mathbf{{1}}\!\left[{printer._print(left)} {sign} {printer._print(right)}\right]"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        left, sign, right = self._sides()
        return f"1[{printer._print(left)} {sign} {printer._print(right)}]"


class Hinge(sympy.Function):  # type: ignore[misc]
    """(x)₊ = max(x, 0), with derivative 1[x > 0]."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return sympy.Max(x, 0) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """1[x > 0]."""
        return Indicator(self.args[0])

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        return rf"\left({printer._print(self.args[0])}\right)_+"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return f"max({printer._print(self.args[0])}, 0)"


class Larger(sympy.Function):  # type: ignore[misc]
    """max(x, y), with derivative x′ 1[x > y] + y′ (1 − 1[x > y])."""

    @classmethod
    def eval(cls, x: Expr, y: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return sympy.Max(x, y) if x.is_number and y.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """1[x > y] by x, 1 − 1[x > y] by y."""
        first = Indicator(self.args[0] - self.args[1])
        return first if argindex == 1 else 1 - first

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        return rf"\max\left({printer._print(self.args[0])},\; {printer._print(self.args[1])}\right)"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return f"max({printer._print(self.args[0])}, {printer._print(self.args[1])})"


class Logistic(sympy.Function):  # type: ignore[misc]
    """σ(x) = 1 / (1 + e^{−x})."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return 1 / (1 + sympy.exp(-x)) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """σ(x)(1 − σ(x))."""
        return self * (1 - self)

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        return rf"\sigma\!\left({printer._print(self.args[0])}\right)"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return f"σ({printer._print(self.args[0])})"


class Softplus(sympy.Function):  # type: ignore[misc]
    """log(1 + e^x), with derivative σ(x)."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return sympy.log(1 + sympy.exp(x)) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """σ(x)."""
        return Logistic(self.args[0])

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        return rf"\log\left(1 + e^{{{printer._print(self.args[0])}}}\right)"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return f"log(1 + exp({printer._print(self.args[0])}))"


class Held(sympy.Function):  # type: ignore[misc]
    """x, held constant in the derivative (a detached factor)."""

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return x if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """0."""
        return Integer(0)

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        return str(printer._print(self.args[0]))

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return str(printer.parenthesize(self.args[0], PRECEDENCE["Mul"]))


class Abbreviation(sympy.Function):  # type: ignore[misc]
    """A part of a formula that is printed by a name of its own; its arguments are the name and the part."""

    @classmethod
    def eval(cls, name: Symbol, x: Expr) -> Expr | None:
        """A number's value; anything else stays as it is."""
        return x if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """1 by the part."""
        return Integer(argindex == 2)

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        name = str(printer._print(self.args[0]))
        return name if exp is None else rf"{name}^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return str(printer._print(self.args[0]))


class PairSum(Expr):  # type: ignore[misc]
    """Σ over the anchor's pairs of one sign of a body; factors that do not run along stand before the sum."""

    bound: Symbol
    count: Symbol
    index: str
    is_commutative = True
    precedence = PRECEDENCE["Mul"]  # a power of it needs brackets

    def __new__(cls, body: Expr) -> Expr:
        """The sum of `body`, simplified where nothing runs along."""
        factor, rest = sympy.sympify(body).as_independent(cls.bound, as_Add=False)
        if rest == 1 or body == 0:
            return factor * cls.count
        return factor * Expr.__new__(cls, rest)

    @property
    def body(self) -> Expr:
        """What is summed, an expression in `bound`."""
        return self.args[0]

    def _eval_derivative(self, symbol: Symbol) -> Expr:
        return Integer(0) if symbol == self.bound else type(self)(self.body.diff(symbol))

    def _latex(self, printer: Any, exp: Any = None) -> str:  # noqa: ANN401
        text = rf"\sum_{{{self.index}}} {printer.parenthesize(self.body, PRECEDENCE['Mul'])}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _sympystr(self, printer: Any) -> str:  # noqa: ANN401
        return f"Σ_{self.index[-1]}[{printer._print(self.body)}]"


class OverPositives(PairSum):
    """Σ over the anchor's positives p."""

    bound, count, index = S_P, POSITIVES, r"p \in P"


class OverNegatives(PairSum):
    """Σ over the anchor's negatives n."""

    bound, count, index = S_N, NEGATIVES, r"n \in N"


@dataclass(frozen=True)
class Vocabulary:
    """What `Loss.formula` writes with.

    values: the numbers of the parameters that it has named, by symbol; `parameter` adds to them.
    names: what the loss calls those parameters, by symbol.
    s_p, s_n: the similarity of a positive and of a negative that a sum runs over.
    positives, negatives: how many pairs of the sign the anchor has, |P| and |N|.
    least_positive: min_P S.
    largest_negative: max_N S.
    """

    values: dict[Symbol, float] = field(default_factory=dict)
    names: dict[Symbol, str] = field(default_factory=dict)

    s_p: Symbol = S_P
    s_n: Symbol = S_N
    positives: Symbol = POSITIVES
    negatives: Symbol = NEGATIVES
    least_positive: Symbol = LEAST_POSITIVE
    largest_negative: Symbol = LARGEST_NEGATIVE

    def parameter(self, latex: str, name: str, value: float) -> Symbol:
        """A parameter of the loss, by its LaTeX symbol: what the loss calls it, and the number that it has in it."""
        symbol = Symbol(latex, real=True)
        self.values[symbol], self.names[symbol] = value, name
        return symbol

    def over_positives(self, body: Expr) -> Expr:
        """Σ_P of a body in `s_p`."""
        return OverPositives(body)

    def over_negatives(self, body: Expr) -> Expr:
        """Σ_N of a body in `s_n`."""
        return OverNegatives(body)

    def exp(self, x: Expr) -> Expr:
        """e^x."""
        return sympy.exp(x)

    def log(self, x: Expr) -> Expr:
        """log x."""
        return sympy.log(x)

    def sqrt(self, x: Expr) -> Expr:
        """√x."""
        return sympy.sqrt(x)

    def cos(self, x: Expr) -> Expr:
        """cos x, x in radians."""
        return sympy.cos(x)

    def sin(self, x: Expr) -> Expr:
        """sin x, x in radians."""
        return sympy.sin(x)

    def maximum(self, x: Expr, y: Expr) -> Expr:
        """max(x, y)."""
        return Larger(x, y)

    def hinge(self, x: Expr) -> Expr:
        """max(x, 0)."""
        return Hinge(x)

    def softplus(self, x: Expr) -> Expr:
        """log(1 + e^x)."""
        return Softplus(x)

    def indicator(self, x: Expr) -> Expr:
        """1[x > 0], held constant in the derivative."""
        return Indicator(x)

    def named(self, name: str, x: Expr) -> Expr:
        """x, printed as `name`; what it stands for is said behind the formula."""
        return Abbreviation(Symbol(name), x)

    def held(self, x: Expr) -> Expr:
        """x, held constant in the derivative."""
        return Held(x)


def _split(x: Expr) -> tuple[Expr, Expr]:
    """x > 0 as left > right, with the negative terms moved to the right."""
    terms = sympy.Add.make_args(x)
    left = [term for term in terms if not term.could_extract_minus_sign()]
    right = [-term for term in terms if term.could_extract_minus_sign()]
    return sympy.Add(*left), sympy.Add(*right)
