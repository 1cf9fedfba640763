"""The published archives in miniature, file for file: their layouts with headers, padding, odd cases and strays."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.io import savemat


class Shot(NamedTuple):
    """An image of a replica: path in the folder of the images; role is query, gallery or, for both, ""."""

    part: str
    path: str
    label: str
    category: str | None = None
    role: str = ""


@dataclass(frozen=True)
class Replica:
    """What was made.

    text: what --data says. shots: the images, in the order of the lists. ks: of the protocol. lists: their files.
    """

    text: str
    shots: list[Shot]
    ks: tuple[int, ...]
    lists: list[Path]


def draw(path: Path) -> None:
    """A small photograph of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(zlib.crc32(str(path).encode())).integers(0, 256, (12, 20, 3), np.uint8)
    Image.fromarray(pixels).save(path, "jpeg")


def write(path: Path, lines: Iterable[str], *, end: str = "\n", blank: int = 0) -> Path:
    """A list with these lines, and blank ones behind them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in [*lines, *[""] * blank]).encode())
    return path


def stray(folder: Path, name: str = "._x.jpg") -> None:
    """What macOS leaves beside images."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"\0\5\x16\7")


def sop(root: Path, *, variant: bool = False, end: str = "\n", above: bool = False) -> Replica:
    """variant: images/ and Info_Files/, names in lower case. above: the folder that it is in is given."""
    inner = root / "Stanford_Online_Products"
    lists, images = (inner / "Info_Files", inner / "images") if variant else (inner, inner)
    shots, files, image = [], [], 0
    for part, classes in (("train", range(1, 5)), ("test", range(11_319, 11_323))):
        rows = ["image_id class_id super_class_id path"]
        for label in classes:
            kind = label % 2
            for each in range(4):
                image += 1
                name = f"{('bicycle', 'toaster')[kind]}_final/11108512{label}_{each}"
                suffix = "JPG" if each % 2 == 0 or not variant else "jpg"  # a list may say jpg where JPG is on disk
                shots.append(Shot(part, f"{name}.{suffix}", str(label), ("bicycle", "toaster")[kind]))
                draw(images / f"{name}.{suffix}")
                rows.append(f"{image} {label} {kind + 1} {name}.{'jpg' if variant else 'JPG'}")
        files.append(write(lists / f"Ebay_{part}.txt", rows, end=end, blank=2))
    return Replica(f"sop:{root if above else inner}", shots, (1, 10, 100, 1000), files)


def inshop(root: Path, *, place: str = "Eval", images: str = "Img/img", options: str = "", end: str = "\n") -> Replica:
    """place: of the list. images: their folder."""
    top = images.rpartition("/")[2]
    shots, rows = [], []
    for item in range(1, 9):
        folder = ("WOMEN/Dresses", "MEN/Tees_Tanks")[item % 2]
        for each in range(4):
            status = "train" if item < 5 else ("query", "gallery")[each % 2]
            inner = f"{folder}/id_{item:08d}/0{each}_1_front.jpg"
            role = "" if status == "train" else status
            part = "train" if status == "train" else "test"
            shots.append(Shot(part, f"{top}/{inner}", f"id_{item:08d}", folder, role))
            draw(root / images / inner)
            rows.append(f"img/{inner}{' ' * (50 - len(inner))}\tid_{item:08d} {status:10}")
    head = [str(len(rows)), "image_name item_id evaluation_status"]
    file = write(root / place / "list_eval_partition.txt", [*head, *rows], end=end, blank=1)
    stray(root / images / "WOMEN")
    return Replica(f"inshop:{root}{options}", shots, (1, 10, 20, 30, 40, 50), [file])


