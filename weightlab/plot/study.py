"""The figure of a study: each arm's weight curves beside its recall."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from weightlab.plot import style
from weightlab.plot.numbers import measured

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw"]

# inches: a paper's text width; the height of an arm, and of what stands above, below and at the right
_WIDTH, _ROW, _TOP, _BOTTOM, _RIGHT = 7.0, 0.56, 0.55, 0.5, 0.95
_CHARACTER = 0.066  # width of one, of the arms' names
_NAME = 24  # characters in a line of an arm's name
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
    names = {arm: textwrap.fill(arm, _NAME) for arm in arms}
    longest = max(len(line) for name in names.values() for line in name.splitlines())
    height = _ROW * len(arms) + _TOP + _BOTTOM
    with style.context():
        figure = Figure(figsize=(_WIDTH, height))
        figure.set_layout_engine("none")  # the rows of both columns are aligned by hand
        grid = figure.add_gridspec(
            len(arms),
            2,
            width_ratios=[1, 2.6],
            wspace=0.08,
            hspace=_GAP,
            left=(_CHARACTER * longest + 0.15) / _WIDTH,
            right=1 - _RIGHT / _WIDTH,
            top=1 - _TOP / height,
            bottom=_BOTTOM / height,
        )
        for row, arm in enumerate(arms):
            ax = figure.add_subplot(grid[row, 0])
            _draw_curves(ax, curves[curves["arm"] == arm], names[arm], last=row == len(arms) - 1)
        recall = figure.add_subplot(grid[:, 1])
        _draw_recall(recall, results[results["metric"] == metric], means, baseline)
        recall.set_xlabel(f"{metric} (%)")
        _add_legends(figure, figure.axes[0], recall)
    return figure


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
    ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    if last:
        ax.set_xlabel("similarity $S$")


def _draw_recall(ax: Axes, results: pd.DataFrame, means: pd.DataFrame, baseline: str | None) -> None:
    if baseline is not None and baseline in means.index:
        line = (0, (1, 1.5))  # dotted, unlike the curves
        ax.axvline(
            float(means["mean"][baseline]),
            color="0.35",
            linestyle=line,
            linewidth=1.1,
            label=f"mean of {baseline}",
        )
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
            fontsize=8,
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
        figure.legend(
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
