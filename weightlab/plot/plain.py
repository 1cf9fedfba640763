"""Text that others gave (names of arms, losses, contexts, files), shown as given: no mathematics, no markup.

For a figure `PLAIN` and `wrapped`, for Markdown `in_markdown` and `in_code`, for a page `in_html`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from html import escape
from typing import Any

__all__ = ["PLAIN", "in_code", "in_html", "in_markdown", "visible", "wrapped"]

# of a text of matplotlib's: `ax.set_title(name, **PLAIN)`; without it "$" begins a formula and "%" a TeX comment
PLAIN: dict[str, Any] = {"parse_math": False, "usetex": False}

# What Markdown would take for markup. A "_" within a word is none, nor is "[" where no address follows.
_MARKUP = re.compile(r"[\\`*~|<]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<=\])[(\[]")
# Where GitHub looks for formulas and emoji a backslash doesn't help: it does so in the text of each HTML element.
_GITHUBS = re.compile(r"\$|:(?=[\w+-]+:)")


def visible(text: str, keep: str = "") -> str:
    """The text with its control characters, but those to `keep`, and lone surrogates as escapes: \\x1b, \\n."""
    return "".join(
        char.encode("unicode_escape").decode()
        if unicodedata.category(char) in ("Cc", "Cs") and char not in keep
        else char
        for char in text
    )


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most `width` characters: its own lines, each broken where it is longer."""
    lines = visible(text, keep="\n").split("\n")
    return "\n".join("\n".join(textwrap.wrap(line, width)) for line in lines)


def in_markdown(text: str) -> str:
    """The text as Markdown (CommonMark, GitHub's with its tables, formulas and emoji) that shows it as given."""
    escaped = _MARKUP.sub(r"\\\g<0>", visible(text, keep="\n"))
    return _GITHUBS.sub(r"<span>\g<0></span>", escaped).replace("\n", "<br>")


def in_code(text: str) -> str:
    """The text, of one character or more, as a code span of Markdown."""
    shown = visible(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def in_html(text: str) -> str:
    """The text as HTML that shows it as given, in a notebook too, where MathJax takes what stands between dollars."""
    return re.sub(r"[$\\]", r"<span>\g<0></span>", escape(visible(text, keep="\n"))).replace("\n", "<br>")
