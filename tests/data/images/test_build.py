from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import draw
from PIL import Image

from weightlab import InputError
from weightlab.data.draw import Draw
from weightlab.data.images import build, found
from weightlab.data.kind import Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.split import Dataset


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for row in range(8):
        draw(tmp_path / "root" / f"{row}.png", row)
    return tmp_path / "root"


def parts(root: Path, **test: Any) -> Listings:  # noqa: ANN401
    """Images 0 to 3 of classes a and b, 4 to 7 of c and d."""
    train = Listing(
        root, [f"{row}.png" for row in range(4)], [*"abab"], where=[f"list.txt, line {n}" for n in range(4)]
    )
    given = {"paths": [f"{row}.png" for row in range(4, 8)], "classes": [*"dcdc"]} | test
    return Listings(train, Listing(root, **given), ks=(1, 5), notes=("a note",))


def loaded(listings: Listings, **wanted: Any) -> Dataset:  # noqa: ANN401
    return build("replica", listings, Wanted(**({"size": 14} | wanted)))


def seen(path: Path, size: int = 14) -> np.ndarray:
    """The test's view, by Pillow alone: Resize(size · 256 / 224) and CenterCrop(size)."""
    image, side = Image.open(path), size * 256 // 224
    scaled = image.resize((int(side * image.width / image.height), side), Image.Resampling.BILINEAR)
    left, top = round((scaled.width - size) / 2), round((scaled.height - size) / 2)
    return np.asarray(scaled.crop((left, top, left + size, top + size)), np.float32) / 255


def names(given: Sequence[str] | None) -> Sequence[str]:
    assert given is not None
    return given


def refusal(listings: Listings, **wanted: Any) -> str:  # noqa: ANN401
    with pytest.raises(InputError) as caught:
        loaded(listings, **wanted)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_data_set_is_what_its_listings_say(root: Path) -> None:
    categories = {"categories": ["y", "x", "y", "x"]}
    dataset = loaded(parts(root, **categories, is_query=np.array([True, True, False, False])))
    assert dataset.name == "replica"
    assert dataset.ks == (1, 5)
    assert dataset.notes == ("a note",)
    assert dataset.train.labels.tolist() == [0, 1, 0, 1]
    assert dataset.train.class_names == ["a", "b"]
    assert dataset.train.paths == ["0.png", "1.png", "2.png", "3.png"]
    assert dataset.train.categories is None
    assert dataset.test.labels.tolist() == [1, 0, 1, 0]
    assert dataset.test.categories is not None
    assert dataset.test.categories.tolist() == [1, 0, 1, 0]
    assert dataset.test.category_names == ["x", "y"]
    assert dataset.test.is_query is not None
    assert dataset.test.is_query.tolist() == [True, True, False, False]
    assert dataset.test.is_gallery is None
    assert dataset.test.inputs.shape == (3, 14, 14)
    for split, first in ((dataset.train, 0), (dataset.test, 4)):
        truth = np.stack([seen(root / f"{first + row}.png").transpose(2, 0, 1) for row in (2, 0, 3, 3)])
        assert np.array_equal(split.inputs(torch.tensor([2, 0, 3, 3])).numpy(), truth)
    assert dataset.test.inputs(torch.tensor([], dtype=torch.int64)).shape == (0, 3, 14, 14)
    with pytest.raises(InputError, match="rows go from 0 to 3, not from 1 to 4"):
        dataset.test.inputs(torch.tensor([1, 4]))


