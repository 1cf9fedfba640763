"""The contract of a command line: what its exit code, its streams and its folder may be."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

from fuzz.case import Command, Failure, Outcome, Verdict
from fuzz.sandbox import CANARY, STRANGER

__all__ = ["LONGEST", "judge", "seen", "told", "unfit"]

LONGEST = 1000  # characters of a message
_FAULT = re.compile(r"fault of (our|weightlab's) own|--debug|please report", re.IGNORECASE)
_RUNS = ("train", "evaluate", "run", "embed", "neighbours", "make")  # a run that failed is exit code 1
_DRAWN = re.compile(
    r"\x1b\[(?P<count>\d*)A|(?P<erase>\x1b\[2K)|\x1b\[[0-9;?]*[a-zA-Z]|(?P<mark>[\r\n])|(?P<text>[^\x1b\r\n]+|\x1b)"
)
_MACHINE = ("json", "csv")


def judge(command: Command, outcome: Outcome) -> Failure | None:
    """How an outcome breaks the contract; None where it keeps it."""
    for look in (_escaped, _executed, _code, _traceback, _spoken):
        if (failure := look(command, outcome)) is not None:
            return failure
    return {0: _done, 1: _failed, 2: _refused}[outcome.code or 0](command, outcome)


def unfit(message: str) -> str | None:
    """Why a message is not fit for a terminal: control characters, its length; None where it is."""
    marks = sorted({f"U+{ord(each):04X}" for each in message if _is_control(each)})
    if marks:
        return f"control characters {', '.join(marks)}"
    return f"{len(message)} characters" if len(message) > LONGEST else None


def told(message: str) -> str:
    """A message without what differs from case to case, for grouping."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", message)
    text = re.sub(r"[-+]?\d[\d.,e+-]*", "#", text)
    text = re.sub(r"(\S*/)+\S*", "PATH", text)
    return f"{text[:90]}…" if len(text) > 90 else text


def _escaped(command: Command, outcome: Outcome) -> Failure | None:
    return Failure(f"escapes: {outcome.escaped}", outcome.err[-300:]) if outcome.escaped else None


def _executed(command: Command, outcome: Outcome) -> Failure | None:
    made = [line for line in outcome.left if CANARY in line]
    return Failure("data were executed", "; ".join(made)) if made else None


def _code(command: Command, outcome: Outcome) -> Failure | None:
    if outcome.code in (0, 1, 2):
        return None
    return Failure(f"exit code {outcome.code}", outcome.err[-300:])


def _traceback(command: Command, outcome: Outcome) -> Failure | None:
    if command.arguments[:1] == ("--debug",):
        return None
    for text in (outcome.err, outcome.out):
        if "Traceback (most recent call last)" in text or "Exception ignored" in text:
            last = text.strip().splitlines()[-1]
            return Failure(f"a traceback: {told(last)}", last[:300])
    return None


def _spoken(command: Command, outcome: Outcome) -> Failure | None:
    """Standard error has whole lines without control characters, unless a terminal is there to be drawn on."""
    if "FORCE_COLOR" in command.environment:
        return None
    for line in outcome.err.splitlines():
        if (why := unfit(line)) is not None:
            return Failure(f"standard error: {re.sub('[0-9]+ char', '# char', why)}", ascii(line[:300]))
    return None


def _done(command: Command, outcome: Outcome) -> Failure | None:
    if "--help" in command.arguments or command.shell is not None:
        return None
    if command.verdict is Verdict.bad:
        return Failure(f"bad input is accepted: {_group(command)}", outcome.out[:200])
    output = _format(command)
    if output in _MACHINE and (why := _unreadable(output, outcome.out)) is not None:
        return Failure(f"--format {output}: {why}", outcome.out[:300])
    if output not in _MACHINE and "FORCE_COLOR" not in command.environment:
        for line in outcome.out.splitlines():
            if any(map(_is_control, line)):
                return Failure(f"control characters on standard output: {_group(command)}", ascii(line[:300]))
    return None


def _failed(command: Command, outcome: Outcome) -> Failure | None:
    lines = [line for line in _said(command, outcome) if line.strip()]
    last = lines[-1] if lines else ""
    if "check" in command.arguments[:1] and not lines and outcome.out:
        return None  # a law is broken
    if command.shell is not None and not _FAULT.search(last) and len(lines) <= 1:
        return None  # it could not print
    if not lines:
        return Failure(f"exit code 1 without a word: {_group(command)}", outcome.out[:300])
    if last == "weightlab: stopped":
        return None
    is_run = any(word in _RUNS for word in command.arguments[:2])
    if _FAULT.search(last) or not is_run or command.verdict is Verdict.bad:
        return Failure(f"exit code 1: {told(last)}", last[:300])
    return None


def _refused(command: Command, outcome: Outcome) -> Failure | None:
    lines = _said(command, outcome)
    if len(lines) != 1:
        return Failure(f"{len(lines) if len(lines) < 3 else 'many'} lines for an error", outcome.err[:300])
    if not lines[0].startswith("weightlab: ") or not lines[0].removeprefix("weightlab: ").strip():
        return Failure("an error without a message", lines[0][:300])
    if outcome.out:
        return Failure("standard output beside an error", outcome.out[:300])
    if outcome.left:
        return Failure(f"left behind after exit code 2: {_group(command)}", "; ".join(outcome.left)[:300])
    if command.verdict is Verdict.good:
        return Failure(f"good input is refused: {told(lines[0])}", lines[0][:300])
    return None


def _said(command: Command, outcome: Outcome) -> list[str]:
    """The lines on standard error, less those of others' code; of what is drawn on a terminal what stays there."""
    drawn = "FORCE_COLOR" in command.environment
    return [line for line in (seen(outcome.err) if drawn else outcome.err.splitlines()) if line != STRANGER]


def seen(text: str) -> list[str]:
    """The lines that a terminal shows in the end, of a text that moves up, goes back and erases."""
    lines, row, column = [""], 0, 0
    for part in _DRAWN.finditer(text):
        if part["count"] is not None:
            row = max(0, row - int(part["count"] or 1))
        elif part["erase"]:
            lines[row] = ""
        elif part["mark"]:
            row, column = row + (part["mark"] == "\n"), 0
            lines += [""] * (row == len(lines))
        elif (words := part["text"]) is not None:
            lines[row] = lines[row].ljust(column)[:column] + words + lines[row][column + len(words) :]
            column += len(words)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _format(command: Command) -> str | None:
    found = None
    for word, following in zip(command.arguments, [*command.arguments[1:], ""], strict=True):
        if word == "--format":
            found = following
        elif word.startswith("--format="):
            found = word.partition("=")[2]
    return found


def _unreadable(output: str, text: str) -> str | None:
    if output == "json":
        try:
            json.loads(text, parse_constant=_no_constant)
        except ValueError as error:
            return f"standard output is no JSON ({told(str(error))})"
        return None
    rows = list(csv.reader(io.StringIO(text)))
    if len(rows) < 2 or len({len(row) for row in rows}) != 1:
        return "standard output is no CSV table"
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _group(command: Command) -> str:
    """The command and the options that it was given."""
    words = [word.partition("=")[0] for word in command.arguments if word.startswith("--")]
    names = [word for word in command.arguments[:2] if re.fullmatch("[a-z]+", word)]
    head = names[:2] if names[:1] in (["study"], ["data"]) else names[:1]
    return " ".join([*head, *(words if len(words) == 1 else [])]) or "weightlab"


def _is_control(character: str) -> bool:
    """C0, C1 and what turns the direction of text."""
    return (
        unicodedata.category(character) == "Cc" or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
