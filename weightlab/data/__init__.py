"""Data sets, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from weightlab.data import glyphs
from weightlab.data.sampler import PKSampler
from weightlab.data.split import Dataset, Split
from weightlab.errors import check_whole, unknown

__all__ = ["Dataset", "PKSampler", "Split", "check", "load", "names", "version"]

_SIZES = range(8, 513)


class _Entry(NamedTuple):
    """How a data set is found.

    about: what it is, in one line.
    version: as `version` gives it.
    load: from the images' size in pixels, and whether to cut the training classes, as `load` has them.
    """

    about: str
    version: Callable[[], str]
    load: Callable[[int, bool], Dataset]


_DATASETS = {
    "glyphs": _Entry(
        "characters as classes, 12 DejaVu faces as instances; rendered here, nothing to download",
        glyphs.version,
        glyphs.load,
    ),
}


def names() -> list[tuple[str, str]]:
    """Every data set: its name, and what it is in one line."""
    return [(name, entry.about) for name, entry in _DATASETS.items()]


def check(name: str) -> None:
    """Raise InputError unless there is a data set `name`."""
    if name not in list(_DATASETS):  # whatever it is: not everything can be a key
        raise unknown("data set", name, _DATASETS)


def version(name: str) -> str:
    """What the images of a data set depend on besides its name: results of another version are not comparable.

    Raises InputError for an unknown name.
    """
    check(name)
    return _DATASETS[name].version()


def load(name: str, *, size: int = 24, validation: bool = False) -> Dataset:
    """The data set `name` with images of `size` × `size` pixels.

    validation: cut the training classes by a fixed choice, 4/5 to train on and 1/5 as `.test`, treated as the true
    test classes are; those stay untouched. Settings are chosen on these.
    Raises InputError for an unknown name or a size outside 8 to 512.
    """
    check(name)
    pixels = check_whole("size", size, _SIZES[0], _SIZES[-1])
    return _DATASETS[name].load(pixels, validation)
