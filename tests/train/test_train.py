from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from weightlab import InputError
from weightlab.train import TrainConfig, TrainingError, checkpoint, evaluate_run, train

TINY = TrainConfig(scale="mean", steps=12, size=12, width=4, dimensions=8, memory=96, memory_start=3, batch=32)


def trained(config: TrainConfig, out: Path) -> dict[str, torch.Tensor]:
    train(config, out=out)
    return dict(checkpoint.read_tensors(out / "model.safetensors"))


def test_same_seed_same_numbers_and_another_seed_others(tmp_path: Path) -> None:
    first, again = trained(TINY, tmp_path / "a"), trained(TINY, tmp_path / "b")
    other = trained(TINY.model_copy(update={"seed": 1}), tmp_path / "c")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    histories = [(tmp_path / name / "history.csv").read_text() for name in "abc"]
    assert histories[0] == histories[1] != histories[2]


def test_an_interrupted_run_goes_on_exactly(tmp_path: Path) -> None:
    whole = trained(TINY, tmp_path / "whole")

    def press_ctrl_c(step: int, loss: float) -> None:
        if step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(TINY, on_step=press_ctrl_c, out=tmp_path / "part")
    assert not (tmp_path / "part" / "model.safetensors").exists()
    seen: list[int] = []
    train(TINY, on_step=lambda step, loss: seen.append(step), out=tmp_path / "part")
    assert seen == list(range(8, 13))
    part = checkpoint.read_tensors(tmp_path / "part" / "model.safetensors")
    assert all(torch.equal(whole[name], part[name]) for name in whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    "change",
    [
        {"memory": 0},
        {"momentum": 0.0},
        {"loss": "ms-loss(beta=40)", "scale": "raw"},
        {"negative": "softmax(10)", "scale": "raw"},
        {"validation": True},
    ],
)
def test_every_kind_of_run_ends_with_metrics(change: dict[str, object], tmp_path: Path) -> None:
    config = TrainConfig.checked(TINY.model_dump() | change | {"steps": 5})
    result = train(config, out=tmp_path)
    assert set(result.metrics) == {"R@1", "R@10", "R@100", "MAP@R"}
    assert 0 < result.metrics["R@1"] <= result.metrics["R@10"] <= result.metrics["R@100"] <= 1
    assert evaluate_run(tmp_path) == result.metrics


def test_memory_waits_for_the_warm_up() -> None:
    """Until the memory starts, a run with one takes the same steps as a run without."""
    histories: list[list[float]] = []
    for memory in (0, 96):
        losses: list[float] = []
        train(
            TINY.model_copy(update={"memory": memory, "steps": 5}),
            on_step=lambda step, loss, losses=losses: losses.append(loss),  # type: ignore[misc]
        )
        histories.append(losses)
    assert histories[0][:3] == histories[1][:3]
    assert histories[0][3] != histories[1][3]


def test_a_diverging_run_says_so() -> None:
    with pytest.raises(TrainingError, match="diverged at step"):
        train(TINY.model_copy(update={"learning_rate": 1e30}))


def test_training_learns_to_retrieve() -> None:
    before = train(TINY.model_copy(update={"steps": 1, "learning_rate": 1e-9, "size": 16}))
    after = train(TINY.model_copy(update={"steps": 80, "learning_rate": 0.005, "size": 16, "width": 8, "memory": 512}))
    assert after.metrics["R@1"] > 1.5 * before.metrics["R@1"]


def test_a_folder_of_another_run_or_a_damaged_one(tmp_path: Path) -> None:
    train(TINY.model_copy(update={"steps": 2}), out=tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        train(TINY, out=tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="damaged"):
        evaluate_run(tmp_path)
    (tmp_path / "state.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="damaged"):
        train(TINY.model_copy(update={"steps": 2}), out=tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        evaluate_run(tmp_path)
    with pytest.raises(InputError, match="holds no run"):
        evaluate_run(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": 10}, "memory=10 must hold a batch"),
        ({"batch": 30}, "multiple of per_class"),
        ({"negative": "stpe(0.5)"}, "did you mean 'step'"),
        ({"loss": "ms-los"}, "did you mean 'ms-loss'"),
        ({"momentum": 1.0}, "momentum must be below 1, not 1.0"),
        ({"scale": "men"}, "scale must be 'raw', 'mean' or 'mass', not 'men'"),
        ({"stps": 3}, "unknown setting 'stps': did you mean 'steps'"),
    ],
)
def test_wrong_settings_are_named_in_one_line(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        TrainConfig.checked(settings)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValidationError):
        TrainConfig.model_validate(settings)
