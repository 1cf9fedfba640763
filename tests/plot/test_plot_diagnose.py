"""The figure of a diagnosis shows the frames that it was given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from weightlab.plot import style
from weightlab.plot.diagnose import plot_diagnosis

LOW = [-0.5, 0.0, 0.5]
HISTOGRAM = pd.DataFrame(
    {
        "low": LOW * 2,
        "high": [0.0, 0.5, 1.0] * 2,
        "sign": ["positive"] * 3 + ["negative"] * 3,
        "share": [0.0, 0.2, 0.8, 0.3, 0.6, 0.1],
    }
)
MASS = pd.concat(
    [HISTOGRAM.assign(loss=name, share=HISTOGRAM["share"][::-1].to_numpy()) for name in ("_a", "$b$")],
    ignore_index=True,
)
THRESHOLDS = pd.DataFrame({"threshold": LOW, "negatives": [10.0, 7.0, 0.0], "negatives error": [0.0, 1.0, np.nan]})


def drawn() -> Figure:
    return plot_diagnosis(HISTOGRAM, MASS, THRESHOLDS, "x: $5", Figure())


def test_similarities_are_densities() -> None:
    ax = drawn().axes[0]
    outline = [patch for patch in ax.patches if not patch.get_fill()]
    values = {patch.get_label(): patch.get_data().values.tolist() for patch in outline}
    assert values == {
        "positive": pytest.approx([0.0, 0.4, 1.6]),
        "negative": pytest.approx([0.6, 1.2, 0.2]),
    }
    looks = {patch.get_label(): colors.to_hex(patch.get_edgecolor()).upper() for patch in outline}
    assert looks == {"positive": style.POSITIVE, "negative": style.NEGATIVE}
    assert ax.get_xlim() == pytest.approx((-0.545, 1.0))


def test_a_line_a_loss_with_its_name_as_it_is() -> None:
    figure = drawn()
    ax = figure.axes[1]
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [pytest.approx([1.6, 0.4, 0.0])] * 2
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["_a", "$b$"]
    assert not any(text.get_parse_math() for text in [*legend.get_texts(), figure._suptitle])


def test_active_negatives_are_drawn_where_there_are_some() -> None:
    ax = drawn().axes[2]
    (line,) = ax.get_lines()
    assert line.get_xydata().tolist() == [[-0.5, 10.0], [0.0, 7.0]]
    assert ax.get_yscale() == "log"