@pytest.mark.parametrize("augment", ["none", "light", "crop-flip", "default"])
@pytest.mark.parametrize("kept", [True, False])
def test_views_are_functions_of_seed_step_and_row(
    augment: str, kept: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kept:
        monkeypatch.setattr("weightlab.data.images.kept.MOST_BYTES", 100)
    inputs = loaded(parts(root), augment=augment).train.inputs
    assert inputs.slow is not kept
    copy = pickle.loads(pickle.dumps(inputs))
    assert len(pickle.dumps(inputs)) < 2000  # the pixels stay where they are
    views = inputs(torch.tensor([0, 1, 2, 1]), Draw(3, 5))
    assert views.shape == (4, 3, 14, 14)
    assert views.dtype == torch.float32
    assert 0 <= float(views.min()) <= float(views.max()) <= 1
    assert torch.equal(copy(torch.tensor([2, 1, 0]), Draw(3, 5)), views[[2, 1, 0]])
    plain = inputs(torch.tensor([0, 1, 2, 1]))
    if augment == "none":
        assert torch.equal(views, plain)
        return
    assert not torch.equal(views[1], views[3])  # a row that stands twice is shown in two ways
    for other in (Draw(4, 5), Draw(3, 6)):
        assert not torch.equal(inputs(torch.tensor([0]), other)[0], views[0])
    assert torch.equal(plain, copy(torch.tensor([0, 1, 2, 1])))


def test_an_unfit_listing_is_refused(root: Path) -> None:
    assert "the test part of" in refusal(parts(root, paths=[], classes=[]))
    assert "is empty" in refusal(replace(parts(root), train=Listing(root, [], [])))
    none = np.zeros(4, bool)
    assert "has no query row" in refusal(parts(root, is_query=none))
    assert "has no gallery row" in refusal(parts(root, is_gallery=none))
    apart = {"is_query": np.array([True, False, True, False]), "is_gallery": np.array([False, True, False, True])}
    assert "no query of the test part" in refusal(parts(root, **apart))
    assert "no query of the test part" in refusal(parts(root, classes=[*"cdef"]))


def test_a_class_in_both_parts_is_refused_with_both_rows(root: Path) -> None:
    said = refusal(parts(root, classes=[*"cbcb"], where=[f"other.txt, line {n}" for n in range(4)]))
    assert "'b' (list.txt, line 1; other.txt, line 1)" in said
    assert "in both train and test" in said


@pytest.mark.parametrize("again", ["5.png", "../root/5.png", "link.png", "./5.png"])
def test_a_file_in_two_rows_is_refused(again: str, root: Path) -> None:
    (root / "link.png").symlink_to("5.png")
    said = refusal(parts(root, paths=["4.png", "5.png", "6.png", again], where=[f"line {n}" for n in range(4)]))
    assert f"the same file stands in more than one row: {again} (test: line 1; test: line 3)" in said


def test_a_file_in_train_and_test_is_refused(root: Path) -> None:
    said = refusal(parts(root, paths=["4.png", "5.png", "6.png", "3.png"]))
    assert "the same file stands in more than one row: 3.png (train: list.txt, line 3; test: 3.png)" in said


@pytest.mark.parametrize(
    "path", ["../out.png", "a/../../out.png", "{absolute}", "link.png", "folder/out.png", "up/x.png"]
)
def test_what_leaves_the_root_is_refused(path: str, root: Path) -> None:
    outside = draw(root.parent / "out.png")
    (root / "a").mkdir()
    (root / "link.png").symlink_to(outside)
    (root / "folder").symlink_to(root.parent)
    (root / "up").symlink_to("..")
    path = path.format(absolute=outside)
    said = refusal(parts(root, paths=["4.png", "5.png", path, "7.png"]), skip_damaged=True)
    assert f"paths and links that leave the folder {root}: {path}: {path}" in said


def test_links_inside_of_the_root_and_a_root_that_is_a_link(root: Path) -> None:
    (root.parent / "link").symlink_to("root")
    (root / "folder").symlink_to(".")
    (root / "other.png").symlink_to("7.png")
    listings = parts(root.parent / "link", paths=["4.png", "folder/5.png", str(root / "6.png"), "other.png"])
    truth = loaded(parts(root)).test.inputs(torch.arange(4))
    assert torch.equal(loaded(listings).test.inputs(torch.arange(4)), truth)


def damage(root: Path) -> list[str]:
    """Images 1 and 4 to 7, each in another way; what is said of each."""
    (root / "1.png").write_bytes((root / "1.png").read_bytes()[:100])
    (root / "4.png").write_bytes(b"")
    (root / "5.png").unlink()
    (root / "6.png").unlink()
    (root / "6.png").mkdir()
    (root / "7.png").unlink()
    os.mkfifo(root / "7.png")
    return ["is cut off", "is empty", "is missing", "is a folder", "is no file with content"]


def test_damage_is_named_by_row_and_path_before_anything_else(root: Path) -> None:
    faults = damage(root)
    for row in (8, 9, 10, 11):
        draw(root / f"{row}.png", row)
    listings = parts(root, paths=[f"{row}.png" for row in range(4, 12)], classes=[*"ddeecccc"])
    said = refusal(listings)
    assert said.startswith("5 of 12 images can't be read (--skip-damaged leaves them out): list.txt, line 1: ")
    assert f"list.txt, line 1: {root / '1.png'} {faults[0]}; 4.png: {root / '4.png'} {faults[1]}" in said
    assert said.endswith("and 2 more")
    dataset = loaded(listings, skip_damaged=True)
    assert dataset.train.paths == ["0.png", "2.png", "3.png"]
    assert dataset.test.paths == ["8.png", "9.png", "10.png", "11.png"]
    assert dataset.test.class_names == ["c"]
    assert dataset.notes[1].startswith("5 of 12 images can't be read and are left out: list.txt, line 1: ")
    assert dataset.notes[2] == "2 classes have no image left: d; e"
    assert np.array_equal(dataset.test.inputs(torch.tensor([3])).numpy()[0], seen(root / "11.png").transpose(2, 0, 1))
    checked = found(listings)
    assert len(checked.faults) == 5
    assert {fault.split(".png ")[-1] for fault in checked.faults} == set(faults)
    assert checked.facts[0] == "train: 4 images of 2 classes; 2 (a) to 2 (a) a class"
    assert "images of 20 × 16 to 20 × 16 pixels" in checked.facts


def test_where_nothing_is_left_that_is_said(root: Path) -> None:
    damage(root)
    assert "the test part of" in refusal(parts(root), skip_damaged=True)


def test_a_link_to_nothing_is_missing(root: Path) -> None:
    (root / "8.png").symlink_to("nowhere.png")
    (root / "9.png").symlink_to("9.png")
    said = refusal(parts(root, paths=["4.png", "8.png", "9.png", "no/7.png"], classes=[*"cccc"]))
    assert said.startswith("3 of 8 images can't be read")
    assert f"8.png: {root / 'nowhere.png'} is missing" in said


def test_what_should_be_known_is_noted(root: Path) -> None:
    listings = parts(root, classes=[*"cced"])
    notes = loaded(replace(listings, train=replace(listings.train, classes=[*"aagb"]))).notes
    assert notes[1] == "2 of 3 training classes have one image: it has no positive but itself, drawn twice"
    assert notes[2] == "2 of 4 test queries have no other image of their class to find"


def test_validation_is_a_fixed_fifth_of_the_training_classes(tmp_path: Path) -> None:
    paths = [f"{row}.png" for row in range(44)]
    for row, path in enumerate(paths):
        draw(tmp_path / "x" / path, row)
    classes = [f"class {row // 2}" for row in range(44)]
    roles = np.arange(4) < 2
    test = Listing(tmp_path / "x", paths[40:], classes[40:], [*"uuvv"], roles, None)
    test = replace(test, is_query=np.array([True, False, True, False]))
    train = Listing(tmp_path / "x", paths[:40], classes[:40], [f"k{row // 20}" for row in range(40)])
    dataset = loaded(Listings(train, test, (1, 7)), validation=True)
    assert dataset.ks == (1, 7)
    assert dataset.test.class_names is not None
    assert len(dataset.test.class_names) == 4
    assert sorted([*names(dataset.train.class_names), *dataset.test.class_names]) == sorted({*classes[:40]})
    assert sorted([*names(dataset.train.paths), *names(dataset.test.paths)]) == sorted(paths[:40])
    assert dataset.test.is_query is None
    assert dataset.test.categories is not None
    shown = dataset.test.inputs(torch.arange(8)).numpy()
    truth = np.stack([seen(tmp_path / "x" / path).transpose(2, 0, 1) for path in names(dataset.test.paths)])
    assert np.array_equal(shown, truth)
    # the choice hangs on the names alone
    shuffled = Listing(tmp_path / "x", paths[:40][::-1], classes[:40][::-1])
    again = loaded(Listings(shuffled, test), validation=True)
    assert again.test.class_names == dataset.test.class_names
    with pytest.raises(InputError, match="so at least 5; there are 2"):
        loaded(replace(parts(tmp_path / "x")), validation=True)


def test_names_of_any_script(tmp_path: Path) -> None:
    paths = ["ü/ö ä.png", "日本/写真.PNG", "a b/[1].png", "'q'/\"x\".png"] + [f"{row}.png" for row in range(4)]
    for row, path in enumerate(paths):
        draw(tmp_path / "x" / path, row)
    train = Listing(tmp_path / "x", paths[:4], ["ü", "日本", "ü", "日本"])
    dataset = loaded(Listings(train, Listing(tmp_path / "x", paths[4:], [*"ccdd"])))
    assert dataset.train.class_names == ["ü", "日本"]
    shown = dataset.train.inputs(torch.tensor([1])).numpy()[0]
    assert np.array_equal(shown, seen(tmp_path / "x" / paths[1]).transpose(2, 0, 1))
