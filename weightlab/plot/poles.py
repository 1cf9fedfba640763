"""Ends of a curve where the weight leaps up, as 1/d does at S = 1: said in words, or they would flatten the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["mark_poles", "split_poles"]

_JUMP = 20  # times the weight at the next grid point


def split_poles(curve: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curve without the ends that are more than twenty times their neighbour and above all others; and those ends.

    curve: rows of one weighting and sign, in order of similarity; columns similarity, weight, low, high.
    """
    size = curve[["weight", "low", "high"]].abs().max(axis=1).to_numpy()
    keep = [True] * len(curve)
    for end, next_to_it in ((0, 1), (-1, -2)):
        keep[end] = not (0 < _JUMP * size[next_to_it] < size[end] == size.max())
    return curve[keep], curve[[not each for each in keep]]


def mark_poles(ax: Axes, poles: pd.DataFrame, colour: str) -> None:
    """Say at the end of the axis how far the curve goes there; call it when all curves are drawn."""
    ax.set_ylim(ax.get_ylim())  # the markers are not to move them
    for similarity, weight in poles[["similarity", "weight"]].to_numpy(float).tolist():
        up, right = weight >= 0, similarity > 0
        y = ax.get_ylim()[1 if up else 0]
        ax.plot([similarity], [y], marker="^" if up else "v", color=colour, markersize=5, clip_on=False)
        ax.annotate(
            f"{weight:{',.0f' if abs(weight) >= 100 else '.3g'}} at $S$ = {similarity:g}",
            (similarity, y),
            xytext=(-14 if right else 14, (-4 - 9 * len(ax.texts)) * (1 if up else -1)),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top" if up else "bottom",
            fontsize=7,
            color=colour,
        )
