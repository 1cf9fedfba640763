"""Features as a data set: parts, roles and categories against plain Python, mapped files, and all that can be wrong."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from weightlab import InputError, data
from weightlab.data import disjoint, features
from weightlab.data.features import digest, reading
from weightlab.data.source import Source
from weightlab.data.split import Split

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 8)).astype(np.float32)
LABELS = np.arange(60) // 3  # 20 classes of three rows
SPLIT = np.array(["train"] * 30 + ["test"] * 30)


def write(path: Path, /, **columns: Any) -> Path:  # noqa: ANN401
    """The arrays in any of the formats; in a .safetensors file texts are lists in its metadata."""
    columns = {"embeddings": ROWS, "labels": LABELS, **columns}
    columns = {name: value for name, value in columns.items() if value is not None}
    if path.suffix == ".npz":
        np.savez(path, **columns)
    elif path.suffix == ".safetensors":
        texts = {name: value for name, value in columns.items() if np.asarray(value).dtype.kind == "U"}
        numbers = {name: np.ascontiguousarray(value) for name, value in columns.items() if name not in texts}
        metadata = {name: json.dumps(list(value)) for name, value in texts.items()} | {"format": "pt"}
        save_file({name: torch.as_tensor(value) for name, value in numbers.items()}, path, metadata)
    else:
        pd.DataFrame(
            {name: list(value) if np.ndim(value) > 1 else value for name, value in columns.items()}
        ).to_parquet(path)
    return path


def load(path: Path, options: str = "", **settings: Any) -> data.Dataset:  # noqa: ANN401
    return data.load(f"features:{path}{options}", **settings)


def rows_of(split: Split) -> np.ndarray:
    return split.inputs(torch.arange(len(split))).numpy()


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "parquet"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_rows_are_handed_out_as_they_are(suffix: str, kind: Any, tmp_path: Path) -> None:  # noqa: ANN401
    dataset = load(write(tmp_path / f"x.{suffix}", embeddings=(5 * ROWS).astype(kind)))
    truth = (5 * ROWS).astype(kind).astype(np.float32)
    is_test = disjoint.chosen([str(label) for label in range(20)], 0, 0.5)[LABELS]
    for split, mine in ((dataset.train, ~is_test), (dataset.test, is_test)):
        assert rows_of(split).tolist() == truth[mine].tolist()
        assert split.inputs.shape == (8,)
        assert not split.inputs.slow
        assert split.class_names is not None
        assert [int(split.class_names[label]) for label in split.labels] == LABELS[mine].tolist()
        index = torch.tensor([2, 0, 2])
        drawn = split.inputs(index, data.Draw(0, 3))
        assert drawn.dtype == torch.float32
        assert drawn.tolist() == truth[mine][[2, 0, 2]].tolist()
    with pytest.raises(InputError, match="rows go from 0 to"):
        dataset.train.inputs(torch.tensor([60]))
    assert dataset.name == f"features:x.{suffix}"
    assert dataset.notes == ()


def test_bfloat16(tmp_path: Path) -> None:
    path, rows = tmp_path / "x.safetensors", torch.from_numpy(ROWS).bfloat16()
    save_file({"embeddings": rows, "labels": torch.from_numpy(LABELS)}, path)
    dataset = load(path)
    both = torch.cat([split.inputs(torch.arange(len(split))) for split in (dataset.train, dataset.test)])
    assert sorted(both.tolist()) == sorted(rows.float().tolist())


def mapped_file(tensor: torch.Tensor) -> str:
    """The file that a tensor's memory is of; empty where it is of none."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, end = (int(each, 16) for each in line.split()[0].split("-"))
        if begin <= tensor.data_ptr() < end:
            return line.split(maxsplit=5)[5] if "/" in line else ""
    return ""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what is mapped")
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("kind", [np.float32, np.float16, np.float64])
def test_large_files_are_mapped(suffix: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    rows = RANDOM.normal(size=(60, 512)).astype(kind)
    path = write(tmp_path / f"x.{suffix}", embeddings=rows, other=np.arange(7))
    for most, expected in ((rows.nbytes - 1, str(path)), (rows.nbytes + 200, "")):
        monkeypatch.setattr(reading, "IN_MEMORY", most)
        dataset = load(path)
        assert mapped_file(dataset.train.inputs.embeddings) == expected  # type: ignore[attr-defined]
        is_test = disjoint.chosen([str(label) for label in range(20)], 0, 0.5)[LABELS]
        assert rows_of(dataset.test).tolist() == rows.astype(np.float32)[is_test].tolist()


def test_what_can_not_be_mapped_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "IN_MEMORY", 100)
    path = tmp_path / "x.npz"
    expected = rows_of(load(write(path)).test)
    for embeddings in (np.asfortranarray(ROWS), ROWS.astype(">f4"), ROWS.astype(object)):
        assert rows_of(load(write(path, embeddings=embeddings)).test).tolist() == expected.tolist()
    np.savez_compressed(path, embeddings=ROWS, labels=LABELS)
    assert mapped_file(load(path).train.inputs.embeddings) == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
