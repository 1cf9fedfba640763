"""Weight functions as text: what is beyond the reader's bounds, or no weight function, is one InputError."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weightlab import InputError
from weightlab.assignment import WeightFunction, as_part, parse

WORDS = [
    "step",
    "linear",
    "constant",
    "spline",
    "top",
    "(",
    ")",
    "*",
    "+",
    "-",
    ",",
    ":",
    "0.5",
    "1",
    "-1",
    "0x1",
    "2e3",
]
WORDS += ["1_0", "٣", " ", "\n", "\0", "'", "[", "lambda", "=", ".", "e", "nan", "(0.5)", "(-1:0, 0.5:1)"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=15).map("".join)))
def test_any_text_is_a_function_or_one_line(text: str) -> None:
    try:
        found: WeightFunction | str = parse(text)
    except InputError as error:
        found = str(error)
    if isinstance(found, str):
        assert "\n" not in found
    else:
        assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 5000 + "linear" + ")" * 5000, "has 10,006 characters, at most 4,000 are read"),
        ("(" * 1900 + "linear" + ")" * 1900, "its brackets are more than 20 deep"),
        ("(" * 1900, "its brackets are more than 20 deep"),
        ("step(" * 500, "expected a number"),
        (" + ".join(["linear"] * 10_000), "at most 4,000"),
        ("+".join(["top"] * 500), "top got 0"),
        ("+".join(["linear"] * 500), "it has more than 100 functions"),
        ("*".join(["(linear + linear)"] * 51), "it has more than 100 functions"),
        (f"step(0.{'5' * 400})", "must be of at most 40 characters, not 402"),
        (f"step({'9' * 400})", "must be of at most 40 characters, not 400"),
        ("constant(1e999)", "must be below 1.8e308"),
        ("constant(1e-999)", "must be 0 or above"),
        ("step(٣)", "unexpected"),
        ("step(0x10)", r"expected '\)' at 'x10\)'"),
        ("step(1_0)", r"expected '\)' at '_0\)'"),
        ("step(nan)", "expected a number"),
        ("step(--1)", "unexpected '-'|expected a number"),
        ("step(0.5))", r"at '\)'"),
        ("linéar", "unexpected 'é'"),
        ("linear\0", "unexpected '.x00'"),
        ("\ud800", "unexpected"),
        ("", "expected a name at its end"),
        ("  ", "expected a name at its end"),
        ("step(0.5,)", "expected a number"),
        ("step()", "expected a number"),
        ("linear +", "expected a name at its end"),
    ],
)
def test_what_is_beyond_the_bounds_is_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_what_is_within_the_bounds_can_be_weighed_printed_and_integrated() -> None:
    deep = "linear + (" * 19 + "linear * (linear + linear)" + ")" * 19
    wide = "+".join(["linear"] * 100)
    for text, at_one in ((deep, 19 + 2), (wide, 100)):
        function = parse(text)
        one = torch.ones(1, 1, dtype=torch.float64)
        assert float(function.of(one, "negative")) == at_one
        assert parse(str(function)) == function
        assert float(function.area(one, "negative")) > 0
        assert hash(function) == hash(parse(text))


@pytest.mark.parametrize("text", ["(" * 5000, "linear*" * 10_000 + "linear", "ms-loss" + "(" * 5000, "-" * 5000])
def test_a_part_is_read_by_the_same_bounds(text: str) -> None:
    with pytest.raises(InputError):
        as_part(text)