def vehicleid(root: Path, *, options: str = "", vehicles: int = 4, end: str = "\n") -> Replica:
    """The lists of test vehicles hold one another; `vehicles` is how many the one has that the options name."""
    shots, rows = [], {}
    for part, count, name in (
        ("train", 4, "train_list"),
        ("test", 4, "test_list_800"),
        ("test", 5, "test_list_1600"),
        ("test", 6, "test_list_2400"),
    ):
        first = 1 if part == "train" else 100
        made = [(f"{7 * vehicle + each:07d}", vehicle) for vehicle in range(first, first + count) for each in range(4)]
        rows[name] = [f"{image} {vehicle} " for image, vehicle in made]
        if part == "train" or count == vehicles:
            shots += [Shot(part, f"image/{image}.jpg", str(vehicle)) for image, vehicle in made]
        for image, _ in made:
            draw(root / "image" / f"{image}.jpg")
    files = [write(root / "train_test_split" / f"{name}.txt", made, end=end, blank=1) for name, made in rows.items()]
    return Replica(f"vehicleid:{root}{options}", shots, (1, 5), files)


def cub(root: Path, *, above: bool = False, end: str = "\n", counts: Callable[[int], int] | None = None) -> Replica:
    """counts: how many images a class has, in the lists alone; without it 4 of some, about where the parts meet."""
    inner = root / "CUB_200_2011"
    of_class = counts or (lambda label: 4 * (label in (1, 2, 100, 101, 102, 200)))
    names = {label: f"{label:03d}.Bird_{chr(65 + label % 7)}" for label in range(1, 201)}
    shots = []
    for label, name in names.items():
        for each in range(of_class(label)):
            shots.append(Shot("train" if label <= 100 else "test", f"{name}/Bird_{each:04d}_{label}.jpg", name))
            if counts is None:
                draw(inner / "images" / shots[-1].path)
                stray(inner / "images" / name, f"._Bird_{each:04d}_{label}.jpg")
    (inner / "images").mkdir(parents=True, exist_ok=True)
    contents = {
        "images.txt": [f"{at} {shot.path}" for at, shot in enumerate(shots, 1)],
        "image_class_labels.txt": [f"{at} {int(shot.label[:3])}" for at, shot in enumerate(shots, 1)],
        "classes.txt": [f"{label} {name}" for label, name in names.items()],
        "train_test_split.txt": [f"{at} {at % 2}" for at in range(1, len(shots) + 1)],
    }
    files = [write(inner / name, rows, end=end, blank=1) for name, rows in contents.items()]
    return Replica(f"cub:{root if above else inner}", shots, (1, 2, 4, 8), files[:3])


CARS = {label: f"Car {label} Sedan 20{label % 13:02d}" for label in range(1, 197)} | {99: "Ram C/V Cargo Van 2012"}
_CARS_USED = (1, 2, 98, 99, 100, 196)


