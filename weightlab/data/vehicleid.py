"""VehicleID: photographs of vehicles by cameras over roads, and three test lists of 800, 1,600 and 2,400 (Liu 2016)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from weightlab.data.archive import Archive, kind, listing
from weightlab.data.lists import Line, Row, lines, parsed, whole
from weightlab.data.places import find, root
from weightlab.data.source import Source
from weightlab.errors import InputError
from weightlab.lazy import np

__all__ = ["KIND"]

_TESTS = {"small": 800, "medium": 1_600, "large": 2_400}
_PROTOCOLS = ("all", "reid")
_GIVE = "the folder that has image and train_test_split"
_TRAIN = (13_164, 13_134)  # the archive's list; what papers say


def _check(source: Source) -> None:
    source.choice("test", list(_TESTS), "small")
    source.whole("seed", 0, 0)
    if source.choice("protocol", _PROTOCOLS, "all") == "all" and "seed" in source.options:
        raise InputError("seed of vehicleid chooses the gallery of protocol=reid: leave it out, or give that too")


def _read(source: Source) -> Archive:
    folder = root(source, "VehicleID", "VehicleID_V1.0")
    vehicles = _TESTS[source.choice("test", list(_TESTS), "small")]
    names = ("train_list.txt", f"test_list_{vehicles}.txt")
    lists = [find(folder, f"list {name}", (f"train_test_split/{name}",), _GIVE) for name in names]
    find(folder, "folder of images", ("image",), _GIVE)
    (train, bad), (test, worse) = (parsed(lines(path), _row) for path in lists)
    listed, note = listing(folder, test), "every test image is a query against all others (protocol=all)"
    if source.choice("protocol", _PROTOCOLS, "all") == "reid":
        seed = source.whole("seed", 0, 0)
        is_gallery = np.zeros(len(test), bool)
        is_gallery[_chosen(test, seed)] = True
        listed = replace(listed, is_query=~is_gallery, is_gallery=is_gallery)
        note = f"one image of each test vehicle is the gallery, the others are queries (protocol=reid, seed={seed})"
    return Archive(
        layout=f"lists {names[0]} and {names[1]} in {lists[0].parent}, images in {folder / 'image'}",
        lists=tuple(lists),
        train=listing(folder, train),
        test=listed,
        ks=(1, 5),
        published={"train classes": _TRAIN, "test classes": (vehicles,)},
        notes=(f"vehicleid: {note}; results by another protocol are not comparable",),
        faults=[*bad, *worse],
    )


def _row(line: Line) -> Row:
    image, vehicle = line.columns("image id", "vehicle id")
    return Row(f"image/{whole('image id', image, 0):07d}.jpg", str(whole("vehicle id", vehicle, 0)), line.where)


def _chosen(rows: Sequence[Row], seed: int) -> list[int]:
    """A row of each vehicle, by a hash, which no version of a library's random numbers can change."""
    first: dict[str, tuple[bytes, int]] = {}
    for at, row in enumerate(rows):
        key = (hashlib.sha256(f"weightlab gallery {seed} {row.path}".encode()).digest(), at)
        first[row.label] = min(key, first.get(row.label, key))
    return [at for _, at in first.values()]


KIND = kind(
    "vehicleid",
    "VehicleID: 13,164 vehicles to train on; (test=small) has 800 others, medium 1,600, large 2,400; (protocol=reid)",
    _read,
    ("test", "protocol", "seed"),
    _check,
)
