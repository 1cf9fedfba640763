from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import draw, folder_of

from weightlab import InputError, data
from weightlab.data.folder import listings
from weightlab.data.listing import Listings
from weightlab.data.source import Source
from weightlab.train import train
from weightlab.train.config import TrainConfig


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def of(root: Path, options: str = "") -> Listings:
    return listings(Source.parse(f"folder:{root}{options}"))


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        data.load(text, size=16)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_a_class_is_split_by_seed(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=40, images=2)
    both = of(root)
    names = {name: {*part.classes} for name, part in (("train", both.train), ("test", both.test))}
    assert not names["train"] & names["test"]
    assert names["train"] | names["test"] == {f"c{row}" for row in range(40)}
    assert 10 < len(names["test"]) < 30
    for part in (both.train, both.test):
        assert all(path.split("/")[0] == name for path, name in zip(part.paths, part.classes, strict=True))
        assert {*Counter(part.classes).values()} == {2}
    assert {*of(root, "(seed=1)").test.classes} != names["test"]
    assert {*of(root, "(seed=0, test=0.5)").test.classes} == names["test"]
    few, many = ({*of(root, f"(test={share})").test.classes} for share in (0.2, 0.8))
    assert few < names["test"] < many  # by a hash: a larger share takes more, and moves none
    assert len(few) < 16 < 24 < len(many)


def test_another_class_moves_none(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=12, images=1)
    before = {*of(root).test.classes}
    for row in range(12):
        draw(root / f"new {row}" / "0.png", row)
    after = of(root)
    assert {name for name in after.test.classes if name.startswith("c")} == before
    assert {name for name in after.test.classes if name.startswith("new")}


@pytest.mark.parametrize("seed", range(6))
def test_of_two_classes_one_is_for_test(seed: int, tmp_path: Path) -> None:
    both = of(folder_of(tmp_path / "x", classes=2), f"(seed={seed})")
    assert len({*both.train.classes}) == len({*both.test.classes}) == 1


@pytest.mark.parametrize("beside", ["test", "val", "valid", "validation", "Test"])
def test_train_and_test_where_there_are(beside: str, tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=3, part="train")
    for row in range(4):
        draw(root / beside / f"t{row // 2}" / f"{row}.JPG", row)
    both = of(root)
    assert [*Counter(both.train.classes).items()] == [("c0", 3), ("c1", 3), ("c2", 3)]
    assert both.test.paths == [f"{beside}/t{row // 2}/{row}.JPG" for row in range(4)]
    assert both.test.classes == ["t0", "t0", "t1", "t1"]
    assert both.notes == ()
    said = refusal(f"folder:{root}(seed=1)")
    assert f"{root} has train/ and {beside}/, which seed can't split again" in said


def test_val_beside_test_is_left_out_and_said(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=2, part="train")
    for part in ("test", "val", "notes"):
        draw(root / part / part / "0.png")
    both = of(root)
    assert {*both.test.classes} == {"test"}
    assert both.notes == ("folders beside train/ and test/ are left out: notes, val",)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    root = tmp_path / "x"
    for name in ("train", "bus", "car"):
        draw(root / name / "0.png")
    both = of(root)
    assert {*both.train.classes, *both.test.classes} == {"train", "bus", "car"}


def test_what_is_below_a_class_belongs_to_it(tmp_path: Path) -> None:
    root = tmp_path / "x"
    for path in ("a/0.png", "a/deep/1.png", "a/deep/er/2.PNG", "b/only/deep/0.webp"):
        draw(root / path)
    both = of(root)
    found = dict(zip([*both.train.paths, *both.test.paths], [*both.train.classes, *both.test.classes], strict=True))
    assert found == {"a/0.png": "a", "a/deep/1.png": "a", "a/deep/er/2.PNG": "a", "b/only/deep/0.webp": "b"}


