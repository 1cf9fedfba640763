"""The figure of a run: where the weight goes as training goes on, and what else changes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from weightlab.lazy import np, pd
from weightlab.plot import style
from weightlab.plot.plain import PLAIN, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw"]

_WIDTH, _ROW, _TITLE, _LINE = 7.0, 1.55, 0.1, 0.17  # inches
_LETTERS = 92  # in a line of the title
_MOST_POINTS = 4000  # of a line: more are no sharper, and slow to draw
_WINDOWS = 40  # of the running median, in a run
_COLOUR = {"positive": style.POSITIVE, "negative": style.NEGATIVE}
_TERM_COLOUR = {"batch": style.SERIES[2], "memory": style.SERIES[3]}
_TERM_LINE = {"batch": style.DASHES[1], "memory": "-"}
_STEEP = 30  # ratio of the largest value to the least above which an axis is logarithmic


@dataclass(frozen=True)
class _Panel:
    """What is drawn on axes of its own.

    title: above a map, beside lines.
    onto: draws it.
    """

    title: str
    onto: Callable[[Axes], None]


def draw(
    weights: pd.DataFrame,
    history: pd.DataFrame,
    validation: pd.DataFrame | None = None,
    *,
    title: str = "",
    figure: Figure | None = None,
) -> Figure:
    """Heat maps of the weight mass by similarity over the steps, a sign and a term each, and below them, as lines, what
    there is of: drift by age, active negatives, masses, surrogate, learning rate, validation.

    weights: as weights.parquet has it (`weightlab.train.recording.Records.frame`). history: step, surrogate and, where
    it is known, learning_rate. validation: step and R@1, a fraction. Each may have no rows: what has no data is left
    out. A column of a heat map is a record, and adds up to 1. figure: to draw in; it keeps its width.
    """
    from matplotlib.figure import Figure

    maps, lines = _maps(weights), _lines(weights, history, validation)
    text = wrapped(title, _LETTERS)
    above = _TITLE + _LINE * (1 + text.count("\n")) if text else _TITLE
    rows = len(maps) // 2 + (len(lines) + 1) // 2
    with style.context():
        figure = Figure(figsize=(_WIDTH, 0)) if figure is None else figure
        figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.05)
        figure.set_size_inches(figure.get_figwidth(), above + _ROW * max(1, rows) + 0.2)
        if text:
            figure.suptitle(text, fontsize=9, x=0.01, ha="left", **PLAIN)
        grid = figure.add_gridspec(max(1, rows), 2)
        panels = [*maps, *lines]
        end = _end(weights, history)
        axes = [figure.add_subplot(grid[divmod(place, 2)]) for place in range(len(panels))]
        for place, (ax, panel) in enumerate(zip(axes, panels, strict=True)):
            panel.onto(ax)
            if place < len(maps):
                ax.set_title(panel.title, loc="left", fontsize=8)
            else:
                ax.set_ylabel(panel.title, fontsize=8)
            ax.set_xlim(0, end)
            _mark_steps(ax, last=place + 2 >= len(panels))
        figure.align_ylabels(axes)
        if maps:
            _add_bar(figure, axes[: len(maps)])
    return figure


def _maps(weights: pd.DataFrame) -> list[_Panel]:
    """A heat map a sign and a term, terms side by side; signs, where there is one term; two in a row."""
    mass = weights[weights["measure"] == "mass"]
    mass = mass[mass["value"] > 0]
    terms = [term for term in ("batch", "memory") if (mass["term"] == term).any()]
    if mass.empty:
        return []
    signs = ("positive", "negative")
    low, high = float(mass["low"].min()), float(mass["high"].max())
    return [
        _Panel(
            f"{term}, {sign}s",
            partial(_draw_map, mass[(mass["term"] == term) & (mass["sign"] == sign)], _edges(weights), (low, high)),
        )
        for sign in signs
        for term in terms
    ]


def _edges(weights: pd.DataFrame) -> np.ndarray:
    """The records' steps, each with the step from which on it stands."""
    steps = np.unique(weights["step"].to_numpy())
    return np.concatenate([[max(0, steps[0] - np.diff(steps).min(initial=steps[0]))], steps]).astype(float)


def _draw_map(mass: pd.DataFrame, edges: np.ndarray, reach: tuple[float, float], ax: Axes) -> None:
    ax.set_ylim(*reach)
    ax.set_ylabel("similarity", fontsize=8)
    ax.grid(visible=False)
    if mass.empty:
        ax.text(0.5, 0.5, "no weight", transform=ax.transAxes, ha="center", va="center", color="0.4")
        return
    table = mass.pivot_table(index="low", columns="step", values="value", aggfunc="sum", observed=True)
    share = (table / table.sum()).reindex(columns=edges[1:])
    width = float((mass["high"] - mass["low"]).iloc[0])
    lows = np.arange(round((reach[1] - reach[0]) / width)) * width + reach[0]
    rows = {round(low / width): row for low, row in zip(share.index, share.to_numpy(), strict=True)}
    none = np.full(share.shape[1], np.nan)
    grid = np.stack([rows.get(round(low / width), none) for low in lows])
    ax.pcolormesh(
        edges, [*lows, reach[1]], grid, cmap="magma_r", norm="log", vmin=0.001, vmax=1, rasterized=True, linewidth=0
    )


def _add_bar(figure: Figure, axes: list[Axes]) -> None:
    """One scale for all maps."""
    drawn = [ax.collections[0] for ax in axes if ax.collections]
    bar = figure.colorbar(drawn[0], ax=axes, aspect=30, pad=0.015, extend="min")
    bar.set_label("share of the weight", fontsize=8)
    bar.ax.set_yticks([0.001, 0.01, 0.1, 1], labels=["0.1 %", "1 %", "10 %", "100 %"])
    bar.ax.grid(visible=False)


