"""Where the weight axis begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["set_limits"]


def set_limits(ax: Axes, drawn: pd.DataFrame, zero_line: str = "0.6") -> None:
    """From zero, or a curve's rise would look like more than it is; a weight below zero shows, with a line at zero.

    drawn: columns low and high of all the curves on these axes.
    """
    low, high = min(0.0, drawn["low"].min()), max(0.0, drawn["high"].max())
    margin = 0.05 * (high - low or 1)
    ax.set_ylim(low - margin, high + margin)
    if low < 0:
        ax.axhline(0, color=zero_line, linewidth=0.6, zorder=1)
