"""The published archives: every row, class, category and role of a replica, and every way in which one is damaged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data import replicas
from data.replicas import REPLICAS, Replica, Shot
from scipy.io import savemat

from weightlab import data
from weightlab.data import Source, archive, images
from weightlab.data.images.rows import Located
from weightlab.data.kind import Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.errors import InputError
from weightlab.train import TrainConfig, train


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Listings]:
    """What a data set's kind hands to the building of images."""

    def read(text: str) -> Listings:
        found = []

        def build(name: str, listings: Listings, wanted: Wanted) -> object:
            found.append(listings)
            return object()

        with monkeypatch.context() as patched:
            patched.setattr(images, "build", build)
            data.load(text)
        return found[0]

    return read


def shots(part: str, listing: Listing) -> list[Shot]:
    """A listing as a replica tells it."""
    roles = [""] * len(listing)
    if listing.is_query is not None:
        assert listing.is_gallery is not None
        assert (listing.is_query ^ listing.is_gallery).all()
        roles = ["query" if each else "gallery" for each in listing.is_query]
    categories = listing.categories or [None] * len(listing)
    return [Shot(part, *row) for row in zip(listing.paths, listing.classes, categories, roles, strict=True)]


def read(root: Path, name: str) -> Replica:
    return REPLICAS[name](root)


@pytest.mark.parametrize("name", REPLICAS)
def test_every_row_is_what_the_replica_was_made_of(
    name: str, tmp_path: Path, listed: Callable[[str], Listings]
) -> None:
    replica = read(tmp_path, name)
    found = listed(replica.text)
    for part, listing in (("train", found.train), ("test", found.test)):
        assert shots(part, listing) == [shot for shot in replica.shots if shot.part == part]
        assert all((listing.root / path).is_file() for path in listing.paths)
        assert listing.where is not None
        assert len(set(listing.where)) == len(listing)
    assert found.ks == replica.ks
    assert not set(found.train.classes) & set(found.test.classes)
    assert any("is not as published: " in note for note in found.notes)


@pytest.mark.parametrize("name", ["sop", "inshop, Eval", "vehicleid", "cub", "cars a", "cars b", "cars c"])
def test_a_replica_can_be_trained_on(name: str, tmp_path: Path) -> None:
    replica = read(tmp_path, name)
    config = TrainConfig(
        data=replica.text, size=16, width=4, steps=3, batch=6, per_class=3, memory=12, memory_start=1, dimensions=8
    )
    metrics = train(config).metrics
    assert 0 <= metrics["R@1"] <= 1


