"""Several weightings' curves on one pair of axes: positives beside negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import pd, plt
from weightlab.plot import style
from weightlab.plot.limits import set_limits
from weightlab.plot.poles import mark_poles, split_poles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_comparison"]


def plot_comparison(curves: pd.DataFrame, context: str, *, equal_mass: bool = False) -> tuple[Axes, Axes]:
    """Draw curves (columns weighting, similarity, sign, weight, low, high); returns the two signs' axes."""
    with style.context():
        figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), sharex=True)
        for ax, sign in zip(axes, ("positive", "negative"), strict=True):
            part = curves[curves["sign"] == sign]
            drawn, marked = [], []
            for number, (name, whole) in enumerate(part.groupby("weighting", sort=False)):
                curve, poles = split_poles(whole)
                colour, line = style.SERIES[number % len(style.SERIES)], style.DASHES[number % len(style.DASHES)]
                ax.plot(curve["similarity"], curve["weight"], color=colour, linestyle=line, label=str(name))
                ax.fill_between(curve["similarity"], curve["low"], curve["high"], color=colour, alpha=0.1, linewidth=0)
                drawn.append(curve)
                marked.append((poles, colour))
            set_limits(ax, pd.concat(drawn))
            for poles, colour in marked:
                mark_poles(ax, poles, colour)
            symbol = "+" if sign == "positive" else "-"
            ax.set_title(f"{sign} pairs")
            ax.set_xlabel("similarity  $S$")
            ax.set_ylabel(f"weight  $w^{{{symbol}}}$" + (" / weight mass of an anchor" if equal_mass else ""))
            ax.set_xlim(-1, 1)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.suptitle(f"median and 5–95 % over contexts: {context}", fontsize=7, color="0.35")
    return axes[0], axes[1]
