"""What a notebook shows: each figure once, whatever came first; what is pyplot's and the user's stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

import weightlab as wl
from weightlab import lazy

FEW = {"points": 5, "draws": 2}
SETUP = """import weightlab as wl
d = wl.decompose("ms-loss", points=5, draws=2)
c = wl.compare("contrastive", "triplet", context=wl.contexts.get("trained", negatives=8))
"""
OWN = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
ON_MINE = "figure, ax = plt.subplots()\nd.plot(ax=ax)"
# cells with the images that each must show. What is first in its kernel counts most: it sets the inline display up.
ORDERS = {
    "its picture first": [
        *(
            ("d", 1),
            ("d.plot()", 1),
            (OWN, 1),
            ("c", 1),
            ("c.plot()", 1),
            (ON_MINE, 1),
            ("d", 1),
            ("d.plot(); c.plot()", 2),
        ),
        *(("plt.plot([1, 2])\nd", 2), ("plt.plot([1, 2])\nc\nd", 2), ("d.plot()\nd", 2), ("figure", 1), ("ax", 0)),
        # somebody's figure that is not to be shown yet is neither shown nor closed by a picture of ours
        *(("with plt.ioff():\n    hidden = plt.figure()", 0), ("d", 1), ("c", 1), ("assert plt.get_fignums()", 0)),
        ("plt.close(hidden)\nassert not plt.get_fignums()\nwl.recompose(wl.assign('constant', 'step(0.5)'))", 0),
        *(("d.plot();", 1), ("axes = d.plot()\nplt.title('mine')\nassert axes.get_title() == 'mine'", 1)),
    ],
    "its plot first": [("d.plot()", 1), ("d", 1), (OWN, 1), ("c.plot()", 1), ("c", 1), (OWN, 1)],
    "a comparison's plot first": [("c.plot()", 1), (OWN, 1), ("c", 1), ("d.plot()", 1), ("d", 1), ("d", 1)],
    "with the magic": [("%matplotlib inline", 0), ("c", 1), (OWN, 1), ("d.plot()", 1), ("d", 1), ("c.plot()", 1)],
}


@pytest.mark.filterwarnings("ignore")  # the kernel's own
@pytest.mark.parametrize("order", ORDERS)
def test_each_figure_is_shown_once(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient", reason="nbclient runs the notebook")
    pytest.importorskip("ipykernel", reason="ipykernel is what shows its figures")
    monkeypatch.delenv("MPLBACKEND", raising=False)
    cells, images = zip(*ORDERS[order], strict=True)
    assert images_of([SETUP, *cells]) == [0, *images]


def images_of(cells: Sequence[str]) -> list[int]:
    """How many pictures each cell shows, in a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [[output.get("data", {}) for output in cell.outputs] for cell in notebook.cells]
    return [
        sum("image/png" in data or len(re.findall("<img", data.get("text/html", ""))) for data in each)
        for each in outputs
    ]


@pytest.fixture(scope="module")
def shown() -> list[object]:
    """A weighting with two scales, whose second axes pyplot would draw on, one with a pole, and a comparison."""
    return [wl.decompose("circle", **FEW), wl.decompose("margin", **FEW), wl.compare("contrastive", "margin")]


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def test_a_picture_leaves_pyplot_as_it_was(shown: list[object]) -> None:
    first, ax = plt.subplots(1, 2)
    plt.figure()
    plt.figure(first)
    plt.sca(ax[0])
    before, figures = dict(mpl.rcParams), plt.get_fignums()
    for each in shown:
        assert each._repr_html_().count("<img") == 1
        assert plt.get_fignums() == figures
        assert plt.gcf() is first
        assert plt.gca() is ax[0]
        assert dict(mpl.rcParams) == before


def test_a_picture_needs_no_pyplot(shown: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lazy.plt, plt):  # the first keeps what it was asked for once
        monkeypatch.setattr(module, "figure", None)
    assert all("<img" in each._repr_html_() for each in shown)


def test_a_plot_makes_one_figure_and_draws_on_it_next(shown: list[object]) -> None:
    theirs, _ = plt.subplots()
    before = dict(mpl.rcParams)
    for number, each in enumerate(shown, start=2):
        axes = each.plot()
        first, *_ = axes if isinstance(axes, tuple) else (axes,)
        assert len(plt.get_fignums()) == number
        assert plt.gcf() is first.figure
        assert plt.gca() in (axes if isinstance(axes, tuple) else [axes])  # not the second scale
        assert dict(mpl.rcParams) == before
    assert not theirs.axes[0].lines


def test_a_plot_on_given_axes_touches_nothing_else() -> None:
    d = wl.decompose(wl.assign("constant", "exponential(40, 0.2)"), points=5)
    figure, (left, right) = plt.subplots(1, 2)
    other = plt.figure()
    plt.figure(figure)
    plt.sca(right)
    plt.figure(other)
    size = figure.get_size_inches().tolist()
    assert d.plot(left) is left
    assert len(figure.axes) == 3  # the second scale
    assert plt.gcf() is other
    assert figure.gca() is right
    assert not right.lines
    assert figure.get_size_inches().tolist() == size
    assert len(plt.get_fignums()) == 2


def test_a_plot_on_a_subfigure_and_a_comparison_on_a_figure() -> None:
    panel, _ = Figure().subfigures(1, 2)
    ax = panel.add_subplot()
    assert wl.decompose("contrastive", **FEW).plot(ax) is ax
    page = Figure()
    axes = wl.compare("contrastive", "triplet").plot(page)
    assert page.axes == list(axes)
    assert not plt.get_fignums()
