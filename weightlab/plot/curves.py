"""Weight curves: one weighting's positive and negative weight as functions of similarity."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab.lazy import pd, plt
from weightlab.plot import style
from weightlab.plot.limits import set_limits
from weightlab.plot.plain import PLAIN, wrapped
from weightlab.plot.poles import mark_poles, split_poles
from weightlab.plot.save import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["axes_of_its_own", "plot_curve"]

_SYMBOL = {
    "positive": r"$w^{+} = -\,\partial L/\partial S$",
    "negative": r"$w^{-} = +\,\partial L/\partial S$",
}
_COLOUR = {"positive": style.POSITIVE, "negative": style.NEGATIVE}
_WIDTH, _HEIGHT, _LINE = 4.6, 3.0, 0.15  # inches; a line of the title
_TITLE, _CONTEXT = 56, 76  # characters in a line
_ROOMY = 3  # lines above the axes that they leave room for
_UNEVEN = 12  # ratio of the two curves' heights above which one scale would flatten the lower


def plot_curve(curve: pd.DataFrame, title: str, context: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a curve frame (columns similarity, sign, weight, low, high) and return the axes.

    A band from low to high is drawn where they differ. context: named in the legend as what the band ranges over. Where
    one sign's weights are more than twelve times the other's, the negatives get a scale of their own on the right. An
    end where the weight has no bound is marked, not drawn. Without `ax` the axes are those of a new figure of pyplot's.
    """
    ax = _axes(title, context or "", plt.figure) if ax is None else ax
    figure = figure_of(ax)
    current = figure.gca()
    with style.context():
        parts = {str(sign): split_poles(part) for sign, part in curve.groupby("sign", sort=False)}
        heights = [float(part[["low", "high"]].abs().to_numpy().max()) for part, _ in parts.values()]
        has_two_scales = min(heights) > 0 and max(heights) > _UNEVEN * min(heights)
        axes = {"positive": ax, "negative": ax.twinx() if has_two_scales else ax}
        for sign, (part, _) in parts.items():
            _draw(axes[sign], sign, part)
        if has_two_scales:
            for sign, (part, _) in parts.items():
                set_limits(axes[sign], part, zero_line=_COLOUR[sign])
        else:
            set_limits(ax, pd.concat([part for part, _ in parts.values()]))
        for sign, (_, poles) in parts.items():
            mark_poles(axes[sign], poles, _COLOUR[sign])
        ax.set_xlabel("similarity  $S$")
        ax.set_xlim(-1, 1)
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
        if has_two_scales:
            for sign in ("positive", "negative"):
                axes[sign].set_ylabel(f"weight  {_SYMBOL[sign]}", color=_COLOUR[sign])
            axes["negative"].grid(False)
            axes["negative"].spines["right"].set_visible(True)
        else:
            ax.set_ylabel("weight  $w$")
        band = _band(context) if context else ""
        ax.set_title(wrapped(title, _TITLE), pad=9 + 9 * len(band.splitlines()) if band else 6, **PLAIN)
        if band:
            ax.text(0.5, 1.03, band, transform=ax.transAxes, ha="center", fontsize=7, color="0.35", **PLAIN)
        handles = [handle for each in dict.fromkeys(axes.values()) for handle in each.get_legend_handles_labels()[0]]
        # below the axes: inside, it would lie on one of the curves wherever there are two scales
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    figure.sca(current)  # the second scale made itself the one that pyplot draws on
    return ax


def axes_of_its_own(title: str, context: str) -> Axes:
    """Axes for `plot_curve` in a new figure that pyplot neither knows nor shows: for a file or a page."""
    from matplotlib.figure import Figure

    return _axes(title, context, Figure)


def _axes(title: str, context: str, make: Callable[..., Figure]) -> Axes:
    lines = len(wrapped(title, _TITLE).splitlines()) + len(_band(context).splitlines())
    figure = make(figsize=(_WIDTH, _HEIGHT + _LINE * max(0, lines - _ROOMY)), layout="constrained")
    with style.context():
        return figure.add_subplot()


def _band(context: str) -> str:
    return wrapped(f"median and 5–95 % over contexts: {context}", _CONTEXT)


def _draw(ax: Axes, sign: str, part: pd.DataFrame) -> None:
    colour, label = _COLOUR[sign], f"{sign}: {_SYMBOL[sign]}"
    ax.plot(part["similarity"], part["weight"], color=colour, linestyle=style.LINE[sign], label=label)
    if (part["high"] > part["low"]).any():
        ax.fill_between(part["similarity"], part["low"], part["high"], color=colour, alpha=0.18, linewidth=0)