@pytest.mark.parametrize("form", ["<U5", object, "S5", "str", "category"])
def test_a_split_in_the_file(suffix: str, form: str, tmp_path: Path) -> None:
    split: Any = pd.Series(SPLIT).astype(form) if form in ("str", "category") else SPLIT.astype(form)
    dataset = load(write(tmp_path / f"x.{suffix}", split=split))
    assert rows_of(dataset.train).tolist() == ROWS[:30].tolist()
    assert rows_of(dataset.test).tolist() == ROWS[30:].tolist()
    assert dataset.test.labels.tolist() == (LABELS[30:] - 10).tolist()
    held = disjoint.chosen([str(label) for label in range(20)], 0, 0.2, "validation")[LABELS]
    held[30:] = False
    dataset = load(tmp_path / f"x.{suffix}", validation=True)
    assert rows_of(dataset.test).tolist() == ROWS[held].tolist()
    assert rows_of(dataset.train).tolist() == ROWS[:30][~held[:30]].tolist()


def test_validation_rows_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", split=np.array(["Train"] * 30 + ["validation"] * 30))
    assert rows_of(load(path).test).tolist() == ROWS[30:].tolist()  # where there is no other test
    path = write(tmp_path / "x.npz", split=np.array(["train"] * 24 + ["validation"] * 6 + ["test "] * 30))
    assert rows_of(load(path).test).tolist() == ROWS[30:].tolist()
    assert rows_of(load(path, validation=True).test).tolist() == ROWS[24:30].tolist()
    assert (
        rows_of(load(path, validation=True).train).tolist() == rows_of(load(path).train).tolist() == ROWS[:24].tolist()
    )


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (np.array([f"c{label:02}" for label in LABELS]), LABELS),
        (np.array([f"c{label:02}" for label in LABELS], dtype=object), LABELS),
        (np.array([f"é{99 - label}" for label in LABELS]), 19 - LABELS),
        (LABELS.astype(np.float16), LABELS),
        (LABELS.astype(np.uint8) + 100, LABELS),
        (LABELS * -7, 19 - LABELS),
        (LABELS.astype(">i8"), LABELS),
        (pd.Series([f"c{label:02}" for label in LABELS]).astype("category"), LABELS),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_labels_of_every_kind(labels: Any, order: np.ndarray, suffix: str, tmp_path: Path) -> None:  # noqa: ANN401
    if suffix == "parquet" and getattr(labels, "dtype", None) == ">i8":
        labels = labels.astype(np.int64)  # pandas writes no other byte order
    dataset = load(write(tmp_path / f"x.{suffix}", labels=labels, split=SPLIT))
    assert dataset.train.labels.tolist() == np.unique(order[:30], return_inverse=True)[1].tolist()
    assert dataset.train.class_names is not None
    names = [dataset.train.class_names[label] for label in dataset.train.labels]
    assert names == [str(int(each)) if isinstance(each, float | np.floating) else str(each) for each in labels[:30]]


