"""Data sets: a family with one interface. A new one is a file of its own and a line below."""

from __future__ import annotations

from weightlab.data import features, folder, given, glyphs, table
from weightlab.data.draw import Draw
from weightlab.data.kind import AUGMENTATIONS, Found, Kind, Wanted
from weightlab.data.sampler import PKSampler
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Inputs, Split
from weightlab.errors import InputError, check_whole, shown, unknown

__all__ = ["Dataset", "Draw", "Inputs", "PKSampler", "Split", "check", "inspect", "load", "names", "version"]

_KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        glyphs.KIND,
        features.KIND,
        folder.KIND,
        table.KIND,
        given.KIND,
    )
}
_UNNAMED = given.KIND.name  # what nobody writes: a run's configuration does
_SIZES = range(8, 513)


def names() -> list[tuple[str, str]]:
    """Every kind of data set: how it is written, and what it is in one line."""
    named = [kind for kind in _KINDS.values() if kind.name != _UNNAMED]
    return [(f"{kind.name}{':' if kind.place else ''}{kind.place}", kind.about) for kind in named]


def check(text: str) -> None:
    """Raise InputError unless `text` names a data set, with its options; whether it is there, `load` sees."""
    _read(text)


def version(text: str) -> str:
    """What the rows of a data set depend on besides its name: results of another version are not comparable.

    Raises InputError for an unknown name, and where it is not there.
    """
    kind, source = _read(text)
    return kind.version(source)


def inspect(text: str) -> Found:
    """What is in the place of a data set: what was found, what is missing, what is not as published.

    Raises InputError for an unknown name, and where there is nothing.
    """
    kind, source = _read(text)
    return kind.inspect(source)


def load(
    text: str, *, size: int = 24, augment: str = "default", validation: bool = False, skip_damaged: bool = False
) -> Dataset:
    """The data set `text`: "glyphs", "folder:PATH", "vehicleid:PATH(test=small)"; images have `size` × `size` pixels.

    augment: how training images are varied: the data set's own way ("default"), or "none", "light" (turned, scaled,
    sheared, shifted, bent, paled and blotched a little), "crop-flip" (a random part, perhaps mirrored).
    validation: cut the training classes by a fixed choice, 4/5 to train on and 1/5 as `.test`, treated as the true
    test classes are; those stay untouched. Settings are chosen on these.
    skip_damaged: leave out images that can't be read, and say how many in `.notes`, rather than refuse.
    Raises InputError for an unknown name, a size outside 8 to 512, and for what is missing or damaged.
    """
    kind, source = _read(text)
    pixels = check_whole("size", size, _SIZES[0], _SIZES[-1])
    if augment not in AUGMENTATIONS:
        raise unknown("augmentation", str(augment), AUGMENTATIONS)
    return kind.load(source, Wanted(pixels, augment, validation, skip_damaged))


def _read(text: str) -> tuple[Kind, Source]:
    source = Source.parse(text)
    if source.kind not in _KINDS:
        raise unknown("data set", source.kind, [name for name in _KINDS if name != _UNNAMED])
    kind = _KINDS[source.kind]
    if kind.place and not source.place:
        raise InputError(f"{shown(text)} lacks its place: write {kind.name}:{kind.place}")
    kind.check(source)
    return kind, source
