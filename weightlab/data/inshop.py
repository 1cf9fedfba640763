"""In-Shop Clothes Retrieval of DeepFashion: 52,712 photographs of 7,982 items; queries apart from the gallery."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from weightlab.data.archive import Archive, kind, listing
from weightlab.data.lists import Line, Row, lines, parsed, relative, whole
from weightlab.data.places import find, root
from weightlab.data.source import Source
from weightlab.errors import InputError, shown, unknown
from weightlab.lazy import np

__all__ = ["KIND"]

_LIST = "list_eval_partition.txt"
_COLUMNS = ("image_name", "item_id", "evaluation_status")
_STATUS = ("train", "query", "gallery")
_IMAGES = ("img", "img_highres")
_GIVE = "the folder that has Eval and Img"
_PUBLISHED = {
    "images": (52_712,),
    "classes": (7_982,),
    "train images": (25_882,),
    "train classes": (3_997,),
    "query images": (14_218,),
    "query classes": (3_985,),
    "gallery images": (12_612,),
    "gallery classes": (3_985,),
}


class _Listed(NamedTuple):
    status: str
    row: Row


def _check(source: Source) -> None:
    source.choice("images", _IMAGES, _IMAGES[0])


def _read(source: Source) -> Archive:
    folder = root(source, "In-Shop Clothes Retrieval", "In-shop Clothes Retrieval Benchmark")
    places = (f"Eval/{_LIST}", f"Anno/{_LIST}", _LIST)
    path = find(folder, f"list {_LIST}", places, _GIVE)
    kinds = (source.choice("images", _IMAGES, ""),) if "images" in source.options else _IMAGES
    names = [place for each in kinds for place in (f"Img/{each}", each)]
    images = find(folder, "folder of images", names, _GIVE)
    head, found = lines(path)[:2], lines(path)[2:]
    rows, faults = parsed(found, lambda line: _row(line, images.name))
    count, wrong = _head(path, head)
    test = [each for each in rows if each.status != "train"]
    listed = listing(images.parent, [each.row for each in test])
    is_query = np.array([each.status == "query" for each in test], bool)
    other = (
        [] if count in (None, len(found)) else [f"{path.name}: {len(found):,} rows, not {count:,} as its line 1 says"]
    )
    return Archive(
        layout=f"list {path}, images in {images}",
        lists=(path,),
        train=listing(images.parent, [each.row for each in rows if each.status == "train"]),
        test=replace(listed, is_query=is_query, is_gallery=~is_query),
        ks=(1, 10, 20, 30, 40, 50),
        published=_PUBLISHED,
        faults=[*wrong, *faults],
        differs=tuple(other),
    )


def _head(path: Path, head: Sequence[Line]) -> tuple[int | None, list[str]]:
    """How many rows the first line says that there are; and what is wrong with the first two."""
    try:
        if len(head) != 2 or tuple(head[1].fields) != _COLUMNS:
            raise InputError(f"line 2 must be {' '.join(_COLUMNS)}")
        return whole("line 1, the number of images,", " ".join(head[0].fields), 0), []
    except InputError as error:
        return None, [f"{path.name}: {error}"]


def _row(line: Line, images: str) -> _Listed:
    path, item, status = line.columns(*_COLUMNS)
    if status not in _STATUS:
        raise unknown("evaluation_status", status, _STATUS)
    if not re.fullmatch("id_[0-9]+", item):
        raise InputError(f"item_id must be one such as id_00000002, not {shown(item)}")
    first, *inner = relative(path).split("/")
    if first != "img" or len(inner) < 3:
        raise InputError(f"path {shown(path)} must be one such as img/WOMEN/Dresses/id_00000002/02_1_front.jpg")
    return _Listed(status, Row("/".join((images, *inner)), item, line.where, "/".join(inner[:2])))


KIND = kind(
    "inshop",
    "In-Shop Clothes (DeepFashion): 3,997 items to train on, 3,985 to test, queries apart from the gallery",
    _read,
    ("images",),
    _check,
)
