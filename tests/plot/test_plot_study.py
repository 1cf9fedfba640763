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
        assert list(line.get_xdata()) == [-1, 0, 1]
        assert list(line.get_ydata()) == [0, 0.5, 1]
    assert ax.get_xlim() == (-1, 1)
    assert ax.get_ylim() == (-0.12, 1.15)
    positive, negative = lines["$w^+$ (positive)"], lines["$w^-$ (negative)"]
    assert colors.to_hex(positive.get_color()) == style.POSITIVE.lower()
    assert colors.to_hex(negative.get_color()) == style.NEGATIVE.lower()
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


def test_intervals_reach_from_low_to_high_at_their_own_row(frames: Frames) -> None:
    _, _, means = frames
    recall = draw(*frames, metric="R@1").axes[-1]
    rows = means[means["metric"] == "R@1"].set_index("arm")
    segments = [bars.get_segments() for bars in recall.collections]
    wanted = [(row, each) for row, each in enumerate(rows.itertuples()) if each.low == each.low]
    assert len(segments) == len(wanted) == 3
    for ((start, end),), (row, each) in zip(segments, wanted, strict=True):
        assert start == pytest.approx([each.low, row])
        assert end == pytest.approx([each.high, row])
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in recall.get_lines() if line.get_marker() == "D"]
    assert diamonds == [(mean, row) for row, mean in enumerate(rows["mean"])]
    assert [text.get_position()[1] for text in recall.texts] == [0, 1, 2, 3]
    assert recall.get_xlabel() == "R@1 (%)"
    assert recall.get_xscale() == "linear"
    top, bottom = recall.get_ylim()
    assert top > bottom  # the first arm at the top


def test_seeds_lie_beside_the_interval_of_their_arm(frames: Frames) -> None:
    recall = draw(*frames, metric="R@1").axes[-1]
    heights = [set(line.get_ydata()) for line in recall.get_lines() if line.get_marker() == "o"]
    assert heights == [{row + 0.2} for row in range(4)]


def test_only_the_metric_is_drawn(frames: Frames) -> None:
    curves, results, _ = frames
    both = pd.concat([results.assign(metric="MAP@R", value=0.5 * results["value"] + 50), results])
    one, two = (draw(curves, each, table(each), metric="R@1").axes[-1] for each in (results, both))
    assert [line.get_xydata().tolist() for line in one.get_lines()] == [
        line.get_xydata().tolist() for line in two.get_lines()
    ]


def test_no_line_without_the_baseline(frames: Frames) -> None:
    for baseline in (None, "absent"):
        figure = draw(*frames, metric="R@1", baseline=baseline)
        assert [text.get_text() for text in figure.legends[1].get_texts()] == ["one seed", "mean, 95 % interval"]


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ((40.0, 41.0, 42.0), 38.516 - 0.04 * 4.968, 43.484 + 0.04 * 4.968),  # from 0 would waste most of the axis
        ((1.0, 2.0, 3.0), -0.04 * 4.484, 4.484 * 1.04),  # within 0 … 100, and from 0
        ((97.0, 98.0, 99.0), 95.516 - 0.04 * 4.484, 100 + 0.04 * 4.484),
    ],
)
def test_the_axis_holds_seeds_and_intervals(values: tuple[float, ...], low: float, high: float) -> None:
    rows = [("a", seed, "R@1", value) for seed, value in enumerate(values)]
    results = pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])
    curves = pd.DataFrame([("a", s, "positive", 1.0) for s in (-1, 1)], columns=["arm", "similarity", "sign", "weight"])
    recall = draw(curves, results, table(results), metric="R@1").axes[-1]
    assert recall.get_xlim() == pytest.approx((low, high), abs=2e-3)


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
    assert [list(line.get_ydata()) for line in axes[1].get_lines()] == [[-0.5, 0.5, 1], [-1 / 300, 0.5, 1]]
    assert axes[1].get_ylim()[0] < -1
    assert axes[0].get_ylim()[0] > -0.5
