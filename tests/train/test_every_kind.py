"""Every kind of data set from its text to a page of neighbours: trained on, measured, embedded and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
import torch
from data import replicas
from data.font_files import font_files
from pictures import draw, folder_of
from PIL import Image
from retrieval import truth
from safetensors import safe_open

from weightlab import data
from weightlab.cli import main
from weightlab.data import Dataset, glyphs
from weightlab.train import TrainConfig, train

FEW = {"steps": 3, "size": 8, "width": 2, "dimensions": 6, "memory": 8, "memory_start": 1, "batch": 6, "per_class": 2}
ROWS_DRAWN, FOUND_DRAWN = 3, 2


def table(root: Path) -> str:
    """Classes apart by the list, with roles and categories."""
    lines = ["path,label,split,category,is_query,is_gallery"]
    for row in range(40):
        draw(root / f"{row}.png", row)
        lines.append(
            f"{row}.png,c{row // 4},{'train' if row < 20 else 'test'},k{row // 4 % 3},{row % 4 < 2},{row % 4 > 0}"
        )
    (root / "list.csv").write_text("\n".join(lines))
    return f"table:{root / 'list.csv'}"


def features(root: Path) -> str:
    """Of 12 dimensions, with labels as texts; classes apart by hash."""
    rows = np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)
    np.savez(root / "x.npz", embeddings=rows, labels=[f"c{row // 4}" for row in range(80)])
    return f"features:{root / 'x.npz'}"


MADE: dict[str, Callable[[Path], str]] = {
    "glyphs": lambda root: "glyphs",
    "sop": lambda root: replicas.sop(root).text,
    "inshop": lambda root: replicas.inshop(root).text,
    "vehicleid": lambda root: replicas.vehicleid(root, options="(test=small)").text,
    "cub": lambda root: replicas.cub(root).text,
    "cars": lambda root: replicas.cars(root, "b").text,
    "folder": lambda root: f"folder:{folder_of(root, classes=16, images=4)}",
    "table": table,
    "features": features,
    "fonts": lambda root: f"fonts:{font_files(root)}",
}


class Made(NamedTuple):
    """A data set and a run on it. text: what --data says. dataset: what it loads. run: the run's folder."""

    text: str
    dataset: Dataset
    run: Path

    @property
    def has_images(self) -> bool:
        return len(self.dataset.test.inputs.shape) == 3