def structs(path: Path, fields: Sequence[str], rows: Sequence[Sequence[object]], **others: object) -> Path:
    """A .mat file with an array of structs, 1 × N, and other variables."""
    array = np.zeros((1, len(rows)), [(name, object) for name in fields])
    for at, row in enumerate(rows):
        array[0, at] = tuple(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": array, **others})
    return path


def cell(value: object) -> np.ndarray:
    """A cell, 1 × 1."""
    found = np.empty((1, 1), object)
    found[0, 0] = value
    return found


def cells(texts: Iterable[str]) -> np.ndarray:
    """A cell array, 1 × N."""
    return np.array([list(texts)], object)


def cars(root: Path, layout: str, *, devkit: bool = True, nested: bool = False, end: str = "\n") -> Replica:
    """layout: a, b or c of the field's. devkit: whether b's test list lies in it. nested: numbers in cells of cells."""
    make = {"a": _cars_one, "b": _cars_two, "c": _cars_folders}[layout]
    shots, lists = make(root, devkit, nested, end)
    for shot in shots:
        draw(root / shot.path)
    return Replica(f"cars:{root}", shots, (1, 2, 4, 8), lists)


def _cars_shots() -> list[tuple[str, int, int]]:
    """(published part, number in it, class): every class is in both parts, in no order."""
    found, count = [], {"train": 0, "test": 0}
    for each in range(4):
        for label in _CARS_USED[each:] + _CARS_USED[:each]:
            part = ("train", "test")[(each + label) % 2]
            count[part] += 1
            found.append((part, count[part], label))
    return sorted(found, key=lambda shot: (shot[0] == "test", shot[1]))


def _side(label: int) -> str:
    return "train" if label <= 98 else "test"


def _cars_one(root: Path, devkit: bool, nested: bool, end: str) -> tuple[list[Shot], list[Path]]:
    shots, rows = [], []
    for at, (part, _, label) in enumerate(_cars_shots(), 1):
        path = f"car_ims/{at:06d}.jpg"
        shots.append(Shot(_side(label), path, CARS[label]))
        number = cell(cell(float(label))) if nested else np.uint8(label)
        rows.append((cell(path) if nested else path, 1, 2, 19, 11, number, np.uint8(part == "test")))
    fields = ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
    return shots, [structs(root / "cars_annos.mat", fields, rows, class_names=cells(CARS.values()))]


def _cars_two(root: Path, devkit: bool, nested: bool, end: str) -> tuple[list[Shot], list[Path]]:
    shots, files = [], []
    fields = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")
    places = {"train": "devkit/cars_train_annos", "test": f"{'devkit/' * devkit}cars_test_annos_withlabels"}
    for part, place in places.items():
        rows = []
        for found, number, label in _cars_shots():
            if found == part:
                shots.append(Shot(_side(label), f"cars_{part}/{number:05d}.jpg", CARS[label]))
                rows.append((1, 2, 19, 11, cell(label) if nested else label, f"{number:05d}.jpg"))
        files.append(structs(root / f"{place}.mat", fields, rows))
        if part == "test":  # as it is published, without what one asks for
            structs(root / "devkit/cars_test_annos.mat", (*fields[:4], "fname"), [(*row[:4], row[5]) for row in rows])
    savemat(root / "devkit/cars_meta.mat", {"class_names": cells(CARS.values())})
    return shots, [*files, root / "devkit/cars_meta.mat"]


def _cars_folders(root: Path, devkit: bool, nested: bool, end: str) -> tuple[list[Shot], list[Path]]:
    shots, files = [], []
    for part in ("train", "test"):
        rows = []
        for found, number, label in _cars_shots():
            if found == part:
                folder = f"car_data/car_data/{part}/{CARS[label].replace('/', '-')}"
                shots.append(Shot(_side(label), f"{folder}/{number:05d}.jpg", CARS[label]))
                rows.append(f"{number:05d}.jpg,1,2,19,11,{label}")
        files.append(write(root / f"anno_{part}.csv", rows, end=end, blank=1))
    return shots, [*files, write(root / "names.csv", CARS.values(), end=end)]


REPLICAS: dict[str, Callable[[Path], Replica]] = {
    "sop": sop,
    "sop, its parent": lambda root: sop(root, above=True),
    "sop, CRLF": lambda root: sop(root, end="\r\n"),
    "sop, images and Info_Files": lambda root: sop(root, variant=True),
    "inshop, Eval": inshop,
    "inshop, Anno and CRLF": lambda root: inshop(root, place="Anno", end="\r\n"),
    "inshop, root and img": lambda root: inshop(root, place="", images="img"),
    "inshop, img_highres": lambda root: inshop(root, images="img_highres"),
    "inshop, Img/img_highres": lambda root: inshop(root, images="Img/img_highres", options="(images=img_highres)"),
    "vehicleid": vehicleid,
    "vehicleid, small": lambda root: vehicleid(root, options="(test=small)", end="\r\n"),
    "vehicleid, medium": lambda root: vehicleid(root, options="(test=medium)", vehicles=5),
    "vehicleid, large": lambda root: vehicleid(root, options="(test=large)", vehicles=6),
    "cub": cub,
    "cub, its parent and CRLF": lambda root: cub(root, above=True, end="\r\n"),
    "cars a": lambda root: cars(root, "a"),
    "cars a, cells in cells": lambda root: cars(root, "a", nested=True),
    "cars b": lambda root: cars(root, "b"),
    "cars b, test list in the root, cells": lambda root: cars(root, "b", devkit=False, nested=True),
    "cars c": lambda root: cars(root, "c"),
    "cars c, CRLF": lambda root: cars(root, "c", end="\r\n"),
}
