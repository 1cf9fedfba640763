"""A kind of data set: what `--data` can say, and how it is loaded. Each kind is a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from weightlab.data.source import Source
from weightlab.data.split import Dataset

__all__ = ["AUGMENTATIONS", "Found", "Kind", "Wanted"]

AUGMENTATIONS = ("default", "none", "light", "crop-flip")


@dataclass(frozen=True)
class Wanted:
    """How a data set is to be loaded, whichever it is.

    size: side of the images in pixels.
    augment: how training images are varied; the data set's default, or one of the others.
    validation: cut the training classes by a fixed choice, 4/5 to train on and 1/5 as `.test`.
    skip_damaged: leave out images that can't be read, rather than refuse.
    """

    size: int = 24
    augment: str = "default"
    validation: bool = False
    skip_damaged: bool = False


@dataclass(frozen=True)
class Found:
    """What is in a place.

    facts: what was found, a line each.
    faults: what is missing, or not as published, a line each; empty where all is well.
    """

    facts: tuple[str, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of data set.

    name: what `--data` begins with.
    place: what stands behind the colon; empty for none.
    about: what it is, in one line.
    check: raises InputError for what is wrong with the text; it does not look at the disk.
    load: raises InputError for what is missing or damaged.
    version: what the rows depend on besides the text: results of another version are not comparable.
    inspect: what is there, for `weightlab data check`.
    """

    name: str
    place: Literal["", "PATH", "FILE"]
    about: str
    check: Callable[[Source], None]
    load: Callable[[Source, Wanted], Dataset]
    version: Callable[[Source], str]
    inspect: Callable[[Source], Found]