def test_where_a_row_stands_is_said_with_file_and_line(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    found = listed(replicas.sop(tmp_path).text)
    assert found.test.where is not None
    assert found.test.where[:2] == ["Ebay_test.txt, line 2", "Ebay_test.txt, line 3"]
    found = listed(replicas.inshop(tmp_path / "i").text)
    assert found.train.where is not None
    assert found.train.where[0] == "list_eval_partition.txt, line 3"
    found = listed(replicas.cars(tmp_path / "c", "b").text)
    assert found.train.where is not None
    assert found.train.where[0] == "cars_train_annos.mat, row 1"


def test_one_image_of_each_vehicle_is_the_gallery(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    replica = replicas.vehicleid(tmp_path)
    chosen = set()
    for seed in range(8):
        found = listed(f"{replica.text}(protocol=reid, seed={seed})")
        rows = shots("test", found.test)
        assert Counter(row.label for row in rows if row.role == "gallery") == {
            str(label): 1 for label in range(100, 104)
        }
        assert len(rows) == 16
        assert rows == shots("test", listed(f"{replica.text}(protocol=reid, seed={seed})").test)
        assert any(f"protocol=reid, seed={seed}" in note for note in found.notes)
        chosen.add(tuple(row.path for row in rows if row.role == "gallery"))
    assert len(chosen) > 4
    found = listed(replica.text)
    assert found.test.is_query is found.test.is_gallery is None
    assert any("protocol=all" in note for note in found.notes)


def test_images_in_two_sizes_are_chosen_by_option(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    replicas.inshop(tmp_path, images="Img/img_highres")
    text = replicas.inshop(tmp_path, images="Img/img").text
    assert listed(text).train.paths[0].startswith("img/MEN/")
    assert listed(f"{text}(images=img_highres)").train.paths[0].startswith("img_highres/MEN/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sop:x(test=small)", "sop has no options; test is given"),
        ("inshop:x(images=big)", "unknown images of inshop 'big': known are img, img_highres"),
        ("vehicleid:x(test=smal)", "unknown test of vehicleid 'smal': did you mean 'small'?"),
        ("vehicleid:x(test=800)", "unknown test of vehicleid '800': known are large, medium, small"),
        ("vehicleid:x(protocol=one)", "unknown protocol of vehicleid 'one': known are all, reid"),
        ("vehicleid:x(protocol=reid, seed=-1)", "seed of vehicleid must be a whole number of at least 0, not -1"),
        ("vehicleid:x(seed=1)", "seed of vehicleid chooses the gallery of protocol=reid"),
        ("cub", "'cub' lacks its place: write cub:PATH"),
        ("cars:x(seed=1)", "cars has no options; seed is given"),
    ],
)
def test_options_are_checked_before_the_disk(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        data.check(text)


@pytest.mark.parametrize("kind", ["sop", "inshop", "vehicleid", "cub", "cars"])
def test_a_place_that_is_none_is_told(kind: str, tmp_path: Path) -> None:
    (tmp_path / "archive.zip").touch()
    with pytest.raises(InputError, match=f"there is no folder {tmp_path}/nowhere: give the folder of "):
        data.load(f"{kind}:{tmp_path}/nowhere")
    with pytest.raises(InputError, match=r"archive\.zip is no folder: unpack .* and give the folder"):
        data.inspect(f"{kind}:{tmp_path}/archive.zip")
    with pytest.raises(InputError, match=f"in {tmp_path}: looked for .*; give the folder "):
        data.version(f"{kind}:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "gone", "message"),
    [
        ("sop", "Stanford_Online_Products/Ebay_test.txt", "looked for Ebay_test.txt, Info_Files/Ebay_test.txt"),
        ("inshop, Eval", "Eval/list_eval_partition.txt", "Anno/list_eval_partition.txt, list_eval_partition.txt; give"),
        (
            "inshop, Eval",
            "Img",
            "no folder of images in .*: looked for Img/img, img, Img/img_highres, img_highres; give",
        ),
        ("vehicleid", "train_test_split/train_list.txt", "looked for train_test_split/train_list.txt; give"),
        ("vehicleid", "image", "no folder of images in .*: looked for image; give"),
        ("cub", "CUB_200_2011/classes.txt", "no list classes.txt in .*: looked for classes.txt; give"),
        ("cub", "CUB_200_2011/images", "no folder of images"),
        ("cars a", "car_ims", "has cars_annos.mat of Cars196, but lacks car_ims"),
        (
            "cars b",
            "devkit/cars_test_annos_withlabels.mat",
            "but lacks cars_test_annos_withlabels.mat or devkit/cars_test_annos_withlabels.mat",
        ),
        ("cars b", "cars_test", "but lacks cars_test/cars_test or cars_test"),
        ("cars c", "names.csv", "but lacks names.csv"),
    ],
)
def test_what_is_missing_is_named_with_all_places(name: str, gone: str, message: str, tmp_path: Path) -> None:
    replica = read(tmp_path, name)
    (tmp_path / gone).rename(tmp_path / "elsewhere")
    for use in (data.load, data.inspect, data.version):
        with pytest.raises(InputError, match=message):
            use(replica.text)


def test_missing_folders_of_images_of_sop_are_named(tmp_path: Path) -> None:
    replica = replicas.sop(tmp_path)
    inner = tmp_path / "Stanford_Online_Products"
    (inner / "bicycle_final").rename(tmp_path / "b")
    assert "on disk: 16 of 32 listed images" in data.inspect(replica.text).facts
    (inner / "toaster_final").rename(tmp_path / "t")
    with pytest.raises(
        InputError, match=f"looked for {inner}/bicycle_final, {inner}/images/bicycle_final and the like"
    ):
        data.load(replica.text)


SOP, INSHOP, VEHICLES = "Ebay_train.txt", "list_eval_partition.txt", "train_list.txt"
DAMAGES = [  # replica, which of its lists, line, what it becomes, what is said
    ("sop", 0, 3, "2 1 2", f"{SOP}, line 3: 3 columns, where image_id, class_id, super_class_id, path should be"),
    ("sop", 0, 3, "2 1 2 a_final/x.JPG more", f"{SOP}, line 3: 5 columns, where "),
    ("sop", 0, 4, "3 one 2 a_final/x.JPG", f"{SOP}, line 4: class_id must be a whole number of at least 1, not 'one'"),
    ("sop", 0, 4, "3 nan 2 a_final/x.JPG", f"{SOP}, line 4: class_id must be a whole number of at least 1, not 'nan'"),
    ("sop", 0, 4, "3 0 2 a_final/x.JPG", f"{SOP}, line 4: class_id must be a whole number of at least 1, not '0'"),
    ("sop", 1, 2, "1.5 1 2 a_final/x.JPG", "Ebay_test.txt, line 2: image_id must be a whole number"),
    ("sop", 0, 4, "3 1 -2 a_final/x.JPG", f"{SOP}, line 4: super_class_id must be a whole number"),
    ("sop", 0, 1, "id class path", f"{SOP}, line 1: 3 columns"),
    ("sop", 0, 2, "1 1 2 /etc/a.JPG", f"{SOP}, line 2: path '/etc/a.JPG' must lie in the folder of the images"),
    ("sop", 0, 2, "1 1 2 a/../../b.JPG", f"{SOP}, line 2: path 'a/../../b.JPG' must lie in the folder of the images"),
    ("sop", 0, 2, "1 1 2 C:/b/c.JPG", f"{SOP}, line 2: path 'C:/b/c.JPG' must lie in"),
    ("sop", 0, 2, "1 1 2 a\0/c.JPG", f"{SOP}, line 2: path 'a\\x00/c.JPG' must lie in"),
    ("sop", 0, 2, "1 1 2 c.JPG", f"{SOP}, line 2: path 'c.JPG' must have a folder"),
    (
        "sop",
        1,
        2,
        "1 2 2 bicycle_final/x.JPG",
        "that training has not seen: '2' (Ebay_train.txt, line 6; Ebay_test.txt, line 2)",
    ),
    ("inshop, Eval", 0, 1, "many", f"{INSHOP}: line 1, the number of images, must be a whole number of at least 0"),
    ("inshop, Eval", 0, 2, "image item status", f"{INSHOP}: line 2 must be image_name item_id evaluation_status"),
    ("inshop, Eval", 0, 3, "img/A/B/x.jpg id_1", f"{INSHOP}, line 3: 2 columns, where image_name, item_id"),
    ("inshop, Eval", 0, 3, "img/A/B/x.jpg id_1 test", f"{INSHOP}, line 3: unknown evaluation_status 'test': known are"),
    ("inshop, Eval", 0, 3, "img/A/B/x.jpg id_1 galery", "line 3: unknown evaluation_status 'galery': did you mean"),
    ("inshop, Eval", 0, 3, "img/A/B/x.jpg nan train", f"{INSHOP}, line 3: item_id must be one such as id_00000002"),
    ("inshop, Eval", 0, 3, "x.jpg id_1 train", f"{INSHOP}, line 3: path 'x.jpg' must be one such as img/WOMEN"),
    ("inshop, Eval", 0, 3, "img/../../x id_1 train", f"{INSHOP}, line 3: path 'img/../../x' must lie in"),
    (
        "inshop, Eval",
        0,
        3,
        "img/A/B/x.jpg id_00000005 train",
        "not seen: 'id_00000005' (list_eval_partition.txt, line 3",
    ),
    ("vehicleid", 0, 2, "0000001", f"{VEHICLES}, line 2: 1 columns, where image id, vehicle id should be"),
    ("vehicleid", 0, 2, "1.0 2", f"{VEHICLES}, line 2: image id must be a whole number of at least 0, not '1.0'"),
    ("vehicleid", 1, 2, "0000001 NaN", "test_list_800.txt, line 2: vehicle id must be a whole number of at least 0"),
    ("vehicleid", 0, 2, "1 " + "9" * 5000, f"{VEHICLES}, line 2: vehicle id must be a whole number"),
    ("vehicleid", 1, 2, "0000001 2", "not seen: '2' (train_list.txt, line 5; test_list_800.txt, line 2)"),
    ("cub", 0, 3, "3", "images.txt, line 3: 1 columns"),
    ("cub", 0, 3, "x y", "images.txt, line 3: the first column must be a whole number of at least 1, not 'x'"),
    ("cub", 0, 3, "2 001.Bird_B/x.jpg", "images.txt, line 3: 2 stands in images.txt, line 2 too"),
    ("cub", 0, 3, "99 001.Bird_B/x.jpg", "image 99 has no line in image_class_labels.txt that can be read"),
    ("cub", 0, 3, "3 /etc/x.jpg", "images.txt, line 3: path '/etc/x.jpg' must lie in"),
    ("cub", 1, 3, "3 nan", "image_class_labels.txt, line 3: class must be a whole number of 1 to 200, not 'nan'"),
    ("cub", 1, 3, "3 201", "image_class_labels.txt, line 3: class must be a whole number of 1 to 200, not '201'"),
    ("cub", 1, 3, "3 2", "not in the folder of class 2, 002.Bird_C, which image_class_labels.txt, line 3 gives it"),
    ("cub", 1, 3, "99 1", "image 3 has no line in image_class_labels.txt that can be read"),
    ("cub", 2, 1, "1 other", "not in the folder of class 1, other"),
    ("cub", 2, 1, "300 001.Bird_B", "class 1 has no line in classes.txt that can be read"),
    ("cars c", 0, 2, "00002.jpg,1,2,3,4", "anno_train.csv, line 2: 5 columns, where file, x1, y1, x2, y2, class"),
    ("cars c", 0, 2, "00002.jpg,1,2,3,4,nan", "anno_train.csv, line 2: class must be a whole number of 1 to 196"),
    ("cars c", 1, 2, "00002.jpg,1,2,3,4,197", "anno_test.csv, line 2: class must be a whole number of 1 to 196"),
    ("cars c", 0, 2, "../x.jpg,1,2,3,4,1", "anno_train.csv, line 2: path 'Car 1 Sedan 2001/../x.jpg' must lie in"),
    ("cars c", 2, 3, "Car 2 Sedan 2002", "two classes are called 'Car 2 Sedan 2002'"),
]


@pytest.mark.parametrize(("name", "which", "line", "content", "message"), DAMAGES)
def test_a_row_that_cannot_be_used_is_named(
    name: str, which: int, line: int, content: str, message: str, tmp_path: Path
) -> None:
    replica = read(tmp_path, name)
    path = replica.lists[which]
    lines = path.read_text().split("\n")
    lines[line - 1] = content
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        data.load(replica.text)
    if "not seen: " not in message:
        assert str(raised.value).startswith(f"{replica.text}: ")
    assert any(message in fault for fault in data.inspect(replica.text).faults)


def test_an_image_in_the_folder_of_another_class_is_named(tmp_path: Path) -> None:
    replica = replicas.cars(tmp_path, "c")
    shot = next(shot for shot in replica.shots if "/train/" in shot.path)
    moved = tmp_path / "car_data/car_data/train/Car 150 Sedan 2007" / Path(shot.path).name
    moved.parent.mkdir()
    (tmp_path / shot.path).rename(moved)
    message = f"anno_train.csv, line 1: 00001.jpg is of class .*, {shot.label}, but lies in .*/train/Car 150 Sedan 2007"
    with pytest.raises(InputError, match=message):
        data.load(replica.text)


def test_many_damaged_rows_are_counted(tmp_path: Path) -> None:
    replica = replicas.sop(tmp_path)
    for path in replica.lists:
        path.write_text(path.read_text().replace(" ", ","))
    with pytest.raises(InputError, match=r"Ebay_train.txt, line 1: 1 columns.* \(33 more such rows"):
        data.load(replica.text)
    faults = data.inspect(replica.text).faults
    assert faults[4].startswith("Ebay_train.txt, line 5: ")
    assert faults[5] == "29 more rows that can't be used"


@pytest.mark.parametrize("name", ["sop", "inshop, Eval", "vehicleid", "cub", "cars c"])
def test_lists_without_rows_are_told(name: str, tmp_path: Path) -> None:
    replica = read(tmp_path, name)
    for path in replica.lists:
        path.write_text("0\nimage_name item_id evaluation_status\n" if name.startswith("inshop") else "\n")
    with pytest.raises(InputError, match=r"the train part of .* is empty: "):
        data.load(replica.text)
    assert any("the train part of " in fault for fault in data.inspect(replica.text).faults)


@pytest.mark.parametrize("role", ["query", "gallery"])
def test_queries_without_a_gallery_are_told(role: str, tmp_path: Path) -> None:
    replica = replicas.inshop(tmp_path)
    kept = [line for line in replica.lists[0].read_text().split("\n") if line.rpartition(" ")[0].find(f" {role}") < 0]
    replica.lists[0].write_text("\n".join(kept))
    with pytest.raises(InputError, match=f"the test part of {tmp_path}/Img has no {role} row"):
        data.load(replica.text)


def test_queries_that_can_find_nothing_are_told(tmp_path: Path) -> None:
    replica = replicas.inshop(tmp_path)
    text = replica.lists[0].read_text()
    replica.lists[0].write_text(re.sub(r"(id_00000007 )gallery", r"\1query", text))
    message = "4 of 10 test queries have no other image of their class to find"
    assert message in data.load(replica.text, size=8).notes
    assert message in data.inspect(replica.text).facts


def test_a_list_shorter_than_it_says_is_told(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    replica = replicas.inshop(tmp_path)
    replica.lists[0].write_text("".join(replica.lists[0].read_text().splitlines(keepends=True)[:-3]))
    message = "list_eval_partition.txt: 30 rows, not 32 as its line 1 says"
    assert any(message in note for note in listed(replica.text).notes)
    assert message in data.inspect(replica.text).faults


MAT = [  # what the file holds, what is said
    (b"", "can't be read as a MATLAB file"),
    (b"no such file at all, but long enough to have a header of 128 bytes" * 4, "can't be read as a MATLAB file"),
    ({"other": 1}, "must have an array of structs called annotations, not none"),
    ({"annotations": np.zeros((3, 6))}, r"must have an array of structs called annotations, not float64 \[3, 6\]"),
    ({"annotations": {"path": "x", "class": 1}}, "annotations has no field number 5: it has path, class"),
]


@pytest.mark.parametrize(("content", "message"), MAT)
def test_a_mat_file_that_cannot_be_used_is_named(content: object, message: str, tmp_path: Path) -> None:
    replica = replicas.cars(tmp_path, "a")
    path = replica.lists[0]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        savemat(path, content)
    with pytest.raises(InputError, match=f"cars_annos.mat:? {message}"):
        data.load(replica.text)


def test_a_truncated_mat_file_is_named(tmp_path: Path) -> None:
    replica = replicas.cars(tmp_path, "a")
    content = replica.lists[0].read_bytes()
    for share in (0.1, 0.5, 0.9):
        replica.lists[0].write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=r"cars_annos.mat (can't be read as a MATLAB file: |must have an array)"):
            data.load(replica.text)


STRUCTS = [  # path, class, what is said
    ("car_ims/x.jpg", np.nan, "class must be a whole number of 1 to 196, not nan"),
    ("car_ims/x.jpg", 1.5, "class must be a whole number of 1 to 196, not 1.5"),
    ("car_ims/x.jpg", 0, "class must be a whole number of 1 to 196, not 0"),
    ("car_ims/x.jpg", "one", "class must be a whole number of 1 to 196, not 'one'"),
    ("car_ims/x.jpg", [1, 2], r"class must be a whole number of 1 to 196, not .*int64 \[1, 2\]"),
    ("/etc/x.jpg", 1, "path '/etc/x.jpg' must lie in the folder of the images"),
    (7, 1, "path must be a text, not 7"),
]


@pytest.mark.parametrize(("path", "label", "message"), STRUCTS)
def test_a_struct_that_cannot_be_used_is_named(path: object, label: object, message: str, tmp_path: Path) -> None:
    replica = replicas.cars(tmp_path, "a")
    fields = ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
    rows = [("car_ims/000001.jpg", 1, 2, 3, 4, 1, 0), (path, 1, 2, 3, 4, label, 0)]
    replicas.structs(replica.lists[0], fields, rows)
    with pytest.raises(InputError, match=f"cars_annos.mat, row 2: {message}"):
        data.load(replica.text)


def test_cars_without_names_have_numbers(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    replica = replicas.cars(tmp_path, "b")
    (tmp_path / "devkit/cars_meta.mat").unlink()
    assert sorted(set(listed(replica.text).train.classes)) == ["1", "2", "98"]


def test_what_is_there_and_missing_is_found(tmp_path: Path) -> None:
    replica = replicas.sop(tmp_path, variant=True)
    folder = tmp_path / "Stanford_Online_Products/images"
    (folder / "toaster_final/111085121_2.JPG").unlink()
    (folder / "toaster_final/more.JPG").touch()
    replicas.stray(folder / "toaster_final")
    found = data.inspect(replica.text)
    assert found.facts == (
        f"lists in {tmp_path}/Stanford_Online_Products/Info_Files, images in {folder}",
        "images: 32",
        "classes: 8",
        "train images: 16 (published: 59,551)",
        "train classes: 4 (published: 11,318)",
        "test images: 16 (published: 60,502)",
        "test classes: 4 (published: 11,316)",
        "categories: 2 (published: 12)",
        "on disk: 31 of 32 listed images",
        "on disk, in no list: 1 images: toaster_final/more.JPG",
    )
    assert found.faults == (
        "1 of 32 listed images can't be used: Ebay_train.txt, line 4: toaster_final/111085121_2.jpg is missing",
        "train images: 16, not 59,551",
        "train classes: 4, not 11,318",
        "test images: 16, not 60,502",
        "test classes: 4, not 11,316",
        "categories: 2, not 12",
    )


def test_images_that_are_listed_twice_are_found(tmp_path: Path) -> None:
    replica = replicas.vehicleid(tmp_path)
    replica.lists[0].write_text("0000007 1\n0000008 1\n7 1\n")
    message = "more than one row: image/0000007.jpg (train: train_list.txt, line 1; train: train_list.txt, line 3)"
    assert any(message in fault for fault in data.inspect(replica.text).faults)


def test_names_that_no_disk_can_hold_are_missing(tmp_path: Path) -> None:
    replica = replicas.sop(tmp_path)
    name = f"{'x' * 5000}_final/{'y' * 5000}.JPG"
    replica.lists[0].write_text(replica.lists[0].read_text() + f"99 1 1 {name}\n")
    assert "on disk: 32 of 33 listed images" in data.inspect(replica.text).facts


def test_queries_and_gallery_are_counted(tmp_path: Path) -> None:
    facts = data.inspect(replicas.inshop(tmp_path).text).facts
    assert "query images: 8 (published: 14,218)" in facts
    assert "gallery classes: 4 (published: 3,985)" in facts
    assert "classes: 8 (published: 7,982)" in facts


def test_what_sources_disagree_about_is_told_and_no_fault(tmp_path: Path) -> None:
    found = data.inspect(replicas.vehicleid(tmp_path).text)
    assert "train images: 16" in found.facts
    assert "train classes: 4 (published: 13,164 or 13,134)" in found.facts
    assert found.faults == ("train classes: 4, not 13,164 or 13,134", "test classes: 4, not 800")


def test_a_whole_archive_has_no_faults(
    tmp_path: Path, listed: Callable[[str], Listings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "locate", lambda part: Located(part.paths, [], {}))  # 11,788 files take seconds
    replica = replicas.cub(tmp_path, counts=lambda label: 58 + (label <= 64 or label > 100) + (label > 176))
    found = data.inspect(replica.text)
    assert found.faults == ()
    assert "images: 11,788 (published: 11,788)" in found.facts
    assert listed(replica.text).notes == ()


def test_the_split_of_sop_at_its_size(tmp_path: Path, listed: Callable[[str], Listings]) -> None:
    sizes = {"train": (59_551, 1, 11_318), "test": (60_502, 11_319, 22_634)}
    for part, (images_, first, last) in sizes.items():
        labels = np.sort(np.resize(np.arange(first, last + 1), images_))
        rows = [
            f"{at} {label} {label % 12 + 1} c{label % 12}_final/{label}_{at}.JPG" for at, label in enumerate(labels, 1)
        ]
        replicas.write(tmp_path / f"Ebay_{part}.txt", ["image_id class_id super_class_id path", *rows])
    (tmp_path / "c0_final").mkdir()
    found = listed(f"sop:{tmp_path}")
    assert (len(found.train), len(found.test), found.notes) == (59_551, 60_502, ())
    assert set(map(int, found.train.classes)) == set(range(1, 11_319))
    assert set(map(int, found.test.classes)) == set(range(11_319, 22_635))
    assert [found.train.categories[0], found.train.where[-1]] == ["c1", "Ebay_train.txt, line 59552"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["sop", "inshop, Eval", "vehicleid", "cub", "cars a", "cars b", "cars c"])
def test_the_version_goes_with_lists_and_images(name: str, tmp_path: Path) -> None:
    replica = read(tmp_path / "one", name)
    versions = [data.version(replica.text), data.version(read(tmp_path / "two", name).text)]
    root = data._KINDS[replica.text.partition(":")[0]]
    assert root.version(Source.parse(replica.text)) == versions[0]
    image = next(path for path in (tmp_path / "one").rglob("*.[jJ][pP][gG]") if not path.name.startswith("._"))
    content = image.read_bytes()
    image.write_bytes(content + b"\0")
    versions.append(data.version(replica.text))
    image.unlink()
    versions.append(data.version(replica.text))
    image.write_bytes(content)
    assert data.version(replica.text) == versions[0]
    if replica.lists[0].suffix != ".mat":
        replica.lists[0].write_bytes(replica.lists[0].read_bytes() + b"\n")
        versions.append(data.version(replica.text))
    assert len(set(versions[1:])) == len(versions) - 1