def test_the_test_has_the_share_and_the_seed_that_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz")
    names = [str(label) for label in range(20)]
    for options, seed, share in (("(test=0.3)", 0, 0.3), ("(seed=5, test=0.25)", 5, 0.25)):
        dataset = load(path, options)
        assert rows_of(dataset.test).tolist() == ROWS[disjoint.chosen(names, seed, share)[LABELS]].tolist()
        assert not {*dataset.train.class_names} & {*dataset.test.class_names}  # type: ignore[misc]
        inner = load(path, options, validation=True)
        assert {*inner.train.class_names, *inner.test.class_names} == {*dataset.train.class_names}  # type: ignore[misc]


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "parquet"])
def test_roles_categories_and_paths(suffix: str, tmp_path: Path) -> None:
    query, category = np.arange(60) % 3 == 0, LABELS // 4 * 10
    columns: dict[str, Any] = {"is_query": query, "is_gallery": (~query).astype(np.int32), "category": category}
    columns |= {"split": SPLIT, "path": np.array([f"{row}.jpg" for row in range(60)])}
    dataset = load(write(tmp_path / f"x.{suffix}", **columns))
    mine, test = np.arange(30, 60), dataset.test
    assert test.paths == [f"{row}.jpg" for row in range(30, 60)]
    assert test.is_query is not None
    assert test.is_gallery is not None
    assert test.is_query.tolist() == query[mine].tolist()
    assert test.is_gallery.tolist() == (~query[mine]).tolist()
    assert dataset.train.is_query is None
    assert test.categories is not None
    assert test.category_names is not None
    assert [int(test.category_names[each]) for each in test.categories] == category[mine].tolist()


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32])
def test_numbers_are_called_by_a_list_of_names(suffix: str, kind: Any, tmp_path: Path) -> None:  # noqa: ANN401
    called = [f"class é{number % 7}{number}" for number in range(25)]  # some of numbers that no row has
    columns: dict[str, Any] = {"labels": LABELS.astype(kind), "category": LABELS % 3}
    path = write(tmp_path / f"x.{suffix}", **columns, class_names=called, category_names=["x", "y", "z"])
    dataset, without = load(path), load(write(tmp_path / f"y.{suffix}", **columns))
    for split, plain in ((dataset.train, without.train), (dataset.test, without.test)):
        assert rows_of(split).tolist() == rows_of(plain).tolist()  # names don't choose who is for test
        assert plain.class_names is not None
        assert split.class_names == [called[int(name)] for name in plain.class_names]
        assert split.category_names == ["x", "y", "z"]
    path = write(tmp_path / f"z.{suffix}", **columns, other=called)
    assert load(path, "(class_names=other)").test.class_names == dataset.test.class_names
    assert load(path).test.class_names == without.test.class_names


@pytest.mark.parametrize(
    ("labels", "called", "message"),
    [
        (LABELS, [f"n{number}" for number in range(19)], "has 19 names, of the numbers from 0: none is of '19'"),
        (LABELS - 1, [f"n{number}" for number in range(19)], "none is of '-1'"),
        (np.array([f"c{label}" for label in LABELS]), [f"n{number}" for number in range(20)], "none is of 'c0'"),
        (LABELS, np.arange(20), r"must be a list of texts, not int64 \[20\]"),
        (LABELS, [["a", "b"]] * 20, r"must be a list of texts, not <U1 \[20, 2\]"),
    ],
)
def test_a_list_that_is_not_of_the_names_is_used_only_if_asked_for(
    labels: Any,  # noqa: ANN401
    called: Any,  # noqa: ANN401
    message: str,
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "x.npz", labels=labels, class_names=called)
    test = load(path).test
    assert test.class_names is not None
    assert {*test.class_names} <= {str(label) for label in labels}
    with pytest.raises(InputError, match=message):
        load(path, "(class_names=class_names)")


@pytest.mark.parametrize("text", ["test", "[", "[1, 2]", '["train", 1]', "[]", '{"a": "b"}', "[" * 100_000, '"train"'])
def test_other_metadata_are_no_arrays(text: str, tmp_path: Path) -> None:
    tensors = {"embeddings": torch.from_numpy(ROWS), "labels": torch.from_numpy(LABELS)}
    path = tmp_path / "x.safetensors"
    save_file(tensors, path, {"split": text, "labels": json.dumps(["a"] * 60), "format": "pt"})
    assert rows_of(load(path).test).tolist() == rows_of(load(write(tmp_path / "y.npz")).test).tolist()
    assert data.inspect(f"features:{path}").facts[0] == f"{path}: embeddings, labels"
    with pytest.raises(InputError, match="has no array split: it has embeddings, labels"):
        load(path, "(split=split)")


