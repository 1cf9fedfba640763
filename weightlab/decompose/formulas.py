"""The formulas of w⁺ and w⁻, derived from a loss's value with SymPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import sympy
from sympy import Dummy, Expr, Integer, Symbol
from sympy.printing.pretty.pretty_symbology import greek_unicode
from sympy.printing.str import StrPrinter

from weightlab.decompose.decomposition import Parameter
from weightlab.losses.vocabulary import (
    LARGEST_NEGATIVE,
    LEAST_POSITIVE,
    NEGATIVES,
    POSITIVES,
    Abbreviation,
    OverNegatives,
    OverPositives,
    PairSum,
    S,
    Vocabulary,
)

__all__ = ["Formulas", "derive"]


_LETTER = {rf"\{name}": letter for name, letter in greek_unicode.items()} | {
    LEAST_POSITIVE.name: "min_P S",
    LARGEST_NEGATIVE.name: "max_N S",
}


@dataclass(frozen=True)
class Formulas:
    """The weights of a loss, as formulas.

    positive, negative: w⁺ and w⁻ as expressions in S and in sums over the anchor's pairs.
    values: the numbers of the parameters in them.
    names: what the loss calls those parameters.
    """

    positive: Expr
    negative: Expr
    values: dict[Symbol, float]
    names: dict[Symbol, str]

    def latex(self) -> dict[str, str]:
        """{"positive": …, "negative": …} in LaTeX; what a name in it stands for is said behind it."""
        return {"positive": _latex(self.positive), "negative": _latex(self.negative)}

    def text(self) -> dict[str, str]:
        """The same in plain text: exp(x), σ(x), √x, Σ_P over the positives p, 1[…] where a condition holds."""
        return {"positive": _text(self.positive), "negative": _text(self.negative)}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What each letter is: a parameter of the loss, with its number."""
        return tuple(
            Parameter(sympy.latex(symbol), _Plain().doprint(symbol), self.names[symbol], float(value))
            for symbol, value in self.values.items()
        )

    def number(
        self, sign: Literal["positive", "negative"], s: float, positives: list[float], negatives: list[float]
    ) -> float:
        """The weight in numbers of a pair of similarity s in a context that holds it too."""
        expression = self.positive if sign == "positive" else self.negative
        return float(
            expand(expression, positives, negatives).xreplace({S: sympy.Float(s, 30), **self._numbers()}).evalf(20)
        )

    def _numbers(self) -> dict[Symbol, Expr]:
        return {symbol: sympy.Float(value, 30) for symbol, value in self.values.items()}


def derive(formula: Callable[[Vocabulary], Expr]) -> Formulas:
    """w⁺ = −∂L/∂S of a positive and w⁻ = +∂L/∂S of a negative, for any number of pairs."""
    vocabulary = Vocabulary()
    value = formula(vocabulary)
    pull, push = -_derivative(value, OverPositives), _derivative(value, OverNegatives)
    return Formulas(_minus_inside(pull), _minus_inside(push), vocabulary.values, vocabulary.names)


def expand(expression: Expr, positives: list[float], negatives: list[float]) -> Expr:
    """The expression with each sum written out over a context's similarities."""
    numbers = {
        kind: [sympy.Float(x, 30) for x in xs] for kind, xs in ((OverPositives, positives), (OverNegatives, negatives))
    }
    counts = {POSITIVES: Integer(len(positives)), NEGATIVES: Integer(len(negatives))}
    if positives:
        counts[LEAST_POSITIVE] = min(numbers[OverPositives])
    if negatives:
        counts[LARGEST_NEGATIVE] = max(numbers[OverNegatives])

    def written(node: Expr) -> Expr:
        if isinstance(node, PairSum):
            body = written(node.body)
            return sympy.Add(*(body.xreplace({node.bound: x}) for x in numbers[type(node)]))
        return node.func(*map(written, node.args)) if node.args else counts.get(node, node)

    return written(expression)


class _Plain(StrPrinter):  # type: ignore[misc]
    """An expression on a line of plain text."""

    def _print_Symbol(self, symbol: Symbol) -> str:
        return str(_LETTER.get(symbol.name, symbol.name))

    def _print_Pow(self, power: Expr, rational: bool = False) -> str:
        if power.exp == sympy.Rational(1, 2):
            return f"√({self._print(power.base)})"
        return str(super()._print_Pow(power, rational))


def _text(expression: Expr) -> str:
    def plain(part: Expr) -> str:
        return str(_Plain().doprint(part)).replace("**", "^").replace("*", "·").replace("·-", "·−").replace("-", "−")

    return ", ".join([plain(expression), *(f"{name} = {plain(part)}" for name, part in _named(expression))])


def _latex(expression: Expr) -> str:
    parts = (f"{name} = {sympy.latex(part)}" for name, part in _named(expression))
    return r",\quad ".join([sympy.latex(expression), *parts])


def _named(expression: Expr) -> list[tuple[Symbol, Expr]]:
    """The parts of it that are printed by a name."""
    nodes = (node for node in sympy.preorder_traversal(expression) if isinstance(node, Abbreviation))
    return list(dict.fromkeys(node.args for node in nodes))


def _minus_inside(expression: Expr) -> Expr:
    """−(a − b) c as (b − a) c, which is easier to read."""
    sums = [factor for factor in expression.args if factor.is_Add] if expression.is_Mul else []
    if not sums or not expression.could_extract_minus_sign():
        return expression
    return -sums[0] * (-expression / sums[0])


def _derivative(expression: Expr, kind: type[PairSum]) -> Expr:
    """The derivative by the similarity S of one pair among those that sums of `kind` run over.

    The pair enters as one term of each such sum: dΣ/dS = body′(S), plus what reaches it through sums inside the body.
    """
    sums = _sums_in(expression)
    stand_ins = {node: Dummy(real=True) for node in sums}
    with_stand_ins = expression.xreplace(stand_ins)
    back = {dummy: node for node, dummy in stand_ins.items()}
    total = Integer(0)
    for node, dummy in stand_ins.items():
        inner = type(node)(_derivative(node.body, kind))
        if isinstance(node, kind):
            inner += node.body.diff(node.bound).xreplace({node.bound: S})
        total += with_stand_ins.diff(dummy).xreplace(back) * inner
    return total


def _sums_in(expression: Expr) -> list[PairSum]:
    """The sums of an expression that are inside no other sum."""
    if isinstance(expression, PairSum):
        return [expression]
    return list(dict.fromkeys(node for part in expression.args for node in _sums_in(part)))
