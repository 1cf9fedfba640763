"""The figure of the step's benchmark: time against the number of references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np
from weightlab.plot import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["draw_step"]

_WIDTH, _HEIGHT = 3.4, 3.2  # of a panel with its labels, inches
_GAP = 0.06  # between two labels, as a share of the axes' height


def draw_step(times: pd.DataFrame, yardstick: str) -> Figure:
    """A panel for each loss, a line for each method, each labelled at its end; log-log.

    times: method, loss, references, seconds. The method `yardstick`, which has no loss, is in every panel; a weighting
    that only one method has stands in the first. A method has the same colour and dashes in all panels.
    """
    from matplotlib.figure import Figure

    own = times[times["method"] != yardstick]
    losses = own.groupby("loss", sort=False)["method"].nunique()
    panels = list(losses.index[losses > 1]) or list(losses.index[:1])
    lines = own.assign(panel=own["loss"].where(own["loss"].isin(panels), panels[0]), line=own["method"])
    alone = ~own["loss"].isin(panels)
    lines.loc[alone, "line"] = own["method"][alone] + ", " + own["loss"][alone]
    looks = {str(name): look for look, name in enumerate(lines["line"].unique())}
    with style.context():
        figure = Figure(figsize=(_WIDTH * len(panels), _HEIGHT))
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for ax, panel in zip(axes, panels, strict=True):
            _draw(ax, times[times["method"] == yardstick], yardstick, "0.35", (0, (1, 1.5)))
            for name, part in lines[lines["panel"] == panel].groupby("line", sort=False):
                look = looks[str(name)] % len(style.SERIES)
                _draw(ax, part, str(name), style.SERIES[look], style.DASHES[look])
            ax.set_title(str(panel))
            ax.set_xlabel("references  $M$")
        axes[0].set(xscale="log", yscale="log", ylabel="milliseconds")
        axes[0].set_xlim(times["references"].min() / 1.2, times["references"].max())
        for ax in axes:
            _label(ax)
    return figure


def _draw(ax: Axes, part: pd.DataFrame, name: str, colour: str, dashes: str | tuple[int, tuple[float, ...]]) -> None:
    part = part.sort_values("references")
    ax.plot(part["references"], 1000 * part["seconds"], color=colour, linestyle=dashes, label=name)


def _label(ax: Axes) -> None:
    """Each line's name at its end: right of the axes, moved apart there, or inside where the line ends before."""
    most = ax.get_xlim()[1]
    lines = sorted(ax.get_lines(), key=lambda line: _end(line)[1])
    for line in (line for line in lines if _end(line)[0] < most):
        name, colour = str(line.get_label()), line.get_color()
        ax.annotate(name, _end(line), (0, 6), textcoords="offset points", ha="center", fontsize=7, color=colour)
    right = [line for line in lines if _end(line)[0] >= most]
    to_axes = ax.transData + ax.transAxes.inverted()
    for line, height in zip(right, _with_gaps([to_axes.transform(_end(line))[1] for line in right]), strict=True):
        name, colour = str(line.get_label()), line.get_color()
        ax.text(1.02, height, name, transform=ax.transAxes, va="center", fontsize=7, color=colour)


def _with_gaps(heights: list[float]) -> list[float]:
    """The ascending `heights`, moved as little as possible (in squares) so that each is a gap above the one before."""
    from scipy.optimize import isotonic_regression

    if not heights:
        return []
    steps = _GAP * np.arange(len(heights))
    return [float(height) for height in isotonic_regression(np.asarray(heights) - steps).x + steps]


def _end(line: Line2D) -> tuple[float, float]:
    x, y = np.asarray(line.get_xydata())[-1]
    return float(x), float(y)
