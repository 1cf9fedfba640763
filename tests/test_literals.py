"""The one reader of values: what it reads is what Python reads, and everything else is one InputError."""

from __future__ import annotations

import ast
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weightlab import InputError, losses
from weightlab.cli.options import settings
from weightlab.literals import read_arguments, read_value

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**38), 10**38),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\\"), max_size=20),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(SCALARS, inner, max_size=3),
    ),
    max_leaves=5,
)
PIECES = ["1", "0", "7", ".", "e", "E5", "-", "+", "(", ")", "[", "]", "{", "}", ",", ":", " ", "'", '"', "a", "None"]
PIECES += ["True", "x", "_", "\\", "#", "\n", "j", "or 2", "'a'", "1.5", "=", "f", "b", "\0", "\ud800", "٣", "*", "..."]


@given(VALUES)
def test_what_python_writes_is_read_back(value: object) -> None:
    found = read_value(repr(value))
    assert found == value
    assert repr(found) == repr(value)  # 1, 1.0 and True are equal


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
@example("{1: 2, 1.0: 3}")
@example("'a' 'b'")
@example("-07")
@example("(1)")
@example("(1,)")
def test_any_text_is_read_as_python_does_or_refused(text: str) -> None:
    try:
        found = repr(read_value(text))
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 1500
    else:
        assert found == repr(ast.literal_eval(text.strip(" ")))


REFUSED = [
    *("", " ", "{[]:1}", "1or 2", "9" * 400, "1e999", "-1e999", "1e-400", "nan", "inf", "-inf", "0x10", "0b1", "1_000"),
    *("٣", "1\0", "\0", "'\ud800'", "'\x1b[31m'", "f'a'", "b'a'", "r'a'", "{1, 2}", "1j", "1+2j", "...", "----1"),
    *("- 1", "beta", "f()", "1 # one", "#", "1,", "1, 2", "1\n", "[1,\n2]", "\t1", "07", "'\\n'", "'''a'''", "'a' 'b'"),
    *("(", ")", "(1", "1)", "[1)", "[", "]", "{", "}", "{1}", "{1: }", "{1: 2: 3}", "{(): 1}", "[,]", "(,)", "[1,,]"),
    *(
        "[1 2]",
        "1 2",
        "'a",
        '"',
        "True()",
        "None.x",
        "__import__('os')",
        "[x for x in ()]",
        "lambda: 1",
        "1 if 1 else 2",
    ),
    *("(" * 5000, "[" * 5000 + "]" * 5000, "[" * 9 + "]" * 9, "{1:" * 9 + "1" + "}" * 9, "[" + "1," * 600 + "]"),
    *("-" * 900 + "1", "(" * 500 + "1" + ")" * 500, "not 1", "*a", "a=1", "*", "@", "€"),
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:20]))
def test_what_is_no_value_is_one_line(text: str) -> None:
    """By every door, without a warning of Python's."""
    ways = [
        lambda: read_value(text),
        lambda: read_arguments(f"(x={text})"),
        lambda: settings([f"beta={text}"]),
        lambda: losses.from_text(f"ms-loss(beta={text})"),
    ]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for way in ways[: 1 if text == "1," else None]:
            with pytest.raises(InputError) as caught:
                way()
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 600
    assert not warned


def test_the_bounds_are_what_is_stated() -> None:
    assert read_value("9" * 40) == 10**40 - 1
    with pytest.raises(InputError, match="the number 999999999999… must be of at most 40 characters, not 41"):
        read_value("9" * 41)
    assert read_value("[" * 8 + "]" * 8) == [[[[[[[[]]]]]]]]
    with pytest.raises(InputError, match="brackets are more than 8 deep"):
        read_value("[" * 9 + "]" * 9)
    assert read_value("1".ljust(1000)) == 1
    with pytest.raises(InputError, match="has 1,001 characters, at most 1,000 are read"):
        read_value("1".ljust(1001))


def test_arguments() -> None:
    assert read_arguments("(0.5, 'all', margin=-1, of=[1, (2,)],)") == ([0.5, "all"], {"margin": -1, "of": [1, (2,)]})
    assert read_arguments("()") == ([], {})
    for text, message in [
        ("(beta=1, beta=2)", "beta is given twice"),
        ("(beta=1, 2)", "values without a name come first"),
        ("(beta=1", "its end where '[)]' should be"),
        ("(beta=1))", "'[)]' where the end should be"),
        ("(beta==1)", "'=1[)]' where a value should be: a value is a number"),
        ("(1=2)", "'=2[)]' where '[)]' should be"),
        ("beta=1", "where '[(]' should be"),
        ("(*[1])", "where a value should be"),
    ]:
        with pytest.raises(InputError, match=message):
            read_arguments(text)


def test_a_parameter_given_twice_is_not_taken() -> None:
    with pytest.raises(InputError, match="--set beta is given twice"):
        settings(["beta=1", " beta =2"])
    with pytest.raises(InputError, match="beta is given twice"):
        losses.from_text("ms-loss(beta=1, beta=2)")
    with pytest.raises(InputError, match="write name or name"):
        losses.from_text("contrastive(0.5, pos_margin=1)")


@pytest.mark.parametrize("text", ["beta", "=1", " = ", "a b=1", "a(b=1", "1a=1", "ä=1", "'a'=1", "*=1", ""])
def test_a_setting_has_a_name(text: str) -> None:
    with pytest.raises(InputError, match="write --set name=value, such as --set beta=40"):
        settings([text])


def test_settings_are_values() -> None:
    found = settings(["beta=40", "mining_margin=None", "base = -0.5", "of='a=b'"])
    assert found == {"beta": 40, "mining_margin": None, "base": -0.5, "of": "a=b"}
