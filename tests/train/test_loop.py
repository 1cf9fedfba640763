"""The training loop against one that is written out here: plain lists, all pairs at once, no memory bank."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from weightlab import data, models
from weightlab.data.sampler import PKSampler
from weightlab.data.split import Split
from weightlab.errors import InputError
from weightlab.pairs import References
from weightlab.step import surrogate
from weightlab.train import TrainConfig, checkpoint, evaluation, loop, train
from weightlab.train.state import TrainState

CONFIG = TrainConfig(
    scale="mean", steps=20, size=12, width=4, dimensions=8, memory=700, memory_start=3, batch=32, seed=2
)


@pytest.fixture(autouse=True)
def no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than so few steps."""
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): {"R@1": 0.5})


def written_out(config: TrainConfig, together: int = 1) -> tuple[list[float], dict[str, Tensor]]:
    """The surrogate of each step, and the encoder after the last one; so many labels in a row go together."""
    rows, weighting = data.load("glyphs", size=config.size).train, config.weighting()
    sampler = PKSampler(rows.labels, config.batch, config.per_class, config.seed)
    encoder = models.build("cnn", shape=(1, 12, 12), width=config.width, dimensions=config.dimensions, seed=config.seed)
    slow = copy.deepcopy(encoder)
    optimizer = torch.optim.AdamW(encoder.parameters(), weight_decay=1e-4)
    memory, memory_labels, history = torch.zeros(0, config.dimensions), torch.zeros(0, dtype=torch.int64), []
    for step in range(config.steps):
        batch = sampler.batch_at(step)
        labels = rows.labels[batch] // together
        images = rows.inputs(batch, data.Draw(config.seed, step))
        x = encoder.train()(images)
        loss = surrogate(weighting, x, labels)
        if step >= config.memory_start:
            with torch.no_grad():
                keys = slow(images) if config.momentum else x
            own = torch.arange(len(memory), len(memory) + len(x))
            memory, memory_labels = torch.cat([memory, keys.detach()]), torch.cat([memory_labels, labels])
            loss = loss + surrogate(weighting, x, labels, References(memory, memory_labels, own))
        # one step of rise, a twentieth of 20, then half a cosine: 0.5 (1 + cos 2a) = cos² a
        optimizer.param_groups[0]["lr"] = config.learning_rate * math.cos(math.pi / 2 * max(0, step - 1) / 19) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for its, new in zip(slow.parameters(), encoder.parameters(), strict=True):
            its.data.lerp_(new.data, 1 - config.momentum if step else 1.0)
        history.append(loss.item())
    return history, encoder.state_dict()


@pytest.mark.parametrize("momentum", [0.9, 0.0], ids=["momentum", "plain_memory"])
def test_a_run_is_the_loop_written_out(momentum: float, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"momentum": momentum})
    history, encoder = written_out(config)
    found: list[float] = []
    train(config, on_step=lambda step, loss: found.append(loss), out=tmp_path)
    trained = checkpoint.read_tensors(tmp_path / "model.safetensors")
    assert found == pytest.approx(history, rel=1e-5, abs=1e-6)
    for name, parameter in encoder.items():
        torch.testing.assert_close(trained[name], parameter, rtol=1e-5, atol=1e-6)


def test_a_relation_says_which_labels_go_together() -> None:
    config = CONFIG.model_copy(update={"momentum": 0.0})
    found: list[float] = []
    train(config, on_step=lambda _, loss: found.append(loss), same=lambda a, b: a[:, None] // 50 == b // 50)
    assert found == pytest.approx(written_out(config, together=50)[0], rel=1e-5, abs=1e-6)
    assert found != pytest.approx(written_out(config)[0], rel=1e-2)
    with pytest.raises(InputError, match="must give a bool tensor"):
        train(config, same=lambda a, b: a)


def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.model_copy(update={"steps": 7, "memory_start": 1, "save_every": 0.0})
    whole: list[float] = []
    train(config, on_step=lambda step, loss: whole.append(loss))
    losses: list[float] = []

    def kill(step: int, loss: float) -> None:
        losses.append(loss)
        if step == 5:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(config, on_step=kill, out=tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["step"].tolist() == [1, 2, 3, 4]
    assert history["surrogate"].tolist() == losses[:4]
    steps: list[int] = []
    train(config, on_step=lambda step, loss: steps.append(step), out=tmp_path)
    assert steps == [5, 6, 7]
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["step"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert history["surrogate"].tolist() == whole
    assert losses == whole[:5]


@pytest.mark.parametrize("validation", [False, True])
def test_classes_that_training_has_not_seen_are_evaluated(
    validation: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.model_copy(update={"steps": 1, "validation": validation})
    splits: list[Split] = []
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): splits.append(split) or {"R@1": 0.5})
    monkeypatch.setattr(evaluation, "evaluate", lambda model, split, ks=(): splits.append(split) or {"R@1": 0.5})
    train(config, out=tmp_path)
    evaluation.evaluate_run(tmp_path)
    test = data.load("glyphs", size=12, validation=validation).test
    assert [len(split) for split in splits] == [len(test)] * 2
    for split in splits:
        assert torch.equal(split.inputs(torch.arange(9)), test.inputs(torch.arange(9)))


@pytest.mark.parametrize(("name", "value"), [("_MOST_ROWS", 1000), ("_MOST_NUMBERS", 144 * 300)])
def test_evaluation_does_not_depend_on_the_batches(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that was left in training mode would normalise each by its own mean, and change."""
    rows = data.load("glyphs", size=12).test
    encoder = models.build("cnn", shape=(1, 12, 12), width=4, dimensions=8, seed=0).train()
    before = copy.deepcopy(encoder.state_dict())
    found = evaluation.embed(encoder, rows)
    monkeypatch.setattr(evaluation, name, value)
    torch.testing.assert_close(evaluation.embed(encoder.train(), rows), found)
    assert all(torch.equal(encoder.state_dict()[name], value) for name, value in before.items())


@pytest.mark.parametrize(("memory", "momentum", "has"), [(700, 0.9, True), (700, 0.0, False), (0, 0.9, False)])
def test_only_a_memory_with_momentum_has_a_second_encoder(memory: int, momentum: float, has: bool) -> None:
    """Without momentum it would be a copy of the first: the same keys for twice the work."""
    config = CONFIG.model_copy(update={"memory": memory, "momentum": momentum})
    assert (TrainState.start(config, (1, 12, 12), 1000).momentum is not None) == has
