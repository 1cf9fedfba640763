"""What --data says, taken apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from weightlab import data
from weightlab.data.source import Source
from weightlab.errors import InputError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("glyphs", Source("glyphs")),
        ("sop:/data/SOP", Source("sop", "/data/SOP")),
        (r"folder:C:\photos\all", Source("folder", r"C:\photos\all")),
        ("vehicleid:/d(test=small)", Source("vehicleid", "/d", {"test": "small"})),
        ("folder:a b/c(seed=3, test=0.25)", Source("folder", "a b/c", {"seed": 3, "test": 0.25})),
        ("folder:x(strict=true, loose=false)", Source("folder", "x", {"strict": True, "loose": False})),
        ("table:x.csv(root='/a, (b)')", Source("table", "x.csv", {"root": "/a, (b)"})),
        ("features:x.npz(labels=y, embeddings=X)", Source("features", "x.npz", {"labels": "y", "embeddings": "X"})),
        ("glyphs(a=1)", Source("glyphs", "", {"a": 1})),
        ("folder:x()", Source("folder", "x")),
        ("folder:", Source("folder")),
        ("folder:photos (2)", Source("folder", "photos (2)")),
        ("folder:photos (2)(seed=1)", Source("folder", "photos (2)", {"seed": 1})),
    ],
)
def test_a_text_is_kind_place_and_options(text: str, source: Source) -> None:
    assert Source.parse(text) == source
    assert Source.parse(str(source)) == source


def test_a_path_that_is_there_with_its_brackets_is_itself(tmp_path: Path) -> None:
    place = tmp_path / "photos (test=small)"
    assert Source.parse(f"folder:{place}").options == {"test": "small"}
    place.mkdir()
    assert Source.parse(f"folder:{place}") == Source("folder", str(place))


def test_brackets_behind_a_path_that_is_there_are_meant_as_options(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="write options with their names"):
        Source.parse(f"vehicleid:{tmp_path}(small)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folder:x(a=1, a=2)", "a is given twice"),
        ("folder:x(a=__import__('os'))", "where a value should be|where '.' should be"),
        ("folder:x(a=)", "where a value should be"),
        ("folder:x(a=" + "[" * 50 + ")", "brackets are more than 8 deep"),
        (3, "a data set is given as text"),
        ("glyfs", "unknown data set 'glyfs': did you mean 'glyphs'"),
        ("", "unknown data set ''"),
        ("glyphs:here", "glyphs are made here and have no path"),
        ("glyphs(size=3)", "glyphs has no options; size is given"),
    ],
)
def test_what_can_not_be_read(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        data.check(text)
    assert "\n" not in str(caught.value)


SOURCE = Source("set", "x", {"test": "small", "seed": 3, "share": 0.5, "odd": True})


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: SOURCE.choice("test", ("smal", "large"), "large"), "unknown test of set 'small': did you mean 'smal'"),
        (lambda: SOURCE.choice("seed", ("a", "b"), "a"), "unknown seed of set '3': known are a, b"),
        (lambda: SOURCE.whole("share", 0, 0), "share of set must be a whole number of at least 0, not 0.5"),
        (lambda: SOURCE.whole("seed", 0, 4, 9), "seed of set must be a whole number of 4 to 9, not 3"),
        (lambda: SOURCE.number("odd", 0, 0, 1), "odd of set must be a number, not True"),
        (lambda: SOURCE.number("seed", 0, 0, 1), "seed of set must be at least 0 and at most 1, not 3"),
        (lambda: SOURCE.text("seed", ""), "seed of set must be a text, not 3"),
        (lambda: SOURCE.check_options("tests", "seeds"), "unknown option of set 'test': did you mean 'tests'"),
    ],
)
def test_options_that_do_not_fit(ask: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()


def test_options_and_their_defaults() -> None:
    SOURCE.check_options("test", "seed", "share", "odd")
    assert (SOURCE.choice("test", ("small", "large"), "large"), SOURCE.whole("seed", 0, 0)) == ("small", 3)
    assert (SOURCE.number("share", 0, 0, 1), SOURCE.number("other", 0.25, 0, 1)) == (0.5, 0.25)
    assert (SOURCE.text("test", "x"), SOURCE.text("other", ""), SOURCE.whole("other", 7, 0)) == ("small", "", 7)
