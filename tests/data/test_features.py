from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from weightlab import InputError
from weightlab.data.features import read_features


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_either_format_is_read_and_normalised(suffix: str, tmp_path: Path) -> None:
    path, embeddings, labels = tmp_path / f"x.{suffix}", torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([1, 2])
    if suffix == "npz":
        np.savez(path, embeddings=embeddings.numpy(), labels=labels.numpy())
    else:
        save_file({"embeddings": embeddings, "labels": labels}, path)
    found, found_labels = read_features(path)
    assert torch.allclose(found, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert found_labels.tolist() == [1, 2]


def test_labels_that_are_texts(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", embeddings=np.eye(3), labels=np.array(["dog", "cat", "dog"]))
    assert read_features(tmp_path / "x.npz")[1].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"embeddings": np.ones((2, 2))}, "no array labels: it has embeddings"),
        ({"embeddings": np.ones(2), "labels": np.arange(2)}, "must be floats"),
        ({"embeddings": np.ones((2, 2)), "labels": np.arange(3)}, "must be floats"),
        ({"embeddings": np.ones((2, 2)), "labels": np.ones(2)}, "whole numbers"),
        ({"embeddings": np.zeros((2, 2)), "labels": np.arange(2)}, "NaN, infinite or 0"),
        ({"embeddings": np.full((2, 2), np.nan), "labels": np.arange(2)}, "NaN, infinite or 0"),
    ],
)
def test_wrong_arrays(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_features(tmp_path / "x.npz")


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_features(tmp_path / "none.npz")
    for name in ("damaged.npz", "damaged.safetensors", "other.txt"):
        (tmp_path / name).write_bytes(b"damaged")
        with pytest.raises(InputError, match=r"can't be read|are read from"):
            read_features(tmp_path / name)
