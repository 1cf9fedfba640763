"""What a decomposition found, and how it shows itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Decomposition"]


@dataclass(frozen=True, repr=False)
class Decomposition:
    """The weight functions of one weighting.

    title: the weighting with its parameters.
    context: the name of the context, with its counts.
    relative: whether the curve depends on the context.
    signed: whether some weight is negative (a derivative of the "wrong" sign).
    curve: columns similarity, sign, weight, low, high (the median and the 5–95 % band over contexts; exact, and low =
        weight = high, for a self-similarity loss).
    mass: columns low, high, sign, pairs, share: where in similarity the weight is.
    hardness: columns sign, kind, pairs, share: the same for easy, semi-hard and hard pairs.
    ratio: weight mass of the negatives over that of the positives.
    formula: LaTeX of w⁺ and w⁻, or None where there is none.
    residual: max |closed form − autograd| over the contexts, and along the curve in one of them, relative to the
        largest weight; of a loss on embeddings, the largest difference between what the anchor's and the references'
        derivatives say of a weight; NaN where there is no `value` to compare with.
    """

    title: str
    context: str
    relative: bool
    signed: bool
    curve: pd.DataFrame
    mass: pd.DataFrame
    hardness: pd.DataFrame
    ratio: float
    formula: dict[str, str] | None
    residual: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the two weight curves; returns the axes, those of a new figure unless given."""
        from weightlab.plot.curves import plot_curve

        return plot_curve(self.curve, self.title, self.context if self.relative else None, ax)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's types; a residual that is NaN becomes None."""
        return {
            "title": self.title,
            "context": self.context,
            "relative": self.relative,
            "signed": self.signed,
            "residual": self.residual if math.isfinite(self.residual) else None,
            "ratio": self.ratio if math.isfinite(self.ratio) else None,
            "formula": self.formula,
            "curve": self.curve.to_dict("records"),
            "mass": self.mass.to_dict("records"),
            "hardness": self.hardness.to_dict("records"),
        }

    def __repr__(self) -> str:
        return f"Decomposition({self.title}; {self.context}; residual {self.residual:.1e})"

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
        facts = f"context {self.context}; negatives over positives {self.ratio:.3g}; residual {self.residual:.1e}"
        parts.append(f"<p>Weight mass, {in_html(facts)}</p>")
        parts.append(self.hardness.to_html(index=False, float_format=lambda x: f"{x:.3f}"))
        return "\n".join(parts)
