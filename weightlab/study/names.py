"""What a study's names and texts may be: they name files, and stand in tables and figures."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import PurePath

from weightlab import data
from weightlab.data.source import Source
from weightlab.errors import shown

__all__ = ["arm_name", "data_name", "data_slug", "folder_name", "line", "metric_name"]

_MOST_OF_A_FOLDER, _MOST_OF_A_SLUG, _MOST_OF_AN_ARM, _MOST_OF_A_LINE = 60, 40, 80, 1000  # characters
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # on Windows no file may be called so


def folder_name(name: str) -> str:
    """The name, of a study or a size; raises ValueError for one that can't be a folder's everywhere."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or len(name) > _MOST_OF_A_FOLDER:
        raise ValueError(
            f"must be lower-case letters, digits, '-' and '_', {_MOST_OF_A_FOLDER} at most, as it names folders, "
            f"not {shown(name)}"
        )
    if _RESERVED.fullmatch(name):
        raise ValueError(f"must be another than {shown(name)}, which can't be a folder on Windows")
    return name


def arm_name(name: str) -> str:
    """The name; raises ValueError for one that a table or a figure can't show."""
    if not name.strip():
        raise ValueError(f"an arm's name is empty: {name!r}")
    if name != name.strip():
        raise ValueError(f"an arm's name begins or ends with a space: {shown(name)}")
    if not name.isprintable():
        raise ValueError(f"an arm's name has a character that can't be shown: {shown(name)}")
    if len(name) > _MOST_OF_AN_ARM:
        raise ValueError(f"an arm's name has {_MOST_OF_AN_ARM} characters at most: {shown(name)}")
    return name


def line(text: str) -> str:
    """The text in one line; raises ValueError where it is empty, too long or has what can't be shown."""
    words = " ".join(text.split())
    if not words:
        raise ValueError("is empty")
    if not words.isprintable():
        raise ValueError(f"has a character that can't be shown: {shown(words)}")
    if len(words) > _MOST_OF_A_LINE:
        raise ValueError(f"has {_MOST_OF_A_LINE:,} characters at most, not {len(words):,}")
    return words


def metric_name(name: str) -> str:
    """The metric; raises ValueError for one that no run gives."""
    if not re.fullmatch(r"MAP@R|R@[1-9]\d{0,8}", name):
        raise ValueError(f"must be MAP@R or R@k, as R@1, not {shown(name)}")
    return name


def data_name(text: str) -> str:
    """A data set for people: what kind, the last part of where it is, and options; no folder of this machine."""
    source = Source.parse(text)
    options = ", ".join(
        f"{name}={PurePath(value).name if isinstance(value, str) else value}" for name, value in source.options.items()
    )
    place = os.path.basename(os.path.abspath(source.place)) if source.place else ""  # of "." too
    return f"{source.kind}{':' if place else ''}{place}{f'({options})' if options else ''}"


def data_slug(text: str) -> str:
    """A data set in the name of a folder: in words, and a hash of what is in it, for two may be called alike.

    Raises InputError where there is none of that name.
    """
    name = data_name(text)
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MOST_OF_A_SLUG].strip("-")
    return f"{words}-{hashlib.sha256(f'{name} {data.version(text)}'.encode()).hexdigest()[:6]}"
