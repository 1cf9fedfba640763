"""Names of others are drawn as given, and whatever they hold, a figure is drawn, without a warning."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import weightlab as wl
from weightlab.plot.comparison import plot_comparison
from weightlab.plot.curves import axes_of_its_own, plot_curve
from weightlab.plot.plain import visible
from weightlab.plot.save import figure_of, html_picture, save_figure
from weightlab.plot.study import draw
from weightlab.study.statistics import table

NAMES = [
    *("x^{ $^{$", "a$x$b", "$", "$$", "_hidden", "100 % of", "\\frac{", "a\\$b", "a<b>|`c`", "a_b^c", "&amp;", "字"),
    *("line\nbreak", "\x1b[31m", "\udcff", "é'\"", "nan"),
]
ARMS = [name for name in NAMES if name != "\udcff"]  # what is half a character no arm can be called
SPACELESS = str.maketrans("", "", " \n")


@pytest.fixture(autouse=True)
def nothing_of_pyplots_is_left() -> Iterator[None]:
    yield
    plt.close("all")


def curves(column: str, names: list[str]) -> pd.DataFrame:
    rows = [
        (name, similarity, sign, 1 + similarity, 0.9 * (1 + similarity), 1.1 * (1 + similarity))
        for name in names
        for sign in ("positive", "negative")
        for similarity in (-1.0, 0.0, 1.0)
    ]
    frame = pd.DataFrame([row[1:] for row in rows], columns=["similarity", "sign", "weight", "low", "high"])
    # as objects: with pyarrow pandas keeps texts as UTF-8, which has no place for half a character
    return frame.assign(**{column: pd.Series([row[0] for row in rows], dtype=object)})


def study(names: list[str]) -> Figure:
    rows = [(name, seed, "R@1", 20.0 + seed + i) for i, name in enumerate(names) for seed in range(3)]
    results = pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])
    return draw(curves("arm", names), results, table(results), metric="R@1", baseline=names[0])


def assert_drawn(texts: list[Text], names: list[str]) -> None:
    """Each text is its name but for line breaks, is no mathematics, and is drawn: something of it is to be seen."""
    assert len(texts) == len(names)
    for text, name in zip(texts, names, strict=True):
        assert text.get_text().translate(SPACELESS) == visible(name, keep="\n").translate(SPACELESS)
        assert not text.get_parse_math()
        assert not text.get_usetex()
        assert text.get_visible()
        assert text.get_window_extent().width > 0


def save_as_all(figure: Figure, folder: Path) -> None:
    for suffix in (".png", ".svg"):
        assert save_figure(figure, folder / f"figure{suffix}").stat().st_size > 1000


@pytest.mark.parametrize("usetex", [False, True])
def test_a_study(tmp_path: Path, usetex: bool) -> None:
    with plt.rc_context({"text.usetex": usetex}):  # as people have it who write papers
        figure = study(ARMS)
        save_as_all(figure, tmp_path)
    *rows, recall = figure.axes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_drawn([ax.yaxis.label for ax in rows], ARMS)
        assert_drawn(figure.legends[1].get_texts(), [f"mean of {ARMS[0]}", "one seed", "mean, 95 % interval"])
    assert recall.get_xlabel() == "R@1 (%)"
    assert [text.get_parse_math() for text in figure.legends[0].get_texts()] == [True, True]  # $w^+$, $w^-$ are ours


def test_a_comparison(tmp_path: Path) -> None:
    ax, _ = plot_comparison(curves("weighting", NAMES), "file:$x$_^{.npz")
    figure = figure_of(ax)
    save_as_all(figure, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_drawn(figure.legends[0].get_texts(), NAMES)
        assert_drawn([figure._suptitle], ["median and 5–95 % over contexts: file:$x$_^{.npz"])
    for line, handle in zip(ax.get_lines(), figure.legends[0].legend_handles, strict=True):
        assert handle.get_color() == line.get_color()  # a legend with a name left out would shift


@pytest.mark.parametrize("name", NAMES)
def test_a_curve(name: str, tmp_path: Path) -> None:
    ax = plot_curve(curves("weighting", ["x"]), name, name, axes_of_its_own(name, name))
    save_figure(figure_of(ax), tmp_path / "figure.svg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_drawn([ax.title], [name])
        assert_drawn(
            [text for text in ax.texts if "median" in text.get_text()], [f"median and 5–95 % over contexts: {name}"]
        )


def test_on_axes_of_someone_who_has_all_text_in_tex() -> None:
    with plt.rc_context({"text.usetex": True}):
        ax = Figure().add_subplot()
    plot_curve(curves("weighting", ["x"]), "a_b^{$", None, ax)
    assert (ax.title.get_text(), ax.title.get_usetex(), ax.title.get_parse_math()) == ("a_b^{$", False, False)


def test_a_pictures_words_are_text() -> None:
    html = html_picture(figure_of(axes_of_its_own("", "")), 'a"><b>$x$')
    assert html.endswith(' alt="a&quot;&gt;&lt;b&gt;$x$">')
    assert html.count("<") == 1


def test_titles_of_a_users_own_losses() -> None:
    def loss(pairs: wl.Pairs) -> object:
        return (pairs.similarity * pairs.negative).sum(1) - (pairs.similarity * pairs.positive).sum(1)

    loss.__name__ = loss.__qualname__ = "a$x^{$b<i>"
    found = wl.decompose(loss, points=3, draws=2)
    assert "a$x^{$b" in found.title
    assert found.plot().get_title().replace("\n", " ") == found.title
    html = found._repr_html_()
    assert "a<span>$</span>x^{<span>$</span>b&lt;i&gt;" in html
    compared = wl.compare(loss, "contrastive")._repr_html_()
    assert compared.count("<td>a<span>$</span>x^{<span>$</span>b&lt;i&gt;") == 2


def test_long_names_and_many_arms(tmp_path: Path) -> None:
    names = [f"{number:02d} " + ("W" * 200 if number % 2 else "word " * 40) for number in range(40)]
    figure = study(names[:10])
    save_figure(figure, tmp_path / "figure.png")
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [ax.get_tightbbox() for ax in figure.axes] + [legend.get_window_extent() for legend in figure.legends]
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    labels = [ax.yaxis.label.get_window_extent() for ax in figure.axes[:-1]]
    assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(labels))

    ax, _ = plot_comparison(curves("weighting", names), "context " * 60)
    assert figure_of(ax).legends[0].get_window_extent().y0 >= 0
    save_figure(figure_of(ax), tmp_path / "figure.png")
    assert ax.get_window_extent().height > 200  # pixels: the legend has not eaten the curves

    title = "long " * 300
    ax = axes_of_its_own(title, title)
    assert html_picture(figure_of(plot_curve(curves("weighting", ["x"]), title, title, ax)), title).startswith("<img")
    ax = plot_curve(curves("weighting", ["x"]), title, title)
    save_figure(figure_of(ax), tmp_path / "figure.png")
    assert ax.get_window_extent().height > 100


def test_names_that_are_longer_than_a_page() -> None:
    figure = study([f"{number} " + "word " * 800 for number in range(20)])
    assert figure.get_figheight() * 200 < 2**16  # pixels, the most that a PNG of matplotlib's may have
