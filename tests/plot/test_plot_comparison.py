"""A comparison's figure draws the numbers of its frame: positives left, negatives right, each weighting in one look."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.colors as colors
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from weightlab.plot import style
from weightlab.plot.comparison import plot_comparison
from weightlab.plot.save import figure_of

SIMILARITY = np.array([-1.0, 0.0, 1.0])
WEIGHTS = {
    ("first", "positive"): [3.0, 2.0, 1.0],
    ("first", "negative"): [0.0, 1.0, 6.0],
    ("second", "positive"): [5.0, 5.0, 5.0],
    ("second", "negative"): [-1.0, 0.0, 4.0],
}


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    plt.close("all")


def frame(weights: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    parts = []
    for (name, sign), values in weights.items():
        weight = np.array(values)
        columns = {"similarity": SIMILARITY, "weight": weight, "low": weight - 0.25, "high": weight + 0.5}
        parts.append(pd.DataFrame({"weighting": name, "sign": sign, **columns}))
    return pd.concat(parts, ignore_index=True)


def curves(ax: Axes) -> list[tuple[str, list[float], list[float]]]:
    found = [line for line in ax.get_lines() if not line.get_label().startswith("_child")]
    return [(line.get_label(), line.get_xdata().tolist(), line.get_ydata().tolist()) for line in found]


def test_each_weighting_and_sign_is_drawn_as_it_is() -> None:
    axes = plot_comparison(frame(WEIGHTS), "trained")
    for ax, sign, symbol in zip(axes, ("positive", "negative"), "+-", strict=True):
        assert ax.get_title() == f"{sign} pairs"
        assert ax.get_ylabel() == f"weight  $w^{{{symbol}}}$"
        assert curves(ax) == [(name, SIMILARITY.tolist(), WEIGHTS[name, sign]) for name in ("first", "second")]
        assert ax.get_xlim() == (-1, 1)
        assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
        for band, line in zip(ax.collections, ax.get_lines(), strict=False):
            vertices = band.get_paths()[0].vertices
            for similarity, weight in zip(line.get_xdata(), line.get_ydata(), strict=True):
                at = vertices[vertices[:, 0] == similarity, 1]
                assert (at.min(), at.max()) == pytest.approx((weight - 0.25, weight + 0.5))
    assert axes[0].get_window_extent().x1 < axes[1].get_window_extent().x0  # positives left
    assert axes[0].get_ylim() == pytest.approx((-0.05 * 5.5, 1.05 * 5.5))
    assert axes[1].get_ylim() == pytest.approx((-1.25 - 0.05 * 7.75, 6.5 + 0.05 * 7.75))
    assert figure_of(axes[0])._suptitle.get_text() == "median and 5–95 % over contexts: trained"


def test_one_look_a_weighting_as_the_legend_says() -> None:
    left, right = plot_comparison(frame(WEIGHTS), "trained")
    (legend,) = figure_of(left).legends
    for number, (text, handle) in enumerate(zip(legend.get_texts(), legend.legend_handles, strict=True)):
        assert text.get_text() == ("first", "second")[number]
        lines = [left.get_lines()[number], right.get_lines()[number], handle]
        assert {colors.to_hex(line.get_color()).upper() for line in lines} == {style.SERIES[number]}
        assert len({line.get_linestyle() for line in lines}) == 1


def test_no_two_of_eight_weightings_look_alike() -> None:
    eight = {(f"w{number}", sign): [1.0, 1.0, 1.0] for number in range(8) for sign in ("positive", "negative")}
    ax, _ = plot_comparison(frame(eight), "trained")
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in ax.get_lines()}
    assert len(looks) == 8


def test_equal_mass_is_said() -> None:
    for ax in plot_comparison(frame(WEIGHTS), "trained", equal_mass=True):
        assert ax.get_ylabel().endswith(" / weight mass of an anchor")


def test_poles_are_marked_when_all_curves_are_drawn() -> None:
    weights = {**WEIGHTS, ("first", "negative"): [0.0, 1.0, 9000.0]}
    _, ax = plot_comparison(frame(weights), "trained")
    assert ax.get_ylim()[1] == pytest.approx(4.5 + 0.05 * 5.75)
    (text,) = ax.texts
    assert text.get_text() == "9,000 at $S$ = 1"
    assert text.get_color() == style.SERIES[0]
    assert curves(ax)[0][1:] == ([-1.0, 0.0], [0.0, 1.0])