def test_what_is_no_image_is_left_out_and_said(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=2)
    for path in (
        "c0/._0.png",
        "c0/.DS_Store",
        "c1/Thumbs.db",
        "c1/notes.txt",
        "loose.png",
        "c0/.git/x.png",
        "__MACOSX/c0/._0.png",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("no image")
    for name in ("empty", "nothing"):
        (root / name / "in it").mkdir(parents=True)
    both = of(root)
    assert len(both.train) + len(both.test) == 6
    assert both.notes == (
        "7 files that are no image of a class are left out: __MACOSX, c0/.DS_Store, c0/._0.png, …",
        "2 folders hold no image and are no class: empty, nothing",
    )


def test_links_to_folders(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=3)
    (root / "again").symlink_to("c0")
    (root / "c0" / "round").symlink_to("..")
    both = of(root)
    assert {*both.train.classes, *both.test.classes} == {"c0", "c1", "c2"}
    assert both.notes == ("2 files that are no image of a class are left out: again, c0/round",)
    folder_of(tmp_path / "elsewhere", classes=1)
    (root / "c1" / "out").symlink_to(tmp_path / "elsewhere")
    assert refusal(f"folder:{root}") == f"c1/out is a link that leaves the folder {root}"


def test_train_and_test_may_be_links(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=2, part=".v2/a")
    draw(root / ".v2/b/t/0.png", 50)
    draw(root / ".v2/b/t/1.png", 51)
    (root / "train").symlink_to(".v2/a")
    (root / "test").symlink_to(".v2/b")
    dataset = data.load(f"folder:{root}", size=16)
    assert dataset.train.class_names == ["c0", "c1"]
    assert dataset.test.paths == ["test/t/0.png", "test/t/1.png"]


def test_what_is_no_such_folder(tmp_path: Path) -> None:
    assert refusal("folder") == "'folder' lacks its place: write folder:PATH"
    assert refusal(f"folder:{tmp_path}/nowhere") == f"folder:{tmp_path}/nowhere: there is no {tmp_path}/nowhere"
    file = draw(tmp_path / "x.png")
    assert refusal(f"folder:{file}") == f"folder:{file}: {file} is no folder"
    (tmp_path / "empty" / "class").mkdir(parents=True)
    assert "it needs a folder a class" in refusal(f"folder:{tmp_path / 'empty'}")
    draw(tmp_path / "flat" / "0.png")
    assert "it needs a folder a class" in refusal(f"folder:{tmp_path / 'flat'}")
    root = folder_of(tmp_path / "one", classes=2, part="train")
    assert refusal(f"folder:{root}").endswith(f"(if the classes are in it, write folder:{root / 'train'})")
    assert len(data.load(f"folder:{root / 'train'}", size=16).train) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("(seed=-1)", "seed of folder must be a whole number of at least 0, not -1"),
        ("(seed=0.5)", "seed of folder must be a whole number of at least 0, not 0.5"),
        ("(test=0)", "test of folder must be at least 0.01 and at most 0.99, not 0"),
        ("(test=1)", "test of folder must be at least 0.01 and at most 0.99, not 1"),
        ("(test=small)", "test of folder must be a number, not 'small'"),
        ("(sed=1)", "unknown option of folder 'sed': did you mean 'seed'?"),
        ("(root=x)", "unknown option of folder 'root': known are seed, test"),
    ],
)
def test_other_options_are_refused(options: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        data.check(f"folder:nowhere{options}")
    assert str(caught.value) == said


def test_classification_folders_are_refused_with_the_class(tmp_path: Path) -> None:
    root = folder_of(folder_of(tmp_path / "x", classes=2, part="train"), classes=3, part="test")
    said = refusal(f"folder:{root}")
    assert "'c0' (train/c0/0.png; test/c0/0.png); 'c1' (train/c1/0.png; test/c1/0.png)" in said


def test_the_version_is_of_names_and_sizes(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    text = f"folder:{root}"
    before = data.version(text)
    moved = root.rename(tmp_path / "y")
    assert data.version(f"folder:{moved}") == before
    moved.rename(root)
    (root / "c0" / "notes.txt").write_text("no image")
    assert data.version(text) == before
    draw(root / "c0" / "0.png", 99, (9, 9))
    changed = data.version(text)
    (root / "c0" / "0.png").rename(root / "c0" / "00.png")
    assert len({before, changed, data.version(text)}) == 3


def test_a_check_says_what_is_there(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=4)
    draw(root / "c0" / "big.png", 1, (90, 70))
    found = data.inspect(f"folder:{root}")
    assert found.faults == ()
    said = " ".join(found.facts)
    assert "images of 20 × 16 to 90 × 70 pixels" in said
    assert "4 (c0) a class" in said
    (root / "c1" / "bad.png").write_bytes(b"bad")
    (root / "c2" / "worse.png").write_bytes(b"")
    found = data.inspect(f"folder:{root}")
    assert sorted(found.faults) == sorted(
        [
            f"{path}: {root / path} {fault}"
            for path, fault in (("c1/bad.png", "is no image of a known format"), ("c2/worse.png", "is empty"))
        ]
    )


def test_rows_are_the_same_images_whatever_the_augmentation(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x")
    shown = [data.load(f"folder:{root}", size=16, augment=each).test for each in ("none", "light", "crop-flip")]
    index = torch.arange(len(shown[0]))
    assert torch.equal(shown[0].inputs(index), shown[1].inputs(index))
    assert torch.equal(shown[0].inputs(index), shown[2].inputs(index))


def settings(root: Path, **more: object) -> TrainConfig:
    given = {
        "data": f"folder:{root}(test=0.3)",
        "size": 16,
        "batch": 6,
        "per_class": 2,
        "steps": 3,
        "memory": 12,
        "memory_start": 1,
    }
    return TrainConfig.checked(given | more)


def test_a_run_on_a_folder(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=8)
    first = train(settings(root))
    assert 0 <= first.metrics["R@1"] <= 1
    assert np.isfinite([*first.metrics.values()]).all()
    assert train(settings(root)).metrics == first.metrics


def test_kept_and_decoded_images_train_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder_of(tmp_path / "x", classes=8)
    kept = train(settings(root))
    monkeypatch.setattr("weightlab.data.images.kept.MOST_BYTES", 0)
    monkeypatch.setattr("weightlab.data.images.kept.VERSION", -1)
    assert data.load(f"folder:{root}(test=0.3)", size=16).train.inputs.slow
    assert train(settings(root)).metrics == kept.metrics


def test_notes_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = folder_of(tmp_path / "x", classes=8)
    (root / "c0" / "readme.txt").write_text("no image")
    with caplog.at_level(logging.WARNING):
        train(settings(root))
    assert caplog.messages.count("1 files that are no image of a class are left out: c0/readme.txt") == 1


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "weightlab", *words], capture_output=True, text=True, check=False)


def test_the_command_line_refuses_or_skips_what_is_damaged(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "x", classes=8)
    (root / "c0" / "0.png").write_bytes(b"bad")
    words: Sequence[str] = (
        "train",
        "--data",
        f"folder:{root}(test=0.3)",
        "--size",
        "16",
        "--batch",
        "6",
        "--per-class",
        "2",
    )
    words = (*words, "--steps", "2", "--memory", "0", "--format", "json")
    refused = run(*words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert f"c0/0.png: {root}/c0/0.png is no image of a known format" in refused.stderr
    done = run(*words, "--skip-damaged")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")
    assert "1 of 24 images can't be read and are left out: c0/0.png" in done.stderr
