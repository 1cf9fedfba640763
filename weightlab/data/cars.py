"""Cars196: 16,185 photographs of 196 models of cars (Krause 2013), split by class over both parts together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from weightlab.data import matlab, places
from weightlab.data.archive import Archive, kind, listing
from weightlab.data.lists import Line, Row, lines, parsed, relative, whole, without_header
from weightlab.data.source import Source
from weightlab.errors import InputError, shown

__all__ = ["KIND"]

_CLASSES, _TRAIN = 196, 98
_BOX = ("file", "x1", "y1", "x2", "y2", "class")


class _Labelled(NamedTuple):
    """An image and the number of its class."""

    path: str
    label: int
    where: str


@dataclass(frozen=True)
class _Content:
    """What a layout's lists say.

    rows: the images. names: of the classes, from 1 on; None where no list has them. faults: rows that can't be used.
    """

    rows: list[_Labelled]
    names: list[str] | None
    faults: list[str]


@dataclass(frozen=True)
class _Layout:
    """One of the forms in which the archive is handed on.

    lists, folders: of each that is needed, the places where it may lie.
    extra: of lists that it can do without.
    read: of the root, lists and folders that were found.
    """

    lists: tuple[tuple[str, ...], ...]
    folders: tuple[tuple[str, ...], ...]
    extra: tuple[str, ...]
    read: Callable[[Path, Sequence[str], Sequence[str]], _Content]

    def find(self, place: Path) -> tuple[list[str], list[str], list[str]]:
        """The lists and folders that are there, and what is missing, in words."""
        lists = [places.first(place, names, places.is_file) for names in self.lists]
        folders = [places.first(place, names, places.is_folder) for names in self.folders]
        needed = zip((*lists, *folders), (*self.lists, *self.folders), strict=True)
        absent = [" or ".join(names) for found, names in needed if found is None]
        extra = [name for name in self.extra if places.is_file(place / name)]
        return [*filter(None, lists), *extra], [*filter(None, folders)], absent


def _read(source: Source) -> Archive:
    place = places.root(source, "Cars196")
    layout, lists, folders = _chosen(place)
    content = layout.read(place, lists, folders)
    rows, faults = _named(content)
    return Archive(
        layout=f"lists {', '.join(lists)}, images in {', '.join(folders)} of {place}",
        lists=tuple(place / name for name in lists),
        train=listing(place, [row for label, row in rows if label <= _TRAIN]),
        test=listing(place, [row for label, row in rows if label > _TRAIN]),
        ks=(1, 2, 4, 8),
        published={"images": (16_185,), "train classes": (_TRAIN,), "test classes": (_CLASSES - _TRAIN,)},
        faults=[*content.faults, *faults],
    )


def _chosen(place: Path) -> tuple[_Layout, list[str], list[str]]:
    """The first layout that is whole. Raises InputError that says what the nearest lacks, or what each is made of."""
    found = [(layout, *layout.find(place)) for layout in _LAYOUTS]
    for layout, lists, folders, absent in found:
        if not absent:
            return layout, lists, folders
    _, lists, folders, absent = min(found, key=lambda each: len(each[3]) / (len(each[1]) + len(each[2]) + 0.1))
    if lists or folders:
        raise InputError(f"{place} has {', '.join([*lists, *folders])} of Cars196, but lacks {'; '.join(absent)}")
    needed = "; or ".join(", ".join(" or ".join(names) for names in (*each.lists, *each.folders)) for each in _LAYOUTS)
    raise InputError(f"there is no Cars196 in {place}: looked for {needed}; give the folder that has them")


def _named(content: _Content) -> tuple[list[tuple[int, Row]], list[str]]:
    """The rows with the names of their classes."""
    rows, faults, names = [], [], content.names
    if names is not None and (twice := {name for name in names if names.count(name) > 1}):
        faults.append(f"two classes are called {shown(min(twice))}")
    for path, label, where in content.rows:
        if names is not None and label > len(names):
            faults.append(f"{where}: class {label} has no name: there are {len(names)} names")
        else:
            rows.append((label, Row(path, str(label) if names is None else names[label - 1], where)))
    return rows, faults


def _read_one(place: Path, lists: Sequence[str], inner: Sequence[str]) -> _Content:
    """car_ims and cars_annos.mat: the path is field 0, the class field 5, behind a box."""
    path = place / lists[0]
    rows, faults = _annotated(path, 0, 5)
    return _Content(rows, matlab.texts(path, "class_names"), faults)


def _read_two(place: Path, lists: Sequence[str], inner: Sequence[str]) -> _Content:
    """cars_train and cars_test, each with its annotations, where the names of files begin anew."""
    rows, faults = [], []
    for name, folder in zip(lists, inner, strict=False):
        found, wrong = _annotated(place / name, "fname", "class", f"{folder}/")
        rows += found
        faults += wrong
    return _Content(rows, matlab.texts(place / lists[2], "class_names") if len(lists) > 2 else None, faults)


def _annotated(path: Path, file: int | str, label: int | str, folder: str = "") -> tuple[list[_Labelled], list[str]]:
    rows, faults = [], []
    for at, (name, number) in enumerate(matlab.records(path, "annotations", (file, label)), 1):
        where = f"{path.name}, row {at}"
        try:
            inner = relative(matlab.text("path", name))
            rows.append(_Labelled(f"{folder}{inner}", matlab.whole("class", number, 1, _CLASSES), where))
        except InputError as error:
            faults.append(f"{where}: {error}")
    return rows, faults


def _read_folders(place: Path, lists: Sequence[str], inner: Sequence[str]) -> _Content:
    """car_data: a folder a class, and lists that have the class as a number, counted in names.csv from 1."""
    names = [", ".join(line.fields) for line in lines(place / lists[2], commas=True)]
    rows, faults = [], []
    for name, folder in zip(lists, inner, strict=False):
        read = without_header(lines(place / name, commas=True), _BOX)
        found, wrong = parsed(read, _Folders.of(place, folder, names).row)
        rows += found
        faults += wrong
    return _Content(rows, names, faults)


@dataclass(frozen=True)
class _Folders:
    """A part whose images lie in a folder a class.

    part: its folder. names: of the classes. called: the folder of each class, by `_plain`. lying: of each image.
    """

    part: str
    names: Sequence[str]
    called: Mapping[str, str]
    lying: Mapping[str, str]

    @classmethod
    def of(cls, place: Path, part: str, names: Sequence[str]) -> _Folders:
        inner = places.folders(place / part)
        lying = {file: each for each in inner for file in places.files(place / part / each)}
        return cls(part, names, {_plain(each): each for each in inner}, lying)

    def row(self, line: Line) -> _Labelled:
        """Raises InputError where the image lies in the folder of another class."""
        file, *_, number = line.columns(*_BOX)
        label = whole("class", number, 1, _CLASSES)
        if label > len(self.names):
            raise InputError(f"class {label} has no name: names.csv has {len(self.names)}")
        name = self.names[label - 1]
        inner, lies = self.called.get(_plain(name), name), self.lying.get(file)
        if lies not in (inner, None):
            raise InputError(f"{file} is of class {label}, {name}, but lies in {self.part}/{lies}")
        return _Labelled(f"{self.part}/{relative(f'{inner}/{file}')}", label, line.where)


def _plain(name: str) -> str:
    """A class's name but for case and marks: no folder can be called "Ram C/V"."""
    return " ".join(re.findall("[^\\W_]+", name.casefold()))


_LAYOUTS = (
    _Layout(lists=(("cars_annos.mat",),), folders=(("car_ims",),), extra=(), read=_read_one),
    _Layout(
        lists=(
            ("devkit/cars_train_annos.mat", "cars_train_annos.mat"),
            ("cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"),
        ),
        folders=(("cars_train/cars_train", "cars_train"), ("cars_test/cars_test", "cars_test")),
        extra=("devkit/cars_meta.mat",),
        read=_read_two,
    ),
    _Layout(
        lists=(("anno_train.csv",), ("anno_test.csv",), ("names.csv",)),
        folders=(("car_data/car_data/train", "car_data/train"), ("car_data/car_data/test", "car_data/test")),
        extra=(),
        read=_read_folders,
    ),
)

KIND = kind("cars", "Cars196: models of cars, classes 1 to 98 to train on, 99 to 196 to test, in three layouts", _read)
