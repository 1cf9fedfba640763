from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from weightlab import InputError
from weightlab.cli.context import context_of
from weightlab.data.features import read_features, read_source
from weightlab.data.source import Source


def write(path: Path, **arrays: Any) -> Path:  # noqa: ANN401
    """Both formats; the .npz as numpy writes it, with objects pickled."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        save_file({name: torch.as_tensor(array) for name, array in arrays.items()}, path)
    return path


@pytest.mark.parametrize("suffix", ["npz", "NPZ", "safetensors"])
@pytest.mark.parametrize("form", [Path, str, os.fspath, lambda path: Elsewhere(path)])
def test_either_format_is_read_and_normalised(suffix: str, form: Any, tmp_path: Path) -> None:  # noqa: ANN401
    path = write(tmp_path / f"x.{suffix.lower()}", embeddings=np.array([[3.0, 4.0], [0.0, 2.0]]), labels=[1, 2])
    path = path.rename(tmp_path / f"x.{suffix}")
    found, labels = read_features(form(path))
    assert torch.allclose(found, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert found.dtype == torch.float32
    assert labels.tolist() == [1, 2]
    assert labels.dtype == torch.int64


class Elsewhere(os.PathLike[str]):
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


def that_can_be_held() -> Iterator[tuple[str, Any, float]]:
    """File formats, number types and lengths that go together."""
    types = {"npz": [np.float32, np.float64, np.float16, ">f4", np.longdouble]}
    types["safetensors"] = [np.float32, np.float64, np.float16]
    for suffix, dtypes in types.items():
        for dtype, scale in itertools.product(dtypes, [1, 1e25, 1e-30, 1e-4, 1e4, 1e300, 1e-300]):
            if float(np.finfo(dtype).tiny) * 10 <= scale <= float(np.finfo(dtype).max) / 10:
                yield suffix, dtype, scale


@pytest.mark.parametrize(("suffix", "dtype", "scale"), [*that_can_be_held()])
def test_rows_of_any_finite_length(suffix: str, dtype: Any, scale: float, tmp_path: Path) -> None:  # noqa: ANN401
    rows = np.random.default_rng(0).normal(size=(5, 7))
    path = write(tmp_path / f"x.{suffix}", embeddings=(rows * scale).astype(dtype), labels=np.arange(5))
    truth = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    tolerance = 2e-3 if dtype == np.float16 else 1e-6
    assert read_features(path)[0].numpy() == pytest.approx(truth, abs=tolerance)


def test_half_precision_rows_are_normalised_in_single(tmp_path: Path) -> None:
    rows = torch.randn(50, 64, generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float16, torch.bfloat16):
        path = write(tmp_path / "x.safetensors", embeddings=rows.to(dtype), labels=torch.arange(50))
        assert read_features(path)[0].norm(dim=1).numpy() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array(["dog", "cat", "dog"]), [1, 0, 1]),
        (np.array([b"dog", b"cat", b"dog"]), [1, 0, 1]),
        (np.array(["dog", "cat", "dog"], dtype=object), [1, 0, 1]),
        (pd.Series(["dog", "cat", "dog"]).to_numpy(), [1, 0, 1]),
        (pd.Series(["dog", "cat", "dog"]).astype("category").to_numpy(), [1, 0, 1]),
        (np.array([np.str_("dog"), np.str_("cat"), "d\xf6g"], dtype=object), [1, 0, 2]),
        (np.array([7, np.int64(-3), 7], dtype=object), [7, -3, 7]),
        (np.array([1.0, 2.0, 2**31]), [1, 2, 2**31]),
        (np.array([1.0, 2.0, 3.0], dtype=object), [1, 2, 3]),
        (np.array([1, 2, 3], dtype=np.float16), [1, 2, 3]),
        (np.array([True, False, True]), [1, 0, 1]),
        (np.array([1, 2, 3], dtype=np.uint64), [1, 2, 3]),
        (np.array([1, 2, 3], dtype=">i4"), [1, 2, 3]),
    ],
)
def test_labels_of_every_kind(labels: np.ndarray, expected: list[int], tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", embeddings=np.eye(3), labels=labels)
    assert read_features(path)[1].tolist() == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([1.0, 1.5, 2.0]), "labels must be whole numbers that torch.float64 tells apart, not 1.5"),
        (np.array([1.0, np.nan, 2.0]), "not nan"),
        (np.array([1.0, np.inf, 2.0]), "not inf"),
        (np.array([1.0, 2.0**24, 2.0], dtype=np.float32), "tells apart, not 16777216.0"),
        (np.array([1, 2, 2**63], dtype=np.uint64), "whole numbers below"),
        (np.array([1, 2, 2**70], dtype=object), "labels must be numbers"),
        (np.array(["dog", float("nan"), "cat"], dtype=object), "all texts or all numbers, not nan"),
        (np.array(["dog", None, "cat"], dtype=object), "object 1 is None: only texts and numbers"),
        (np.array(["dog", pd.NA, "cat"], dtype=object), r"objects of pandas\.NA: only texts"),
        (np.array([[1], [2, 3], [4]], dtype=object), r"object 0 is \[1\]"),
        (np.array([1 + 1j, 2, 3]), "labels must be numbers"),
        (np.array(["2020-01-01"] * 3, dtype="datetime64[D]"), "labels must be numbers"),
        (np.arange(4), r"whole numbers, \[3\], one for each row, not torch.int64 \[4\]"),
        (np.arange(3)[:, None], "one for each row"),
        (np.array(3), "one for each row"),
    ],
)
def test_wrong_labels(labels: np.ndarray, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", embeddings=np.eye(3), labels=labels)
    with pytest.raises(InputError, match=message) as raised:
        read_features(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (np.ones(2), r"embeddings must be a floating-point tensor \[n, D\], not torch.float64 \[2\]"),
        (np.ones((2, 2, 2)), "floating-point tensor"),
        (np.ones((2, 2), dtype=int), "floating-point tensor"),
        (np.ones((2, 2), dtype=complex), "must be numbers"),
        (np.array([["a", "b"]] * 2), "must be numbers"),
        (np.ones((2, 0)), "no dimensions"),
        (np.ones((0, 2)), "has no rows"),
        (np.zeros((2, 2)), "NaN, infinite or 0"),
        (np.full((2, 2), np.nan), "NaN, infinite or 0"),
        (np.array([[1, 0], [np.inf, 0]]), "NaN, infinite or 0"),
    ],
)
def test_wrong_embeddings(embeddings: np.ndarray, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", embeddings=embeddings, labels=np.arange(2))
    with pytest.raises(InputError, match=message):
        read_features(path)


def test_embeddings_of_objects(tmp_path: Path) -> None:
    """As a frame of columns of different types has them, in either order of memory."""
    rows = np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])
    for order in "CF":
        path = write(tmp_path / "x.npz", embeddings=np.asarray(rows.astype(object), order=order), labels=np.arange(3))
        assert read_features(path)[0].tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 1], [1, 0]]))


class Harmful:
    """Makes a folder when it is unpickled in the usual way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    path, made = tmp_path / "x.npz", tmp_path / "made"
    labels = np.empty(2, dtype=object)
    labels[:] = ["a", Harmful(made)]
    write(path, embeddings=np.eye(2), labels=labels)
    with pytest.raises(InputError, match=r"objects of posix\.mkdir: only texts and numbers are read"):
        read_features(path)
    for harmful in (Harmful(made), np.array, getattr):
        with zipfile.ZipFile(path, "w") as file, file.open("labels.npy", "w") as opened:
            np.lib.format.write_array_header_1_0(opened, {"descr": "|O", "fortran_order": False, "shape": (2,)})
            pickle.dump(harmful, opened)
        with zipfile.ZipFile(path, "a") as file, file.open("embeddings.npy", "w") as opened:
            np.lib.format.write_array(opened, np.eye(2))
        with pytest.raises(InputError):
            read_features(path)
    assert not made.exists()