def _lines(weights: pd.DataFrame, history: pd.DataFrame, validation: pd.DataFrame | None) -> list[_Panel]:
    """All panels of lines that have data."""
    drift = weights[weights["measure"] == "drift"]
    active = weights[weights["measure"] == "active"]
    mass = weights[weights["measure"] == "total_mass"]
    panels = []
    if len(drift):
        panels.append(_Panel("drift (1 − cosine)", partial(_draw_drift, drift)))
    if len(active):
        panels.append(_Panel("active negatives", partial(_draw_active, active)))
    if len(mass):
        panels.append(_Panel("weight mass", partial(_draw_masses, mass)))
    if len(history):
        panels.append(_Panel("surrogate", partial(_draw_surrogate, history)))
    if "learning_rate" in history and len(history):
        panels.append(_Panel("learning rate", partial(_draw_rate, history)))
    if validation is not None and len(validation):
        panels.append(_Panel("validation R@1 (%)", partial(_draw_validation, validation)))
    return panels


def _draw_drift(drift: pd.DataFrame, ax: Axes) -> None:
    for number, (age, part) in enumerate(drift.groupby("age")):
        ax.plot(
            part["step"],
            part["value"].where(part["value"] > 0),
            color=style.SERIES[number],
            linestyle=style.DASHES[number],
            marker="." if len(part) < 3 else None,
            label=f"{age:,}" if number else f"age {age:,}",
        )
    ax.set_yscale("log" if (drift["value"] > 0).any() else "linear")
    _add_legend(ax)


def _draw_active(active: pd.DataFrame, ax: Axes) -> None:
    """The mean, in a band from the tenth to the ninetieth percentile of anchors."""
    for term, part in active.groupby("term", observed=True):
        table = part.pivot_table(index="step", columns="statistic", values="value", observed=True)
        colour = _TERM_COLOUR[str(term)]
        ax.fill_between(table.index, table["q10"], table["q90"], color=colour, alpha=0.2, linewidth=0)
        ax.plot(table.index, table["mean"], color=colour, linestyle=_TERM_LINE[str(term)], label=str(term))
    _set_scale(ax, active.loc[active["statistic"] == "mean", "value"])
    _add_legend(ax)


def _draw_masses(mass: pd.DataFrame, ax: Axes) -> None:
    for (term, sign), part in mass.groupby(["term", "sign"], observed=True):
        ax.plot(part["step"], part["value"], color=_COLOUR[str(sign)], linestyle=_TERM_LINE[str(term)])
    for sign, colour in _COLOUR.items():
        ax.plot([], [], color=colour, label=sign)
    ax.plot([], [], color="0.4", linestyle=_TERM_LINE["batch"], label="of the batch")
    _set_scale(ax, mass["value"])
    _add_legend(ax)


def _draw_surrogate(history: pd.DataFrame, ax: Axes) -> None:
    window = max(1, len(history) // _WINDOWS)
    median = history["surrogate"].rolling(window, center=True, min_periods=1).median()
    every = max(1, len(history) // _MOST_POINTS)
    ax.plot(history["step"][::every], history["surrogate"][::every], color="0.75", linewidth=0.5, label="a step")
    ax.plot(history["step"][::every], median[::every], color="black", label=f"median of {window:,}")
    low, high = history["surrogate"].quantile([0.002, 0.998])
    room = 0.08 * (high - low) or 0.1
    ax.set_ylim(low - room, high + room)  # a single wild step would flatten the rest
    if low < 0 < high:
        ax.axhline(0, color="0.6", linewidth=0.6, zorder=1)
    _add_legend(ax)


def _draw_rate(history: pd.DataFrame, ax: Axes) -> None:
    every = max(1, len(history) // _MOST_POINTS)
    ax.plot(history["step"][::every], history["learning_rate"][::every], color="black")
    ax.set_ylim(bottom=0)
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)


def _draw_validation(validation: pd.DataFrame, ax: Axes) -> None:
    percent = 100 * validation["R@1"]
    best = int(percent.to_numpy().argmax())
    ax.plot(validation["step"], percent, color="black", marker=".", markersize=4)
    ax.plot(
        validation["step"].iloc[best],
        percent.iloc[best],
        "D",
        color=style.NEGATIVE,
        markersize=4.5,
        clip_on=False,
        label=f"best {percent.iloc[best]:.1f}",
    )
    _add_legend(ax)


def _set_scale(ax: Axes, values: pd.Series[float]) -> None:
    """Logarithmic where values are far apart, and else from 0."""
    above = values[values > 0]
    if len(above) and above.max() > _STEEP * above.quantile(0.05):
        ax.set_yscale("symlog", linthresh=float(10 ** np.floor(np.log10(above.quantile(0.05)))))
    ax.set_ylim(0, max(1.08 * values.max(), 1e-12))


def _add_legend(ax: Axes) -> None:
    """Above the axes, in one row."""
    lines = len(ax.get_legend_handles_labels()[0])
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.01, 0.98),
        ncols=lines,
        frameon=False,
        fontsize=7,
        handlelength=1.6,
        handletextpad=0.4,
        columnspacing=0.8,
        borderpad=0,
        borderaxespad=0.2,
    )


def _mark_steps(ax: Axes, *, last: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    most = ax.get_xlim()[1]
    ax.xaxis.set_major_locator(MaxNLocator(5 if most < 10_000 else 4 if most < 100_000 else 3, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    ax.tick_params(axis="x", labelbottom=last)
    if last:
        ax.set_xlabel("step")


def _end(weights: pd.DataFrame, history: pd.DataFrame) -> float:
    steps = [int(frame["step"].max()) for frame in (weights, history) if len(frame)]
    return float(max(steps, default=1))