def test_wrong_metadata_are_named(tmp_path: Path) -> None:
    for columns, message in (
        ({"split": SPLIT[:59]}, r"split must be \[60\], one for each row, not object \[59\]"),
        ({"split": np.array(["train"] * 59 + ["tset"])}, "must be train, test or validation, not 'tset' in row 59"),
        ({"embeddings": np.array(["a"] * 60)}, "embeddings must be numbers, not object"),
    ):
        with pytest.raises(InputError, match=message):
            load(write(tmp_path / "x.safetensors", **columns))


def test_roles_of_training_rows_may_be_missing(tmp_path: Path) -> None:
    """As the tables of OpenMetricLearning have them."""
    query = [None] * 30 + [row % 3 == 0 for row in range(30)]
    path = write(tmp_path / "x.parquet", split=SPLIT, is_query=query, is_gallery=[None] * 30 + [True] * 30)
    test = load(path).test
    assert test.is_query is not None
    assert test.is_query.tolist() == query[30:]
    path = write(tmp_path / "x.parquet", split=SPLIT[::-1], is_query=query)
    with pytest.raises(InputError, match=r"is_query must be true or false, not None in row 0 \(from 0\)"):
        load(path)


@pytest.mark.parametrize("stem", ["", "e", "emb_", "dim_0"])
def test_a_column_for_each_dimension(stem: str, tmp_path: Path) -> None:
    wide = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    columns = {f"{stem}{number}": wide[:, number] for number in range(12)}
    path = tmp_path / "x.parquet"
    pd.DataFrame(dict(reversed(columns.items())) | {"labels": LABELS, "split": SPLIT}).to_parquet(path)
    dataset = load(path)
    assert rows_of(dataset.train).tolist() == wide[:30].tolist()