@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(0, 1000), byte=st.integers(0, 255), cut=st.booleans(), suffix=st.sampled_from(["npz", "safetensors"])
)
def test_a_damaged_file_is_said_or_read(
    at: int, byte: int, cut: bool, suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"x.{suffix}"
    labels: Any = np.array(["dog", "cat", "dog"], dtype=object) if suffix == "npz" else torch.tensor([1, 0, 1])
    content = bytearray(write(path, embeddings=np.eye(3), labels=labels).read_bytes())
    at %= len(content)
    path.write_bytes(content[:at] if cut else bytes([*content[:at], byte, *content[at + 1 :]]))
    with contextlib.suppress(InputError):
        rows, found = read_features(path)
        assert rows.isfinite().all()
        assert rows.shape[:1] == found.shape


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_features(tmp_path / "none.npz")
    for name in ("a" * 5000, "a" * 300, "a\0b"):
        with pytest.raises(InputError, match="there can be no"):
            read_features(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match="must be a path, not int"):
        read_features(3)  # type: ignore[arg-type]
    for name in ("damaged.npz", "damaged.safetensors", "other.txt"):
        (tmp_path / name).write_bytes(b"damaged")
        with pytest.raises(InputError, match=r"can't be read|are read from"):
            read_features(tmp_path / name)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_arrays_of_other_names(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "raw (1)"
    folder.mkdir()
    path = write(
        folder / f"raw.{suffix}",
        X=np.eye(4)[[0, 1, 2, 3]],
        y=[1, 1, 2, 2],
        embeddings=np.eye(4),
        **{"a.b": [3, 3, 4, 4]},
    )
    for text, expected in [
        (f"{path}(embeddings=X, labels=y)", [1, 1, 2, 2]),
        (f"{path}(labels = y)", [1, 1, 2, 2]),
        (f"{path}( labels=a.b,embeddings=X )", [3, 3, 4, 4]),
    ]:
        rows, labels = read_source(Source.parse(f"file:{text}"))
        assert labels.tolist() == expected
        assert rows.tolist() == np.eye(4).tolist()
        context = context_of(f"file:{text}", 1, 2)
        assert context.name == f"file:{text}"
        assert bool((context.sample(3).positive == 0).all())
    named = path.rename(folder / f"raw.{suffix}(labels=b)")  # a file that is called so is itself
    with pytest.raises(InputError, match=r"\(labels=b\): embeddings are read from \.npz, \.safetensors, \.parquet"):
        read_source(Source.parse(f"file:{named}"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x.npz(embedings=X)", "unknown option of file 'embedings': did you mean 'embeddings'"),
        ("x.npz(embeddings=X, embeddings=Y)", "embeddings is given twice"),
        ("x.npz(X)", "write options with their names"),
        ("x.npz(labels=)", r"x\.npz\(labels=\)': can't read '\(labels=\)': '\)' where a value should be"),
        ("x.npz(labels=7)", "labels of file must be a text, not 7"),
        ("x.npz(split=y)", "unknown option of file 'split'"),
        ("x.npz(labels=y", r"no file .*x\.npz\(labels=y"),
        (
            "x.npz(labels=z)",
            r"x\.npz has no array z: it has X, embeddings, y; .*write x\.npz\(embeddings=NAME, labels=NAME\)",
        ),
        ("x.npz", "has no array labels: it has X, embeddings, y"),
    ],
)
def test_wrong_names(text: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "x.npz", X=np.eye(3), y=np.arange(3), embeddings=np.eye(3))
    with pytest.raises(InputError, match=message):
        read_source(Source.parse(f"file:{tmp_path}/{text}"))


def test_other_arrays_of_a_file_are_not_looked_at(tmp_path: Path) -> None:
    others = {"dates": np.array(["2020-01-01"], dtype="datetime64[D]"), "more": np.array([print], dtype=object)}
    path = write(tmp_path / "x.npz", embeddings=np.eye(2), labels=np.arange(2), **others)
    assert read_features(path)[1].tolist() == [0, 1]
