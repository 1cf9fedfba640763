"""Several weightings' curves on one pair of axes: positives beside negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import pd, plt
from weightlab.plot import style
from weightlab.plot.limits import set_limits
from weightlab.plot.plain import PLAIN, wrapped
from weightlab.plot.poles import mark_poles, split_poles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_comparison"]

_WIDTH, _HEIGHT, _LINE = 8.4, 3.6, 0.15  # inches; a line of the legend
_COLUMNS = 4  # of the legend
_NAME, _CONTEXT = 26, 150  # characters in a line


def plot_comparison(
    curves: pd.DataFrame, context: str, *, equal_mass: bool = False, figure: Figure | None = None
) -> tuple[Axes, Axes]:
    """Draw curves (columns weighting, similarity, sign, weight, low, high); returns the two signs' axes.

    figure: an empty one to draw in, which is made as high as its legend wants; without it a new one of pyplot's.
    """
    weightings = list(curves["weighting"].unique())  # not by groupby: beside pyarrow it takes no half of a character
    names = [wrapped(str(name), _NAME) for name in weightings]
    figure = plt.figure() if figure is None else figure
    figure.set_layout_engine("constrained")
    figure.set_size_inches(_WIDTH, _HEIGHT + _LINE * _lines_beyond_one(names))
    with style.context():
        axes = figure.subplots(1, 2, sharex=True)
        for ax, sign in zip(axes, ("positive", "negative"), strict=True):
            part = curves[curves["sign"] == sign]
            lines, drawn, marked = [], [], []
            for number, name in enumerate(weightings):
                curve, poles = split_poles(part[part["weighting"] == name])
                colour, line = style.SERIES[number % len(style.SERIES)], style.DASHES[number % len(style.DASHES)]
                lines += ax.plot(curve["similarity"], curve["weight"], color=colour, linestyle=line, label=str(name))
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
        # the names are given, for of the lines' own labels a legend leaves out those that begin with "_"
        legend = figure.legend(lines, names, loc="outside lower center", ncols=_COLUMNS)
        for text in legend.get_texts():
            text.set(**PLAIN)
        band = wrapped(f"median and 5–95 % over contexts: {context}", _CONTEXT)
        figure.suptitle(band, fontsize=7, color="0.35", **PLAIN)
    return axes[0], axes[1]


def _lines_beyond_one(names: list[str]) -> int:
    """How many lines the legend has, less one; each of its rows taken to be as high as the highest."""
    rows = -(-len(names) // _COLUMNS)
    return rows * max(1, *(len(name.splitlines()) for name in names)) - 1