def test_lists_of_half_and_of_fixed_size(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    flat = pa.array(ROWS.ravel().astype(np.float16))
    path = tmp_path / "x.parquet"
    rows = pa.FixedSizeListArray.from_arrays(flat, 8)
    table = pa.table({"embeddings": rows, "labels": LABELS, "split": SPLIT})
    parquet.write_table(table, path, row_group_size=7)
    assert rows_of(load(path).train).tolist() == ROWS[:30].astype(np.float16).astype(np.float32).tolist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"embeddings": None}, r"has no array embeddings: it has labels"),
        (
            {"embeddings": np.where(np.arange(60)[:, None] == 7, np.nan, ROWS)},
            r"row 7 \(from 0\) is NaN, infinite or 0",
        ),
        ({"embeddings": np.where(np.arange(60)[:, None] > 57, np.inf, ROWS)}, r"row 58 .* as 1 others are: --skip-dam"),
        ({"embeddings": np.where(np.arange(60)[:, None] == 7, 0, ROWS)}, r"row 7 \(from 0\) is NaN, infinite or 0 in"),
        ({"embeddings": ROWS.astype(np.float64) * 1e300}, r"row 0 \(from 0\) is NaN, infinite or 0 in float32"),
        ({"embeddings": np.empty((60, 0))}, "its rows have no dimensions"),
        ({"embeddings": ROWS[:0], "labels": LABELS[:0]}, "has no rows"),
        ({"embeddings": ROWS[0]}, r"must be a floating-point tensor \[n, D\]"),
        ({"embeddings": ROWS.astype(int)}, "must be a floating-point tensor"),
        ({"labels": LABELS[:50]}, r"labels must be \[60\], one for each row, not int64 \[50\]"),
        ({"labels": LABELS[:, None]}, r"one for each row, not int64 \[60, 1\]"),
        ({"labels": np.where(LABELS == 3, np.nan, LABELS)}, r"whole numbers or texts, not nan, row 9 \(from 0\)"),
        ({"labels": LABELS / 2}, r"whole numbers that torch\.float64 tells apart, not 0\.5"),
        ({"labels": LABELS.astype(complex)}, "labels must be numbers"),
        ({"labels": np.array(["a"] * 59 + [None], dtype=object)}, "object 59 is None"),
        ({"labels": np.array(["a"] * 59 + [3], dtype=object)}, "all texts or all numbers, not 3 among texts, row 59"),
        (
            {"split": np.array(["train"] * 59 + ["tset"])},
            r"split must be train, test or validation, not 'tset' in row 59",
        ),
        ({"split": SPLIT == "train"}, "split must be train, test or validation, not True in row 0"),
        ({"split": SPLIT[:59]}, r"split must be \[60\], one for each row"),
        ({"split": np.array(["train"] * 60)}, "no row is for test$"),
        ({"split": np.array(["test"] * 60)}, "no row is for train$"),
        (
            {"split": np.array(["train", "test"] * 30)},
            r"class '0' is in both parts \(row 0 for training, row 1 for test\)",
        ),
        ({"labels": np.zeros(60)}, "no row is for .*; there are 1 classes: try another seed or test"),
        ({"labels": np.r_[LABELS[:30], 100:130], "split": SPLIT}, "nothing to evaluate: no class of the test has two"),
        ({"is_query": np.arange(60) % 3}, "is_query must be true or false, not 2 in row 2"),
        ({"is_query": np.zeros(60, bool)}, "no row of the test is a query"),
        ({"is_gallery": np.zeros(60)}, "no row of the test is in the gallery"),
        (
            {"is_gallery": LABELS != 15, "split": SPLIT},
            r"row 45 \(from 0\) is a query of class '15', of which the gallery has no other row, and so have 2 others",
        ),
        (
            {"labels": np.r_[LABELS[:59], 77], "is_query": LABELS > 0, "split": SPLIT},
            r"row 59 \(from 0\) is a query of class '77'",
        ),
        ({"path": np.arange(60)}, "path must be texts, not int64"),
        ({"category": np.full(60, np.nan)}, "category must be whole numbers or texts, not nan, row 0"),
    ],
)
def test_what_is_wrong_is_named_before_training(columns: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", **columns)
    with pytest.raises(InputError, match=message) as raised:
        load(path)
    assert str(path) in str(raised.value)
    found = data.inspect(f"features:{path}")
    assert str(raised.value) in found.faults


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        ([[1.0, 2.0]] * 59 + [[1.0]], r"row 59 has 1 numbers, row 0 2"),
        ([[1.0, 2.0]] * 59 + [None], r"row 59 is missing"),
        ([[1.0, 2.0]] * 59 + [[1.0, None]], r"row 59 \(from 0\) is NaN"),
        ([[1, 2]] * 60, "must be lists of floating-point numbers, not of int64"),
        (["a"] * 60, "must be a column of lists of numbers, not of"),
    ],
)
def test_wrong_lists(embeddings: list[Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pd.DataFrame({"embeddings": pd.Series(embeddings), "labels": LABELS}).to_parquet(path)
    with pytest.raises(InputError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (pd.Series([1] * 59 + [None], dtype="Int64"), r"labels must be whole numbers or texts, not None, row 59"),
        (pd.Series(["a"] * 59 + [None]), r"not None, row 59"),
        (pd.Series(["a"] * 59 + [None]).astype("category"), r"not None, row 59"),
        (pd.Series(pd.to_datetime(["2020-01-01"] * 60)), "labels must be numbers, not datetime64"),
    ],
)
def test_gaps_in_a_table(labels: pd.Series[Any], message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", labels=labels)
    with pytest.raises(InputError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("features", "lacks its place: write features:FILE"),
        ("features:x.txt", r"x\.txt: features are read from \.npz, \.safetensors, \.parquet files"),
        ("features:x.npz(labls=y)", "unknown option of features 'labls': did you mean 'labels'"),
        ("features:x.npz(labels=3)", "labels of features must be a text, not 3"),
        ("features:x.npz(labels='')", "labels of features must be a text, not ''"),
        ("features:x.npz(labels=embeddings)", "the array embeddings can't be both embeddings and labels"),
        ("features:x.npz(split=y, category=y)", "the array y can't be both split and category"),
        ("features:x.npz(seed=-1)", "seed of features must be a whole number"),
        ("features:x.npz(test=1)", "test of features must be at least 0.01 and at most 0.99, not 1"),
    ],
)
def test_wrong_texts_are_named_without_a_look_at_the_disk(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        data.check(text)


def test_settings_that_have_no_say(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", split=SPLIT)
    with pytest.raises(InputError, match=r"split says what is for test: leave out seed and test"):
        load(path, "(seed=1, test=0.5)")
    for augment in ("light", "crop-flip"):
        with pytest.raises(InputError, match=f"features can't be augmented by {augment}"):
            load(path, augment=augment)
    assert len(load(path, augment="none").train) == 30
    with pytest.raises(InputError, match="no file"):
        load(tmp_path / "none.npz")
    with pytest.raises(InputError, match="has no array part"):
        load(path, "(split=part)")


def test_arrays_of_other_names(tmp_path: Path) -> None:
    columns = {"X": ROWS, "y": LABELS, "my.part": SPLIT, "kind": LABELS // 2, "embeddings": None, "labels": None}
    path = write(tmp_path / "x.npz", **columns)
    dataset = load(path, "(embeddings=X, labels=y, split=my.part, category=kind)")
    assert rows_of(dataset.train).tolist() == ROWS[:30].tolist()
    assert dataset.train.category_names == [str(each) for each in range(5)]


def test_a_name_that_is_there_twice(tmp_path: Path) -> None:
    import zipfile

    path = write(tmp_path / "x.npz")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("labels.npy", b"")
    with pytest.raises(InputError, match="has several arrays labels: which is meant"):
        load(path)


def test_damaged_rows_are_left_out_on_request(tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows[[4, 40]] = np.nan
    dataset = load(write(tmp_path / "x.npz", embeddings=rows, split=SPLIT), skip_damaged=True)
    assert rows_of(dataset.train).tolist() == np.delete(ROWS[:30], 4, axis=0).tolist()
    assert rows_of(dataset.test).tolist() == np.delete(ROWS[30:], 10, axis=0).tolist()
    assert len(dataset.notes) == 1
    assert "2 rows are left out, as row 4: NaN, infinite or 0" in dataset.notes[0]


def test_classes_of_one_row_are_said(tmp_path: Path) -> None:
    labels = LABELS.copy()
    labels[[5, 50]] = 500, 501
    notes = load(write(tmp_path / "x.npz", labels=labels, split=SPLIT)).notes
    assert len(notes) == 2
    assert "1 classes for train have one row, as '500', row 5" in notes[0]
    assert "1 classes for test have one row, as '501', row 50" in notes[1]


def test_what_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", embeddings=2 * ROWS, split=SPLIT, is_query=np.arange(60) % 3 == 0)
    found = data.inspect(f"features:{path}")
    norms = np.linalg.norm(2 * ROWS.astype(np.float64), axis=1)
    assert found.faults == ()
    assert list(found.facts) == [
        f"{path}: embeddings, labels, split, is_query",
        "60 rows of 8 dimensions, float32",
        f"lengths {norms.min():.4g} to {norms.max():.4g}, median {np.sort(norms)[29]:.4g}",
        "train: 30 rows of 10 classes of 3 to 3 rows, median 3, by split",
        "test: 30 rows of 10 classes of 3 to 3 rows, median 3, by split",
        "queries: 10 of the test's rows",
    ]
    with pytest.raises(InputError, match="no file"):
        data.inspect(f"features:{tmp_path}/none.npz")


def test_a_version_is_of_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.npz")
    found = data.version(f"features:{path}")
    assert found == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    os.utime(path, (1, 1))
    assert data.version(f"features:{path}") == found
    monkeypatch.setattr(digest, "_WHOLE", 100)
    monkeypatch.setattr(digest, "_BLOCK", 64)
    sample = data.version(f"features:{path}")
    assert sample not in (found, data.version(f"features:{write(tmp_path / 'y.npz', labels=LABELS + 1)}"))
    content = path.read_bytes()
    for changed in (b"x" + content[1:], content[:-1] + b"x", content + b"\0"):
        path.write_bytes(changed)
        assert data.version(f"features:{path}") != sample
    with pytest.raises(InputError, match="no file"):
        data.version(f"features:{tmp_path}/none.npz")


def test_a_block_that_is_damaged_beyond_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_BLOCK", 8 * 7)
    rows = ROWS.copy()
    rows[53, 2] = np.nan
    path = write(tmp_path / "x.npz", embeddings=rows)
    for read in (load, features.read_features):
        with pytest.raises(InputError, match=r"row 53 \(from 0\) is NaN"):
            read(path)
    normalised = features.read_features(write(path))[0]
    assert normalised.numpy() == pytest.approx(ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True), abs=1e-6)


def test_the_text_of_a_source_reads_back(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", split=SPLIT)
    source = Source.parse(f"features:{path}(split=split)")
    assert len(features.KIND.load(source, features.Wanted()).train) == 30
