"""A weight curve as its frame has it, each sign on a scale of its own where one would flatten the other."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.colors as colors
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from weightlab.plot import style
from weightlab.plot.curves import plot_curve
from weightlab.plot.save import figure_of

SIMILARITY = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
POSITIVE = np.array([4.0, 3.0, 2.0, 1.0, 0.5])
NEGATIVE = np.array([0.0, 0.0, 1.0, 2.0, 5.0])


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    plt.close("all")


def frame(positive: np.ndarray = POSITIVE, negative: np.ndarray = NEGATIVE, band: float = 0.0) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {"similarity": SIMILARITY, "sign": sign, "weight": each, "low": each - band, "high": each + 2 * band}
        )
        for sign, each in (("positive", positive), ("negative", negative))
    ]
    return pd.concat(parts, ignore_index=True)


def lines(ax: Axes) -> dict[str, Line2D]:
    """The curves by colour."""
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) > 2]
    return {colors.to_hex(line.get_color()).upper(): line for line in curves}


def other(ax: Axes) -> Axes:
    (twin,) = [each for each in figure_of(ax).axes if each is not ax]
    return twin


def test_each_sign_is_drawn_as_it_is() -> None:
    ax = plot_curve(frame(), "title")
    for colour, sign, weight in ((style.POSITIVE, "positive", POSITIVE), (style.NEGATIVE, "negative", NEGATIVE)):
        line = lines(ax)[colour]
        assert line.get_xdata().tolist() == SIMILARITY.tolist()
        assert line.get_ydata().tolist() == weight.tolist()
        assert line.get_label().startswith(f"{sign}: $w^{{{'+' if sign == 'positive' else '-'}}} =")
    assert lines(ax)[style.POSITIVE].get_linestyle() == "-"
    assert lines(ax)[style.NEGATIVE].get_linestyle() == "--"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [line.get_label() for line in lines(ax).values()]
    handles = [colors.to_hex(handle.get_color()).upper() for handle in ax.get_legend().legend_handles]
    assert handles == [style.POSITIVE, style.NEGATIVE]
    assert len(figure_of(ax).axes) == 1
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_xlim()) == ("linear", "linear", (-1, 1))
    assert "similarity" in ax.get_xlabel()
    assert "weight" in ax.get_ylabel()
    assert ax.get_title() == "title"


def test_the_weight_axis_begins_at_zero_and_holds_the_bands() -> None:
    assert plot_curve(frame(), "").get_ylim() == pytest.approx((-0.25, 5.25))
    ax = plot_curve(frame(band=1.0), "")
    assert ax.get_ylim() == pytest.approx((-1 - 0.4, 7 + 0.4))  # NEGATIVE: from −1 to 7
    assert [line for line in ax.get_lines() if set(line.get_ydata()) == {0}]  # a line at 0, for there are weights below
    assert not [line for line in plot_curve(frame(), "").get_lines() if set(line.get_ydata()) == {0}]
    assert plot_curve(frame(0 * POSITIVE, 0 * NEGATIVE), "").get_ylim() == pytest.approx((-0.05, 0.05))


def test_the_band_is_between_low_and_high() -> None:
    assert not plot_curve(frame(), "").collections
    bands = plot_curve(frame(band=0.25), "").collections
    assert [colors.to_hex(band.get_facecolor()[0]).upper() for band in bands] == [style.POSITIVE, style.NEGATIVE]
    for band, weight in zip(bands, (POSITIVE, NEGATIVE), strict=True):
        vertices = band.get_paths()[0].vertices
        for similarity, middle in zip(SIMILARITY, weight, strict=True):
            at = vertices[vertices[:, 0] == similarity, 1]
            assert (at.min(), at.max()) == pytest.approx((middle - 0.25, middle + 0.5))


def test_what_the_band_is_over_is_said_only_with_a_context() -> None:
    assert not plot_curve(frame(), "").texts
    (text,) = plot_curve(frame(), "", "trained").texts
    assert text.get_text() == "median and 5–95 % over contexts: trained"


@pytest.mark.parametrize(("high", "low"), [("positive", "negative"), ("negative", "positive")])
def test_a_much_lower_sign_gets_its_own_scale(high: str, low: str) -> None:
    heights = {high: 12.1 * 4, low: 4.0}
    curves = frame(heights["positive"] / 4 * POSITIVE, heights["negative"] / 5 * NEGATIVE)
    ax = plot_curve(curves, "")
    axes = {"positive": ax, "negative": other(ax)}
    for sign, colour in (("positive", style.POSITIVE), ("negative", style.NEGATIVE)):
        assert list(lines(axes[sign])) == [colour]
        assert axes[sign].get_ylim() == pytest.approx((-0.05 * heights[sign], 1.05 * heights[sign]))
        assert f"w^{{{'+' if sign == 'positive' else '-'}}}" in axes[sign].get_ylabel()
        assert axes[sign].yaxis.label.get_color() == colour
    assert len(ax.get_legend().get_texts()) == 2
    assert axes["negative"].spines["right"].get_visible()


def test_twelve_times_is_one_scale_and_so_is_a_sign_without_weight() -> None:
    assert len(figure_of(plot_curve(frame(12 * 4 / 4 * POSITIVE, 4 / 5 * NEGATIVE), "")).axes) == 1
    assert len(figure_of(plot_curve(frame(1000 * POSITIVE, 0 * NEGATIVE), "")).axes) == 1


def test_a_scale_goes_by_bands_and_by_weights_below_zero() -> None:
    assert len(figure_of(plot_curve(frame(-100 * POSITIVE, NEGATIVE), "")).axes) == 2
    assert len(figure_of(plot_curve(frame(0 * POSITIVE, 0 * NEGATIVE, band=1.0), "")).axes) == 1


@pytest.mark.parametrize(
    ("ends", "sign", "marker", "text"),
    [
        ({4: 1e4}, "negative", "^", "10,000 at $S$ = 1"),
        ({4: -1e4}, "negative", "v", "-10,000 at $S$ = 1"),
        ({0: 101.26}, "positive", "^", "101 at $S$ = -1"),
        ({0: -99.64}, "positive", "v", "-99.6 at $S$ = -1"),
    ],
)
def test_an_end_without_bound_is_marked_there(ends: dict[int, float], sign: str, marker: str, text: str) -> None:
    weights = np.ones(5)
    for index, weight in ends.items():
        weights[index] = weight
    ax = plot_curve(frame(**{sign: weights, "negative" if sign == "positive" else "positive": np.ones(5)}), "")
    (index,) = ends
    colour = {"positive": style.POSITIVE, "negative": style.NEGATIVE}[sign]
    kept = [each for each in range(5) if each != index]
    assert lines(ax)[colour].get_xdata().tolist() == SIMILARITY[kept].tolist()
    assert ax.get_ylim() == pytest.approx((-0.05, 1.05))  # by the rest alone
    (mark,) = [line for line in ax.get_lines() if line.get_marker() == marker]
    edge = ax.get_ylim()[1 if marker == "^" else 0]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([SIMILARITY[index]], [edge])
    assert mark.get_color() == colour
    (words,) = ax.texts
    assert (words.get_text(), words.get_color(), words.xy) == (text, colour, (SIMILARITY[index], edge))
    figure_of(ax).draw_without_rendering()
    box, inside = words.get_window_extent(), ax.get_window_extent()
    assert inside.x0 <= box.x0
    assert box.x1 <= inside.x1
    assert inside.y0 - 5 <= box.y0
    assert box.y1 <= inside.y1 + 5


def test_only_a_leap_is_a_pole() -> None:
    for weights in ([1, 1, 1, 1, 20], [0, 0, 0, 0, 5], [1, 30, 1, 1, 25], [1, 1, 1, 1, 1]):
        ax = plot_curve(frame(np.array(weights, dtype=float), np.array(weights, dtype=float)), "")
        assert not ax.texts
        assert len(lines(ax)[style.POSITIVE].get_xdata()) == 5
    assert plot_curve(frame(np.array([1.0, 1, 1, 1, 20.1])), "").texts


def test_two_poles_of_one_end_are_said_below_each_other() -> None:
    weights = np.array([1.0, 1, 1, 1, 500])
    upper, lower = plot_curve(frame(weights, 2 * weights), "").texts
    assert (upper.get_text(), lower.get_text()) == ("500 at $S$ = 1", "1,000 at $S$ = 1")
    assert upper.xyann[1] - lower.xyann[1] >= 7  # points: the height of the text
