"""Text of others, as Markdown and HTML show it: what independent parsers read is the text as given."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from weightlab.plot.plain import in_code, in_html, in_markdown, visible, wrapped
from weightlab.plot.tables import drawn, markdown

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NAMES = [
    *(
        "x^{ $^{$",
        "a$x$b",
        "$$",
        "a|b",
        "a\\|b",
        "a\\",
        "\\|",
        "a`|`b",
        "[a](b)",
        "![a](b)",
        "[a][b]",
        "[^1]",
        "[a]: b",
    ),
    *("<b>x</b>", "a<b", "&amp;", "&#36;", "<http://a>", "_a_", "a_b", "__x__", "*a*", "~~a~~", "`a`", "``", "\\(a\\)"),
    *(
        "100 %",
        "1. a",
        "# a",
        "- a",
        "> a",
        "a\nb",
        "a\r\nb",
        "\t",
        "\x1b[31m",
        ":smile:",
        "step(0.5)",
        "−1",
        "字",
        "'",
        '"',
    ),
]
texts = st.text(alphabet="ab1_*`~|<>[]()$&;#!\\:\n\"'-+.字", min_size=1, max_size=9)


def shown(html: str) -> str:
    """What a reader sees of HTML that may hold line breaks and bare spans, and nothing else."""
    text = re.sub(r"</?span>", "", html.replace("<br>", "\n"))
    assert "<" not in text
    return unescape(text)


def cells(table: str) -> list[str]:
    return [
        MARKDOWN.renderer.renderInline(token.children or [], MARKDOWN.options, {})
        for token in MARKDOWN.parse(table)
        if token.type == "inline"
    ]


def check_markdown(text: str) -> None:
    want = visible(text, keep="\n")
    assert [shown(cell) for cell in cells(markdown(["h", text], [[text, "x"]]))] == ["h", want, want, "x"]
    assert [shown(cell) for cell in cells(f"before {in_markdown(text)} after")] == [f"before {want} after"]
    assert cells(markdown(["h"], [[in_code(text)]], ready=["h"]))[1] in code(text)


def code(text: str) -> list[str]:
    escaped = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [f"<code>{each}</code>" for each in (escaped, escaped.replace('"', "&quot;"))]


@pytest.mark.parametrize("text", NAMES)
def test_markdown_shows_a_name_as_given(text: str) -> None:
    check_markdown(text)


@given(texts)
@settings(max_examples=150, deadline=None)
def test_markdown_shows_any_text_as_given(text: str) -> None:
    check_markdown(text)


@pytest.mark.parametrize("text", NAMES)
def test_html_shows_a_name_as_given_and_leaves_mathjax_nothing(text: str) -> None:
    html = in_html(text)
    assert shown(html) == visible(text, keep="\n")
    # MathJax joins no text across elements: within one there is no delimiter of a formula, nor a command
    pieces = [piece for piece in re.split(r"<[^>]*>", html) if piece not in ("$", "\\")]
    assert not any("$" in piece or "\\" in piece for piece in pieces)


def test_what_is_no_markup_stays_legible() -> None:
    for text in ("neg_margin", "a [0.4, 3.8]", "R@1", "softmax(3) & top(2)", "package.losses:Circle(m=0.4)", "a:b:"):
        assert in_markdown(text).replace("<span>:</span>", ":") == text
    assert in_code("a=b") == "`a=b`"


def test_a_dollar_and_an_emoji_are_out_of_githubs_reach() -> None:
    assert in_markdown("$5, :+1:") == "<span>$</span>5, <span>:</span>+1:"


def test_a_cell_of_markdown_is_left_but_for_the_pipe() -> None:
    assert markdown(["a", "b"], [["*x*", "`a|*b*`"]], ready=["b"]).splitlines()[2] == "| \\*x\\* | `a\\|*b*` |"


def test_control_characters_become_visible_and_newlines_stay_where_they_may() -> None:
    assert visible("a\x1b[31m\n\ud800字é") == "a\\x1b[31m\\n\\ud800字é"
    assert visible("a\nb", keep="\n") == "a\nb"
    assert drawn(["a", "b"], [["x\ny", "z"]], [], 80).splitlines()[2:] == ["x\\ny  z"]


def test_wrapping_keeps_every_character() -> None:
    assert wrapped("one  two\nthree", 5) == "one\ntwo\nthree"
    assert wrapped("a  b", 9) == "a  b"
    assert wrapped("x" * 7, 3) == "xxx\nxxx\nx"
    assert wrapped("", 3) == ""
