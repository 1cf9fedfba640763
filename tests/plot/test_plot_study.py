import matplotlib.colors as colors
import pandas as pd
import pytest

from weightlab.plot import style
from weightlab.plot.study import draw
from weightlab.study.statistics import table

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
ARMS = {
    "baseline": (40.0, 41.0, 42.0),
    "low": (1.0, 2.0, 3.0),
    "one seed": (20.0,),
    "with a name far too long for a line": (30.0, 31.0),
}


@pytest.fixture
def frames() -> Frames:
    rows = [(arm, seed, "R@1", value) for arm, values in ARMS.items() for seed, value in enumerate(values)]
    results = pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])
    curves = pd.DataFrame(
        [
            (arm, similarity, sign, weight * height)
            for arm in ARMS
            for sign, height in (("positive", 2.0), ("negative", 300.0))
            for similarity, weight in ((-1.0, 0.0), (0.0, 0.5), (1.0, 1.0))
        ],
        columns=["arm", "similarity", "sign", "weight"],
    )
    return curves, results, table(results)


def test_a_row_for_each_arm(frames: Frames) -> None:
    figure = draw(*frames, metric="R@1", baseline="baseline")
    *rows, recall = figure.axes
    assert [ax.get_ylabel().replace("\n", " ") for ax in rows] == list(ARMS)
    figure.draw_without_rendering()
    for row, ax in enumerate(rows):
        box = ax.get_window_extent()
        y = recall.transData.transform((0, row))[1]
        assert y == pytest.approx((box.y0 + box.y1) / 2, abs=0.5)  # pixels


def test_the_curves_are_relative_and_told_apart_without_colour(frames: Frames) -> None:
    ax = draw(*frames, metric="R@1").axes[0]
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert set(lines) == {"$w^+$ (positive)", "$w^-$ (negative)"}
    for line in lines.values():
        assert list(line.get_ydata()) == [0, 0.5, 1]
    positive, negative = lines.values()
    assert colors.to_hex(positive.get_color()) == style.POSITIVE.lower()
    assert positive.get_linestyle() == "-"
    assert negative.get_linestyle() == "--"


def test_the_recall_shows_seeds_means_intervals_and_the_baseline(frames: Frames) -> None:
    recall = draw(*frames, metric="R@1", baseline="baseline").axes[-1]
    dots = [sorted(line.get_xdata()) for line in recall.get_lines() if line.get_marker() == "o"]
    assert dots == [sorted(values) for values in ARMS.values()]
    (line,) = [line for line in recall.get_lines() if line.get_label() == "mean of baseline"]
    assert list(line.get_xdata()) == [41, 41]
    assert [text.get_text() for text in recall.texts] == ["41.00 ± 2.48", "2.00 ± 2.48", "20.00", "30.50 ± 6.35"]
    low, high = recall.get_xlim()
    assert low < 0.5
    assert 43.5 < high < 50


def test_names_and_legends_stay_inside_the_page(frames: Frames) -> None:
    figure = draw(*frames, metric="R@1", baseline="baseline")
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [ax.get_tightbbox() for ax in figure.axes] + [legend.get_window_extent() for legend in figure.legends]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_signed_weights_go_below_zero(frames: Frames) -> None:
    curves, results, means = frames
    curves.loc[(curves["arm"] == "low") & (curves["similarity"] == -1.0), "weight"] = -1.0
    axes = draw(curves, results, means, metric="R@1").axes
    assert axes[1].get_ylim()[0] < -1
    assert axes[0].get_ylim()[0] > -0.5
