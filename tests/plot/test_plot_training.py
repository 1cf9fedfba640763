"""The figure of a run: what is drawn of given frames."""

from __future__ import annotations

import matplotlib.colors as colors
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weightlab.plot import style
from weightlab.plot.training import draw

STEPS = (100, 200, 300)
NOTHING = pd.DataFrame(columns=["step", "surrogate", "learning_rate"], dtype=float)


def frame(terms: tuple[str, ...] = ("batch", "memory"), ages: tuple[int, ...] = (1, 10)) -> pd.DataFrame:
    """At each step a quarter of the mass in the bin above 0.5 and the rest above 0.75; positives up to step 200."""
    rows: list[tuple[object, ...]] = []
    for step in STEPS:
        for term in terms:
            for sign in ("positive", "negative"):
                for low, share in ((0.25, 0.0), (0.5, 1.0), (0.75, 3.0)):
                    value = share * step * (sign == "negative" or step < 300)
                    rows.append((step, term, "mass", sign, low, low + 0.25, None, "mean", value, 16))
                rows.append((step, term, "total_mass", sign, None, None, None, "mean", 4.0 * step, 16))
            for number, statistic in enumerate(("q10", "mean", "q90")):
                rows.append((step, term, "active", "negative", None, None, None, statistic, 10.0 + number, 16))
        rows += [(step, "memory", "drift", None, None, None, age, "mean", age / step, 64) for age in ages]
    columns = ["step", "term", "measure", "sign", "low", "high", "age", "statistic", "value", "count"]
    return pd.DataFrame(rows, columns=columns).astype({"age": "Int64", "low": float, "high": float})


def history(rate: bool = True) -> pd.DataFrame:
    steps = np.arange(1, 401)
    found = pd.DataFrame({"step": steps, "surrogate": np.where(steps % 10 == 0, 50.0, -1.0)})
    return found.assign(learning_rate=steps / 400) if rate else found


VALIDATION = pd.DataFrame({"step": [100, 200, 300, 400], "R@1": [0.25, 0.5, 0.75, 0.7]})


def panels(figure: Figure) -> dict[str, Axes]:
    """By their titles, or by what stands beside them."""
    return {ax.get_title(loc="left") or ax.get_ylabel(): ax for ax in figure.axes}


def test_there_is_a_panel_for_all_that_there_is() -> None:
    found = panels(draw(frame(), history(), VALIDATION, title="runs/a"))
    assert list(found) == [
        "batch, positives",
        "memory, positives",
        "batch, negatives",
        "memory, negatives",
        "drift (1 − cosine)",
        "active negatives",
        "weight mass",
        "surrogate",
        "learning rate",
        "validation R@1 (%)",
        "share of the weight",
    ]
    for name, ax in found.items():
        assert name == "share of the weight" or ax.get_xlim() == (0, 400)


def test_what_has_no_data_is_left_out() -> None:
    assert list(panels(draw(frame(("batch",), ()), history(rate=False)))) == [
        "batch, positives", "batch, negatives", "active negatives", "weight mass", "surrogate", "share of the weight",
    ]  # fmt: skip
    assert list(panels(draw(frame()[:0], history()))) == ["surrogate", "learning rate"]
    assert list(panels(draw(frame()[:0], NOTHING, VALIDATION))) == ["validation R@1 (%)"]
    assert not draw(frame()[:0], NOTHING).axes


def test_a_column_of_a_map_is_the_shares_of_a_record() -> None:
    found = panels(draw(frame(), history()))
    for name in ("memory, negatives", "memory, positives"):
        (mesh,) = found[name].collections
        grid = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(2, 3)  # from 0.5 on, where there is mass
        expected = np.array([[0.25] * 3, [0.75] * 3])
        if name == "memory, positives":
            expected[:, 2] = np.nan  # a record without any weight is blank
        np.testing.assert_allclose(grid, expected)
        corners = mesh.get_coordinates()
        assert corners[0, :, 0].tolist() == [0, 100, 200, 300]  # each record back to the one before
        assert corners[:, 0, 1].tolist() == [0.5, 0.75, 1.0]


def test_a_sign_without_weight_says_so() -> None:
    weights = frame()
    weights.loc[(weights["sign"] == "negative") & (weights["term"] == "memory"), "value"] = 0.0
    ax = panels(draw(weights, history()))["memory, negatives"]
    assert [text.get_text() for text in ax.texts] == ["no weight"]


def test_lines_are_the_numbers() -> None:
    found = panels(draw(frame(), history(), VALIDATION))
    drift = {line.get_label(): line for line in found["drift (1 − cosine)"].get_lines()}
    assert list(drift) == ["age 1", "10"]
    assert drift["10"].get_ydata().tolist() == pytest.approx([0.1, 0.05, 10 / 300])
    assert found["drift (1 − cosine)"].get_yscale() == "log"
    batch, memory = found["active negatives"].get_lines()
    assert batch.get_ydata().tolist() == memory.get_ydata().tolist() == [11.0] * 3
    (band, _) = found["active negatives"].collections
    assert {10.0, 12.0} == set(band.get_paths()[0].vertices[:, 1])
    of = [line for line in found["weight mass"].get_lines() if len(line.get_xdata())]
    assert [colors.to_hex(line.get_color()) for line in of].count(style.POSITIVE.lower()) == 2
    assert all(line.get_ydata().tolist() == [400.0, 800.0, 1200.0] for line in of)
    step, median = found["surrogate"].get_lines()[:2]
    assert step.get_ydata()[9] == 50
    assert set(median.get_ydata()) == {-1.0}  # of ten steps, whatever one in ten does
    assert median.get_label() == "median of 10"
    line, best = found["validation R@1 (%)"].get_lines()
    assert line.get_ydata().tolist() == [25, 50, 75, 70]
    assert (best.get_xdata().item(), best.get_ydata().item(), best.get_label()) == (300, 75, "best 75.0")


@pytest.mark.parametrize("longest", [400, 34_000, 1_000_000])
def test_no_label_lies_on_another(longest: int) -> None:
    weights, line = frame(), history()
    for each in (weights, line):
        each["step"] = each["step"] * longest // 400
    figure = draw(weights, line, VALIDATION.assign(step=VALIDATION["step"] * longest // 400), title="runs/a " * 40)
    figure.draw_without_rendering()
    assert figure.get_figwidth() == 7.0
    texts = [figure._suptitle]
    for ax in figure.axes:
        legend = ax.get_legend()
        low, high = sorted(ax.get_xlim())
        marks = [tick.label1 for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        bottom, top = sorted(ax.get_ylim())
        marks += [tick.label1 for tick in ax.yaxis.get_major_ticks() if bottom <= tick.get_loc() <= top]
        texts += [*marks, ax.xaxis.label, ax.yaxis.label, ax._left_title, *(legend.get_texts() if legend else ())]
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    assert len(boxes) > 60
    for number, (name, box) in enumerate(boxes):
        assert -1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1, name
        assert -1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1, name
        for other, beside in boxes[:number]:
            across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            along = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert min(across, along) < 2, (name, other)  # pixels of a hundred to the inch


def test_a_given_figure_is_drawn_in() -> None:
    figure = Figure(figsize=(9, 3))
    assert draw(frame(), history(), figure=figure) is figure
    assert figure.get_figwidth() == 9
    assert len(figure.axes) == 10
