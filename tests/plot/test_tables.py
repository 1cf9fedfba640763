"""A drawn table shows all of it, however narrow the terminal."""

from __future__ import annotations

from weightlab.plot.tables import drawn

COLUMNS = ["name", "what it is", "n"]
ROWS = [["a", "one two three", "1"], ["bcd", "", "20"]]


def test_columns_stand_beside_each_other() -> None:
    assert drawn(COLUMNS, ROWS, ["n"], 80).splitlines() == [
        "name  what it is      n",
        "───────────────────────",
        "a     one two three   1",
        "bcd                  20",
    ]
    assert drawn(COLUMNS, ROWS, ["n"], 23) == drawn(COLUMNS, ROWS, ["n"], 80)


def test_a_column_that_does_not_fit_goes_under_its_row() -> None:
    assert drawn(COLUMNS, ROWS, ["n"], 18).splitlines() == [
        "name   n",
        "────────",
        "a      1",
        "    what it is:",
        "        one two",
        "        three",
        "bcd   20",
    ]
    assert drawn(COLUMNS, ROWS, ["n"], 22).splitlines()[2:4] == ["a     one two three", "    n: 1"]


def test_a_word_longer_than_a_line_stays_whole() -> None:
    word = "x" * 30
    assert drawn(["a", "b"], [["1", word]], [], 10).splitlines()[2:] == ["1", "    b:", f"        {word}"]
    assert drawn([word], [[word]], [], 10).splitlines() == [word, "─" * 10, word]


def test_a_wide_character_takes_two_cells() -> None:
    assert drawn(["a", "b"], [["字", "1"], ["xx", "2"]], [], 80).splitlines()[2:] == ["字  1", "xx  2"]
