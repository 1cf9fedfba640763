"""What embeddings say: similarities, where losses put their weight, what a threshold leaves active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np, plt
from weightlab.plot import style
from weightlab.plot.plain import PLAIN, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_diagnosis"]

_WIDTH, _HEIGHT, _LINE = 9.6, 3.1, 0.15  # inches; a line of the legend
_COLUMNS, _NAME, _TITLE = 4, 30, 120  # of the legend; characters in a line
_COLOUR = {"positive": style.POSITIVE, "negative": style.NEGATIVE}


def plot_diagnosis(
    histogram: pd.DataFrame, mass: pd.DataFrame, thresholds: pd.DataFrame, title: str, figure: Figure | None = None
) -> Figure:
    """Draw the three panels and return the figure.

    histogram: columns low, high, sign, share; mass: loss, low, high, sign, share; thresholds: threshold, negatives,
    negatives error. figure: an empty one to draw in, which is made as large as that wants; without it a new one of
    pyplot's.
    """
    losses = list(mass["loss"].unique())
    figure = plt.figure() if figure is None else figure
    figure.set_layout_engine("constrained")
    figure.set_size_inches(_WIDTH, _HEIGHT + _LINE * -(-len(losses) // _COLUMNS))
    with style.context():
        first, second, third = figure.subplots(1, 3)
        _similarities(first, histogram)
        _masses(second, mass, losses)
        _active(third, thresholds)
        low, high = _range(histogram)
        for ax in (first, second, third):
            ax.set_xlim(low, high)
        handles = second.get_legend_handles_labels()[0]
        # the names are given, for of the lines' own labels a legend leaves out those that begin with "_"
        legend = figure.legend(
            handles, [wrapped(str(each), _NAME) for each in losses], loc="outside lower center", ncols=_COLUMNS
        )
        for text in legend.get_texts():
            text.set(**PLAIN)
        figure.suptitle(wrapped(title, _TITLE), fontsize=9, **PLAIN)
    return figure


def _similarities(ax: Axes, histogram: pd.DataFrame) -> None:
    for sign, part in histogram.groupby("sign", sort=False):
        density = part["share"] / (part["high"] - part["low"])
        edges = [*part["low"], part["high"].iloc[-1]]
        ax.stairs(density, edges, color=_COLOUR[str(sign)], fill=True, alpha=0.25)
        ax.stairs(density, edges, color=_COLOUR[str(sign)], label=str(sign), linestyle=style.LINE[str(sign)])
    ax.set_title("pairs")
    ax.set_xlabel("similarity  $S$")
    ax.set_ylabel("density")
    ax.set_ylim(bottom=0)
    ax.legend(loc="best")


def _masses(ax: Axes, mass: pd.DataFrame, losses: list[str]) -> None:
    """Of the negatives, a line a loss; one without any has its line at 0."""
    part = mass[mass["sign"] == "negative"]
    for number, name in enumerate(losses):
        own = part[part["loss"] == name]
        density = own["share"].fillna(0) / (own["high"] - own["low"])
        colour, line = style.SERIES[number % len(style.SERIES)], style.DASHES[number % len(style.DASHES)]
        ax.plot((own["low"] + own["high"]) / 2, density, color=colour, linestyle=line, label=f"loss {number}")
    ax.set_title("weight mass of negatives")
    ax.set_xlabel("similarity  $S$")
    ax.set_ylabel("density of $w^{-}$ mass")
    ax.set_ylim(bottom=0)


def _active(ax: Axes, thresholds: pd.DataFrame) -> None:
    number, error = thresholds["negatives"], thresholds["negatives error"].fillna(0)
    some = number > 0
    x, y, off = thresholds["threshold"][some], number[some], error[some]
    ax.plot(x, y, color=style.NEGATIVE)
    ax.fill_between(x, np.maximum(y - off, y * 1e-3), y + off, color=style.NEGATIVE, alpha=0.18, linewidth=0)
    ax.set_yscale("log")
    ax.set_ylim(bottom=max(float(y.min()), 1e-2) / 1.5)
    ax.set_title("active negatives")
    ax.set_xlabel("threshold")
    ax.set_ylabel("negatives of an anchor")


def _range(histogram: pd.DataFrame) -> tuple[float, float]:
    """From the least similarity that occurs to the largest, a little wider: in a collapse all lies in one bin."""
    met = histogram[histogram["share"] > 0]
    low, high = float(met["low"].min()), float(met["high"].max())
    margin = max(0.02, 0.03 * (high - low))
    return max(-1.0, low - margin), min(1.0, high + margin)
