"""What a decomposition found, and how it shows itself."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Decomposition", "Parameter", "counted", "ratio_in_words", "residual_in_words"]


@dataclass(frozen=True)
class Parameter:
    """What a letter of a formula is: λ = neg_margin = 0.5.

    latex, symbol: the letter in LaTeX and in plain text.
    name: what the loss calls it.
    value: its number in this loss.
    """

    latex: str
    symbol: str
    name: str
    value: float

    def __str__(self) -> str:
        names = dict.fromkeys((self.symbol, self.name))
        return " = ".join([*names, f"{self.value:g}"])

    def in_latex(self) -> str:
        """The same in LaTeX."""
        name = rf"\text{{{self.name}}}".replace("_", r"\_")
        return " = ".join([self.latex, *([name] if self.name != self.latex else []), f"{self.value:g}"])


@dataclass(frozen=True, repr=False)
class Decomposition:
    """The weight functions of one weighting.

    title: the weighting with its parameters.
    context: the name of the context, with its counts.
    relative: whether the curve depends on the context.
    signed: whether some weight is negative (a derivative of the "wrong" sign) by more than rounding, 10⁻⁹ of the
        largest.
    points: similarities on the curve.
    draws: contexts that the curve is taken in; 1 for a self-similarity loss, whose curve needs none.
    mass_draws: contexts that the weight mass is taken in.
    pairs: pairs of an anchor in a context.
    curve: columns similarity, sign, weight, low, high (the median and the 5–95 % band over contexts; exact, and low =
        weight = high, for a self-similarity loss).
    mass: columns low, high, sign, pairs, share, error: where in similarity the weight is, as shares of the weight mass
        expected in a context, with their standard errors.
    hardness: columns sign, kind, pairs, share, error: the same for easy, semi-hard and hard pairs.
    ratio: weight mass of the negatives over that of the positives, both as expected in a context; ∞ where no positive
        has a weight, NaN where no pair has.
    ratio_error: its standard error; NaN where the ratio is ∞ or NaN.
    formula: LaTeX of w⁺ and w⁻, or None where there is none.
    formula_text: the same in plain text.
    parameters: what the letters of the formulas are.
    residual: max |closed form − autograd| over the contexts, and along the curve in one of them, relative to the
        largest weight; of a loss on embeddings, the largest difference between what the anchor's and the references'
        derivatives say of a weight; NaN where there is no closed form, no `value` to compare with.
    """

    title: str
    context: str
    relative: bool
    signed: bool
    points: int
    draws: int
    mass_draws: int
    pairs: int
    curve: pd.DataFrame
    mass: pd.DataFrame
    hardness: pd.DataFrame
    ratio: float
    ratio_error: float
    formula: dict[str, str] | None
    formula_text: dict[str, str] | None
    parameters: tuple[Parameter, ...]
    residual: float

    @property
    def effort(self) -> str:
        """How much was looked at, in words."""
        within = f"over {counted(self.draws, 'context')}" if self.relative else "in any context"
        return (
            f"curve: {self.points} points {within}; weight mass: over {counted(self.mass_draws, 'context')} of "
            f"{counted(self.pairs, 'pair')}"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the two weight curves; returns the axes, those of a new figure unless given."""
        from weightlab.plot.curves import plot_curve

        context = f"{self.draws:,} of {self.context}" if self.relative else None
        return plot_curve(self.curve, self.title, context, ax)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's types; a number that is NaN or infinite becomes None (`ratio` does both ways: where it is
        infinite, the positives' shares are 0 and the negatives' are not).
        """
        return {
            "title": self.title,
            "context": self.context,
            "relative": self.relative,
            "signed": self.signed,
            "points": self.points,
            "draws": self.draws,
            "mass_draws": self.mass_draws,
            "pairs": self.pairs,
            "residual": _finite(self.residual),
            "ratio": _finite(self.ratio),
            "ratio_error": _finite(self.ratio_error),
            "formula": self.formula,
            "formula_text": self.formula_text,
            "parameters": [asdict(each) for each in self.parameters],
            "curve": self.curve.to_dict("records"),
            "mass": _records(self.mass),
            "hardness": _records(self.hardness),
        }

    def __repr__(self) -> str:
        return f"Decomposition({self.title}; {self.context}; residual {residual_in_words(self.residual)})"

    def _repr_html_(self) -> str:
        """Figure, formulas and mass, for Jupyter."""
        from weightlab.plot.curves import axes_of_its_own
        from weightlab.plot.plain import in_html
        from weightlab.plot.save import figure_of, html_picture

        picture = html_picture(figure_of(self.plot(axes_of_its_own(self.title, self.context))), self.title)
        parts = [f"<h4>{in_html(self.title)}</h4>", picture]
        if self.formula:
            parts.append(f"$$w^+ = {escape(self.formula['positive'])}$$")
            parts.append(f"$$w^- = {escape(self.formula['negative'])}$$")
            parts.append(f"<p>{in_html(', '.join(map(str, self.parameters)))}</p>")
        facts = (
            f"context {self.context}; {self.effort}; negatives over positives "
            f"{ratio_in_words(self.ratio, self.ratio_error)}; residual {residual_in_words(self.residual)}"
        )
        parts.append(f"<p>Weight mass, {in_html(facts)}</p>")
        parts.append(self.hardness.to_html(index=False, float_format=lambda x: f"{x:.4f}", na_rep=""))
        return "\n".join(parts)


def ratio_in_words(ratio: float, error: float) -> str:
    """0.0817 ± 0.0008; where there is no such number, why."""
    if math.isinf(ratio):
        return "∞ (no positive has a weight)"
    if math.isnan(ratio):
        return "none (no pair has a weight in this context)"
    return f"{ratio:.4g} ± {error:.1g}" if error > 1e-9 * ratio else f"{ratio:.4g}"  # 1 in each context, as a triplet's


def residual_in_words(residual: float) -> str:
    """7.8e-16; or that there is none."""
    return "none, no closed form to compare with" if math.isnan(residual) else f"{residual:.1e}"


def counted(count: int, what: str) -> str:
    """1 context; 256 contexts."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.to_dict("records")
    return [{str(name): None if value != value else value for name, value in row.items()} for row in rows]
