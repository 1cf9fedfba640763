"""CUB-200-2011: 11,788 photographs of 200 species of birds (Wah 2011), split by class as retrieval does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from weightlab.data.archive import Archive, kind, listing
from weightlab.data.lists import Line, Row, lines, parsed, relative, whole
from weightlab.data.places import find, root
from weightlab.data.source import Source
from weightlab.errors import InputError, shown

__all__ = ["KIND"]

_GIVE = "the folder CUB_200_2011, or the one that it is in"
_LISTS = ("images.txt", "image_class_labels.txt", "classes.txt")
_CLASSES, _TRAIN = 200, 100


class _Numbered(NamedTuple):
    """A line of a number and a text."""

    number: int
    text: str
    line: Line


def _read(source: Source) -> Archive:
    folder = root(source, "CUB-200-2011", "CUB_200_2011")
    lists = [find(folder, f"list {name}", (name,), _GIVE) for name in _LISTS]
    images = find(folder, "folder of images", ("images",), _GIVE)
    (named, bad), (labels, worse), (classes, worst) = map(_numbered, lists)
    rows, faults = parsed((each.line for each in named.values()), lambda line: _row(line, labels, classes))
    faults += [
        f"{each.line.where}: image {number} is not in {lists[0].name}"
        for number, each in labels.items()
        if number not in named
    ]
    kept = [(number, row) for number, row in rows if not row.path.rpartition("/")[2].startswith("._")]
    return Archive(
        layout=f"lists {', '.join(_LISTS)} in {folder}, images in {images}",
        lists=tuple(lists),
        train=listing(images, [row for number, row in kept if number <= _TRAIN]),
        test=listing(images, [row for number, row in kept if number > _TRAIN]),
        ks=(1, 2, 4, 8),
        published={"images": (11_788,), "train classes": (_TRAIN,), "test classes": (_CLASSES - _TRAIN,)},
        unsure={"train images": 5_864, "test images": 5_924},
        faults=[*bad, *worse, *worst, *faults],
    )


def _numbered(path: Path) -> tuple[dict[int, _Numbered], list[str]]:
    """The lines of a list by their numbers."""
    rows, faults = parsed(lines(path), _line)
    found: dict[int, _Numbered] = {}
    for row in rows:
        if row.number in found:
            faults.append(f"{row.line.where}: {row.number} stands in {found[row.number].line.where} too")
        else:
            found[row.number] = row
    return found, faults


def _line(line: Line) -> _Numbered:
    number, text = line.columns("a number", "a text")
    return _Numbered(whole("the first column", number), text, line)


def _row(line: Line, labels: Mapping[int, _Numbered], classes: Mapping[int, _Numbered]) -> tuple[int, Row]:
    """An image and the number of its class, by its own line in images.txt."""
    image, path = int(line.fields[0]), relative(line.fields[1])
    if image not in labels:
        raise InputError(f"image {image} has no line in {_LISTS[1]} that can be read")
    where = labels[image].line.where
    try:
        label = whole("class", labels[image].text, 1, _CLASSES)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if label not in classes:
        raise InputError(f"{where}: class {label} has no line in {_LISTS[2]} that can be read")
    name = classes[label].text
    if path.partition("/")[0] != name:
        raise InputError(f"path {shown(path)} is not in the folder of class {label}, {name}, which {where} gives it")
    return label, Row(path, name, line.where)


KIND = kind("cub", "CUB-200-2011: birds, species 1 to 100 to train on, 101 to 200 to test", _read)
