"""The figure of a study: each arm's weight curves beside its recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightlab.plot import style
from weightlab.plot.numbers import measured
from weightlab.plot.plain import PLAIN, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

__all__ = ["draw"]

# inches: a paper's text width, of which the plots get as much as this at least; the height of an arm, and of what
# stands above, below, right and left beside the names
_WIDTH, _PLOTS, _ROW, _TOP, _BOTTOM, _RIGHT, _LEFT = 7.0, 4.2, 0.56, 0.55, 0.5, 1.05, 0.25
_SIZE = 8  # points, of the names and the means
_NAME, _BASELINE = 24, 28  # characters in a line of an arm's name, and of the baseline's in the legend
_LINE = 0.14  # inches, of an arm's name or in a legend
_TALLEST = 240.0  # inches of all rows together: beyond that a PNG can't hold them
_GAP = 0.3  # between two arms' curves, as a share of a curve's height
_COLOUR = {"positive": style.POSITIVE, "negative": style.NEGATIVE}


def draw(
    curves: pd.DataFrame,
    results: pd.DataFrame,
    table: pd.DataFrame,
    *,
    metric: str,
    baseline: str | None = None,
) -> Figure:
    """A row for each arm of `table`: left its weight curves, right `metric` with interval and single seeds.

    curves: arm, similarity, sign ("positive" or "negative"), weight; each is drawn relative to its own
    largest, for their shapes are what a study compares. results: arm, seed, metric, value (percent). table:
    arm, metric, seeds, mean, std, low, high (percent). baseline: the arm at whose mean a line is drawn
    across all rows.
    """
    from matplotlib.figure import Figure

    means = table[table["metric"] == metric].set_index("arm")
    arms = [str(arm) for arm in means.index]
    names = {arm: wrapped(arm, _NAME) for arm in arms}
    reference = wrapped(f"mean of {baseline}", _BASELINE) if baseline in arms else ""
    with style.context():
        figure = Figure()
        figure.set_layout_engine("none")  # the rows of both columns are aligned by hand
        grid = _grid(figure, list(names.values()), above=_TOP + _LINE * reference.count("\n"))
        for row, arm in enumerate(arms):
            ax = figure.add_subplot(grid[row, 0])
            _draw_curves(ax, curves[curves["arm"] == arm], names[arm], last=row == len(arms) - 1)
        recall = figure.add_subplot(grid[:, 1])
        if reference:
            _draw_reference(recall, float(means["mean"].to_dict()[baseline]), reference)
        _draw_recall(recall, results[results["metric"] == metric], means)
        recall.set_xlabel(f"{metric} (%)", **PLAIN)
        _add_legends(figure, figure.axes[0], recall)
    return figure


def _grid(figure: Figure, names: Sequence[str], above: float) -> GridSpec:
    """A row for each name and two columns, with room for the names and `above` inches; sets the figure's size."""
    lines = 1 + max(name.count("\n") for name in names)
    rows = min(_TALLEST, len(names) * max(_ROW, _LINE * (lines + 1)))
    height = rows + above + _BOTTOM
    left = max(_width(figure, name) for name in names) + _LEFT
    width = max(_WIDTH, left + _PLOTS + _RIGHT)
    figure.set_size_inches(width, height)
    return figure.add_gridspec(
        len(names),
        2,
        width_ratios=[1, 2.6],
        wspace=0.08,
        hspace=_GAP,
        left=left / width,
        right=1 - _RIGHT / width,
        top=1 - above / height,
        bottom=_BOTTOM / height,
    )


def _width(figure: Figure, name: str) -> float:
    """How many inches wide the name is drawn."""
    text = figure.text(0, 0, name, fontsize=_SIZE, **PLAIN)
    width = text.get_window_extent().width / figure.dpi
    text.remove()
    return width


def _draw_curves(ax: Axes, curves: pd.DataFrame, name: str, *, last: bool) -> None:
    for sign, curve in curves.groupby("sign", sort=False):
        largest = curve["weight"].abs().max() or 1.0
        ax.plot(
            curve["similarity"],
            curve["weight"] / largest,
            color=_COLOUR[str(sign)],
            linestyle=style.LINE[str(sign)],
            linewidth=1.3,
            label=f"$w^{'+' if sign == 'positive' else '-'}$ ({sign})",
        )
    signed = bool((curves["weight"] < 0).any())
    ax.set_xlim(-1, 1)
    ax.set_ylim(-1.15 if signed else -0.12, 1.15)
    ax.set_xticks([-1, 0, 1], labels=["−1", "0", "1"] if last else [])
    ax.set_yticks([0], labels=[])
    ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=_SIZE, **PLAIN)
    if last:
        ax.set_xlabel("similarity $S$")


def _draw_reference(ax: Axes, mean: float, label: str) -> None:
    dotted = (0, (1, 1.5))  # unlike the curves
    ax.axvline(mean, color="0.35", linestyle=dotted, linewidth=1.1, label=label)


def _draw_recall(ax: Axes, results: pd.DataFrame, means: pd.DataFrame) -> None:
    for row, (arm, mean) in enumerate(means.iterrows()):
        seeds = results.loc[results["arm"] == arm, "value"]
        ax.plot(
            seeds,
            [row + 0.2] * len(seeds),  # beside the interval, which would hide them
            "o",
            markersize=4.5,
            markerfacecolor="none",
            markeredgecolor="0.45",
            label=None if row else "one seed",
        )
        reach = [[mean["mean"] - mean["low"]], [mean["high"] - mean["mean"]]]
        ax.errorbar(
            mean["mean"],
            row,
            xerr=None if mean.isna()["low"] else reach,
            fmt="D",
            markersize=3.5,
            color="black",
            capsize=2.5,
            linewidth=1.1,
            label=None if row else "mean, 95 % interval",
        )
        ax.text(
            1.02,
            row,
            measured(mean["mean"], mean["low"], mean["high"]),
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=_SIZE,
        )
    ax.set_xlim(*_limits(results, means))
    _align(ax, len(means))


def _align(ax: Axes, rows: int) -> None:
    """Put y = 0, 1, … at the middle of the rows of curves beside the axes."""
    edge = 0.5 / (1 + _GAP)  # half a curve's height, where a row with its gap is 1
    ax.set_ylim(rows - 1 + edge, -edge)
    ax.set_yticks(range(rows), labels=[])
    ax.tick_params(axis="y", length=0)


def _limits(results: pd.DataFrame, means: pd.DataFrame) -> tuple[float, float]:
    """All seeds and intervals, within 0 … 100; from 0 unless that would waste most of the axis."""
    low = max(0.0, min(results["value"].min(), means["low"].fillna(100).min()))
    high = min(100.0, max(results["value"].max(), means["high"].fillna(0).max()))
    room = 0.04 * max(high - low, 1.0)
    return (-room if low < high / 2 else low - room), high + room


def _add_legends(figure: Figure, curves: Axes, recall: Axes) -> None:
    """A legend above each column."""
    for ax in (curves, recall):
        box = ax.get_position()
        handles, labels = ax.get_legend_handles_labels()
        columns = 1 if ax is curves else 2
        legend = figure.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(box.x0, box.y1 + 0.06 / figure.get_figheight()),
            ncols=columns,
            borderpad=0,
            borderaxespad=0,
            handlelength=2.2,
            columnspacing=1.2,
            labelspacing=0.25,
            fontsize=7.5,
        )
        if ax is recall:
            for text in legend.get_texts():
                text.set(**PLAIN)
