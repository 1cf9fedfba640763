"""Nasty texts and numbers: what people, shells and attackers type."""

from __future__ import annotations

from random import Random

from fuzz.case import Verdict

__all__ = ["EXECUTED", "NASTY", "Piece", "mutated", "number", "whole"]

Piece = tuple[str, Verdict]

# each makes the file CANARY if it is executed
EXECUTED = (
    "__import__('os').system('touch CANARY')",
    "os:system('touch CANARY')",
    "os:system(command='touch CANARY')",
    "subprocess:call(['touch', 'CANARY'])",
    "subprocess:Popen(['touch', 'CANARY'])",
    'builtins:exec(\'open("CANARY", "w")\')',
    "builtins:eval(\"__import__('os').system('touch CANARY')\")",
    "builtins:open('CANARY', 'w')",
    "io:FileIO('CANARY', 'w')",
    "zipfile:ZipFile('CANARY', 'w')",
    "logging:FileHandler('CANARY')",
    "os:mkdir('CANARY')",
    "pathlib:os.system('touch CANARY')",
    "torch.nn:Linear(__import__('os').system('touch CANARY'), 2)",
    "ms-loss(beta=__import__('os').system('touch CANARY'))",
    "step(__import__('os').system('touch CANARY'))",
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY",
    "!!python/object/apply:os.system ['touch CANARY']",
    "{{ ''.__class__ }}",
)

NASTY = (
    "",
    " ",
    "   \t ",
    "\n",
    "a\nb",
    "a\rb",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x07\x08\x7f",
    "\x85\x9b31m",
    "\u202eltr",
    "مرحبا",
    "😀🏳️‍🌈",
    "\udcff\udc80",
    "e\u0301",
    "ﬀ",
    "$x^2$",
    "x^{ $^{$",
    "\\frac{",
    "a$x$b",
    "%s%n",
    "{}",
    "{0.__class__}",
    "<script>alert(1)</script>",
    "a|b",
    "a,b",
    'a"b',
    "a'b",
    "--",
    "-",
    "-1",
    "--help",
    "NaN",
    "None",
    "true",
    "/",
    ".",
    "..",
    "../../x",
    "~",
    "/dev/null",
    "/dev/null/x",
    "/proc/self/mem",
    "C:\\x\\y.py:f",
    "con",
    "[" * 5000,
    "(" * 5000,
    "{" * 3000,
    "a" * 20000,
    "9" * 400,
    "1+" * 2000 + "1",
    "a:" * 1000,
    "sys:exit(0)",
    "sys:exit",
    "builtins:input",
    "builtins:print",
    "builtins:object",
    "builtins:len",
    "torch:tensor",
    "torch.nn:Module",
    "torch.nn:Linear",
    "torch.nn:Linear(2, 2)",
    "json:loads",
    "weightlab:decompose",
    "weightlab.losses:MultiSimilarity",
    "weightlab.losses:MultiSimilarity(beta=-1)",
    "no_such_module:f",
    ":",
    "::",
    "a:b:c",
    ":f",
    "f:",
    *EXECUTED,
)

_WHOLE_BAD = ("nan", "inf", "-inf", "1e308", "x", "", " ", "1.5", "1e3", "0x", "1_", "9" * 31, "-" + "9" * 31, "9" * 5000,
              "-1", "-9223372036854775808", "9223372036854775808", "18446744073709551616", "None", "1;2", "[1]")  # fmt: skip
_WHOLE_ODD = ("0", "١", "1_0", " 2", "+2", "02", "-0", "0b1")
_NUMBER_BAD = ("nan", "inf", "-inf", "x", "", " ", "None", "1,5", "0x1p3", "[0.5]", "1e999", "-1e999", "9" * 400)
_NUMBER_ODD = (
    "0",
    "-0.0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "1e-45",
    "1e38",
    "1e-38",
    "2",
    "1",
    "0.5",
    "1_0",
    " .5",
    "9" * 31,
)


def whole(random: Random) -> Piece:
    """What is given for a whole number that is at least 0, not a small one."""
    if random.random() < 0.75:
        return random.choice(_WHOLE_BAD), Verdict.bad
    return random.choice(_WHOLE_ODD), Verdict.odd


def number(random: Random) -> Piece:
    """What is given for a number."""
    if random.random() < 0.5:
        return random.choice(_NUMBER_BAD), Verdict.bad
    return random.choice(_NUMBER_ODD), Verdict.odd


def mutated(random: Random, text: str) -> str:
    """A text with one or a few characters left out, doubled, put in or swapped."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(text) + 1)
        mark = random.choice("()[]{}:,;=+-*/. 019eE_\"'\\$#%\n\x00\x1béΩ😀")
        kind = random.randrange(5)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[max(0, at - 1) :]
        elif kind == 2:
            text = text[:at] + mark + text[at:]
        elif kind == 3:
            text = text[:at] + mark + text[at + 1 :]
        else:
            other = random.randrange(len(text) + 1)
            text = text[: min(at, other)] + text[max(at, other) :]
    return text
