"""Options that several commands share."""

from __future__ import annotations

import ast
from enum import StrEnum
from pathlib import Path

from weightlab.errors import InputError

__all__ = ["Format", "check_figures", "settings"]


class Format(StrEnum):
    """How a table is printed; json and csv print nothing else on standard output."""

    table = "table"
    json = "json"
    csv = "csv"


def check_figures(folder: Path) -> None:
    """Before the work, not after it: raise InputError unless `folder` is one, or can be made in one."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path())
    if not there.is_dir():
        raise InputError(f"--figures {folder}: {there} is a file, not a folder")


def settings(texts: list[str]) -> dict[str, object]:
    """["beta=40", "mining_margin=None"] as {"beta": 40, "mining_margin": None}; values are literals."""
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--set {text}: write --set name=value, such as --set beta=40")
        try:
            found[name.strip()] = ast.literal_eval(value.strip())
        except (SyntaxError, ValueError) as error:
            raise InputError(f"--set {text}: '{value}' is not a number") from error
    return found