@pytest.fixture(scope="module", params=MADE)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    root = tmp_path_factory.mktemp(request.param)
    (root / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "glyphs":  # a few of those in the cache that all tests share
            whole = glyphs.read_or_render()
            few = glyphs.Glyphs(whole.points[::30], whole.bitmaps[::30])
            patch.setattr(glyphs, "read_or_render", lambda: few)
        patch.setenv("WEIGHTLAB_CACHE", str(root / "cache"))
        patch.setattr(replicas, "draw", lambda path: draw(path, crc32(str(path.relative_to(root)).encode())))
        text = MADE[request.param](root / "data")  # the same pictures wherever it lies
        dataset = data.load(text, size=FEW["size"])
        model = "cnn" if len(dataset.test.inputs.shape) == 3 else "linear"
        train(TrainConfig(data=text, model=model, **FEW), out=root / "run")
        yield Made(text, dataset, root / "run")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    code, out, err = run(capsys, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    found: dict[str, object] = json.loads(out)
    return found


def test_no_kind_is_left_out() -> None:
    assert set(MADE) == {text.partition(":")[0] for text, _ in data.names()}


def test_what_is_measured_is_what_its_embeddings_are_worth(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the definitions, in double precision, over what embed wrote; also where its own data are asked for."""
    out, test = tmp_path / "x.safetensors", made.dataset.test
    assert run(capsys, "embed", made.run, "--out", out)[:2] == (0, "")
    with safe_open(out, "np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
    embeddings, labels = arrays["embeddings"].astype(np.float64), arrays["labels"]
    assert embeddings.shape == (len(test), FEW["dimensions"])
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(len(test)), abs=1e-6)
    assert labels.tolist() == test.labels.tolist()
    for name in ("is_query", "is_gallery"):
        mask = getattr(test, name)
        assert (name in arrays) == (mask is not None)
        assert mask is None or arrays[name].tolist() == mask.tolist()
    measured = said(capsys, "evaluate", made.run, "--by", "class")
    by_class = measured.pop("by")
    expected = truth.means(
        embeddings @ embeddings.T, labels, made.dataset.ks, arrays.get("is_query"), arrays.get("is_gallery")
    )
    assert {name: measured[name] for name in expected} == pytest.approx(expected, abs=1e-4)
    assert [name for name in measured if name.startswith("R@")] == [f"R@{k}" for k in made.dataset.ks]
    assert measured["classes"] == len(np.unique(labels))
    assert said(capsys, "evaluate", made.run, "--data", made.text) == measured
    assert isinstance(by_class, list)
    assert [row["class"] for row in by_class] == list(test.class_names or range(len(by_class)))


def test_what_is_embedded_is_a_data_set_of_features(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In each format: rows, classes, categories, roles and paths of both parts; and it is worth what the run is."""
    npz, tensors, parquet = (tmp_path / f"x{suffix}" for suffix in (".npz", ".safetensors", ".parquet"))
    for out in (npz, tensors):
        assert run(capsys, "embed", made.run, "--part", "all", "--out", out)[0] == 0
    as_parquet(npz, parquet)
    of_run = said(capsys, "evaluate", made.run)
    del of_run["intervals"]
    for out in (npz, tensors, parquet):
        check_same(data.load(f"features:{out}"), made.dataset)
        of_file = said(capsys, "evaluate", out, "--ks", ",".join(map(str, made.dataset.ks)))
        del of_file["intervals"]
        assert of_file == pytest.approx(of_run, abs=1e-4)
    metrics = train(TrainConfig(data=f"features:{tensors}", model="linear", **FEW)).metrics
    assert set(metrics) == {"R@1", "R@10", "R@100", "MAP@R"}


def check_same(found: Dataset, expected: Dataset) -> None:
    """All but the inputs; numbers may be others, and names in another order."""
    for after, before in ((found.train, expected.train), (found.test, expected.test)):
        assert names(after.labels, after.class_names) == names(before.labels, before.class_names)
        assert (after.categories is None) == (before.categories is None)
        if before.categories is not None and after.categories is not None:
            assert names(after.categories, after.category_names) == names(before.categories, before.category_names)
        assert after.paths == (None if before.paths is None else list(before.paths))
    for name in ("is_query", "is_gallery"):
        before, after = getattr(expected.test, name), getattr(found.test, name)
        assert (before is None and after is None) or torch.equal(before, after)


def names(numbers: torch.Tensor, called: list[str] | None) -> list[str]:
    return [str(number) if called is None else called[number] for number in numbers.tolist()]


def as_parquet(npz: Path, out: Path) -> None:
    """A column an array, classes and categories by their names: a table has no lists beside its rows."""
    with np.load(npz) as file:
        columns = {name: file[name] for name in file.files}
    for numbers, called in (("labels", "class_names"), ("category", "category_names")):
        if called in columns:
            columns[numbers] = columns.pop(called)[columns[numbers]]
    pd.DataFrame({name: list(value) for name, value in columns.items()}).to_parquet(out)


def test_its_neighbours_are_a_page_of_pictures(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.png"
    code, out, err = run(capsys, "neighbours", made.run, "--queries", ROWS_DRAWN, "--k", FOUND_DRAWN, "--out", page)
    if not made.has_images:
        assert (code, out) == (2, "")
        assert err.endswith("features:x.npz has no images to draw: weightlab evaluate gives its metrics\n")
        assert not page.exists()
        return
    assert (code, out, err) == (0, "", f"wrote {page}\n")
    with Image.open(page) as image:
        image.verify()
    with Image.open(page) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert frames(pixels, (64, 64, 64)) == ROWS_DRAWN  # of queries


def frames(pixels: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many upright lines of at least 40 pixels stand one above the other, in the column that has most."""
    is_line = (np.abs(pixels - colour) <= 8).all(axis=2)
    found = 0
    for column in is_line.T:
        ends = np.flatnonzero(np.diff(np.r_[0, column.astype(int), 0]))
        found = max(found, int((ends[1::2] - ends[::2] >= 40).sum()))
    return found


def test_a_run_on_data_given_in_python_says_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind without a text: its run is measured on data that have one."""
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    text = f"folder:{folder_of(tmp_path / 'x', classes=16, images=4)}"
    dataset = data.load(text, size=FEW["size"])
    train(TrainConfig(**FEW), out=tmp_path / "run", dataset=Dataset("mine", dataset.train, dataset.test))
    page = ["neighbours", "--queries", 2, "--k", 2, "--out", tmp_path / "x.png"]
    for command in (["evaluate"], ["embed", "--out", tmp_path / "x.npz"], page):
        code, out, err = run(capsys, *command, tmp_path / "run")
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert "the data set 'mine' was given in Python" in err
        assert run(capsys, *command, tmp_path / "run", "--data", text)[0] == 0
