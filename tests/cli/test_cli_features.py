"""Training a head on a file of embeddings: from the command line, and two arms of a study in Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from weightlab import InputError, data, retrieval
from weightlab.cli import main
from weightlab.data.features import read_features
from weightlab.train import TrainConfig, embed_run, train

SETTINGS = {
    "model": "linear",
    "dimensions": 8,
    "memory": 256,
    "memory_start": 0,
    "batch": 32,
    "scale": "mass",
    "steps": 60,
    "learning_rate": 0.03,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """60 classes of 8 rows that lie around their centres in 4 of 40 dimensions; in the others there is noise alone."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(480) // 8
    rows = 3 * torch.randn(480, 40, generator=generator)
    rows[:, :4] = 5 * torch.randn(60, 4, generator=generator)[labels] + 0.3 * rows[:, :4]
    save_file({"embeddings": rows.half(), "labels": labels}, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


def raw(file: Path) -> float:
    """R@1 of the test's rows as they are."""
    rows, labels = read_features(file)
    test = data.load(f"features:{file}").test
    assert test.class_names is not None
    mine = torch.from_numpy(np.isin(labels.numpy(), [int(name) for name in test.class_names]))
    return retrieval.evaluate(rows[mine], labels[mine])["R@1"]


def test_a_run_from_the_command_line(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    with pytest.raises(SystemExit) as ended:
        main(["train", "--data", f"features:{file}", *options, "--out", str(tmp_path / "run"), "--format", "json"])
    out, err = capsys.readouterr()
    assert (ended.value.code or 0, err) == (0, "")
    embeddings, labels = embed_run(tmp_path / "run")
    assert embeddings.shape == (len(data.load(f"features:{file}").test), 8)
    assert json.loads(out) == pytest.approx(retrieval.evaluate(embeddings, labels))
    assert json.loads(out)["R@1"] > raw(file) + 0.1  # the head has found where the classes lie


def test_two_arms(file: Path) -> None:
    """Those that push only the easy negatives collapse."""
    arms = {"hard": "step(0.5)", "easy": "easy(-0.5)"}
    found = {
        arm: train(TrainConfig(data=f"features:{file}", negative=negative, **SETTINGS)).metrics  # type: ignore[arg-type]
        for arm, negative in arms.items()
    }
    assert found["hard"]["R@1"] > found["easy"]["R@1"] + 0.1


def test_an_encoder_of_images_says_what_to_take_instead(file: Path) -> None:
    with pytest.raises(
        InputError, match="cnn takes images; this data set gives vectors of 40: use --model linear or mlp"
    ):
        train(TrainConfig(data=f"features:{file}", steps=1, batch=32))
