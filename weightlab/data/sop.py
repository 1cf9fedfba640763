"""Stanford Online Products: 120,053 photographs of 22,634 products in 12 categories (Song 2016)."""

from __future__ import annotations

from pathlib import Path

from weightlab.data.archive import Archive, kind, listing
from weightlab.data.lists import Line, Row, lines, parsed, relative, whole, without_header
from weightlab.data.places import find, folders, root
from weightlab.data.source import Source
from weightlab.errors import InputError, shown

__all__ = ["KIND"]

_COLUMNS = ("image_id", "class_id", "super_class_id", "path")
_GIVE = "the folder Stanford_Online_Products, or the one that it is in"
_PUBLISHED = {
    "train images": (59_551,),
    "train classes": (11_318,),
    "test images": (60_502,),
    "test classes": (11_316,),
    "categories": (12,),
}


def _read(source: Source) -> Archive:
    folder = root(source, "Stanford Online Products", "Stanford_Online_Products")
    names = [f"Ebay_{part}.txt" for part in ("train", "test")]
    lists = [find(folder, f"list {name}", (name, f"Info_Files/{name}"), _GIVE) for name in names]
    (train, bad), (test, worse) = map(_rows, lists)
    images = _images(folder, [*train, *test])
    return Archive(
        layout=f"lists in {lists[0].parent}, images in {images}",
        lists=tuple(lists),
        train=listing(images, train),
        test=listing(images, test),
        ks=(1, 10, 100, 1000),
        published=_PUBLISHED,
        faults=[*bad, *worse],
    )


def _rows(path: Path) -> tuple[list[Row], list[str]]:
    return parsed(without_header(lines(path), _COLUMNS), _row)


def _row(line: Line) -> Row:
    image, label, category, given = line.columns(*_COLUMNS)
    number = whole("class_id", label)
    whole("image_id", image)
    whole("super_class_id", category)
    path = relative(given)
    folder, slash, _ = path.partition("/")
    if not slash:
        raise InputError(f"path {shown(path)} must have a folder, as in bicycle_final/111085122871_0.JPG")
    return Row(path, str(number), line.where, folder.removesuffix("_final"))


def _images(folder: Path, rows: list[Row]) -> Path:
    """Where the folders of the images lie: beside the lists, or in images/."""
    tops = sorted({row.path.partition("/")[0] for row in rows})
    places = (folder, folder / "images")
    found = next((place for place in places if not set(tops).isdisjoint(folders(place))), None)
    if found is None and tops:
        looked = ", ".join(str(place / tops[0]) for place in places)
        raise InputError(f"there are no images in {folder}: looked for {looked} and the like; give {_GIVE}")
    return found or folder


KIND = kind("sop", "Stanford Online Products: 11,318 products to train on, 11,316 to test, in 12 categories", _read)
