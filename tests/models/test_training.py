"""Every kind of encoder in the training loop: what is written, what goes on after a stop, at which rates it learns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from weightlab import models
from weightlab.data import Dataset, Draw, Split
from weightlab.errors import InputError
from weightlab.train import TrainConfig, checkpoint, embed_run, evaluation, loop, train
from weightlab.train.room import check_room
from weightlab.train.state import TrainState

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    '''With dropout, and a weight that two layers share.'''
    def __init__(self, shape, dimensions, width=16):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), width), nn.Dropout(0.3))
        self.one, self.other = nn.Linear(width, width), nn.Linear(width, width)
        self.other.weight = self.one.weight
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, dimensions)
    def forward(self, inputs):
        return self.head(self.norm(self.other(self.one(self.layers(inputs)).relu())))
"""
CONFIG = TrainConfig(
    size=32,
    width=4,
    dimensions=8,
    memory=16,
    memory_start=1,
    batch=8,
    per_class=2,
    steps=4,
    scale="mass",
    seed=4,
    learning_rate=0.01,
)
FROZEN = "timm:test_resnet(pooling=max, freeze_batch_norm=true, backbone_rate=0.1, layer_decay=0.5)"


@dataclass(frozen=True)
class Rows:
    """So many rows of their own each, varied by a draw."""

    shape: tuple[int, ...]
    count: int
    slow: bool = False

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        rows = torch.rand(self.count, *self.shape, generator=torch.Generator().manual_seed(0))[index]
        if draw is None:
            return rows
        return rows * torch.rand(1, generator=torch.Generator().manual_seed(draw.step))


def dataset(*shape: int) -> Dataset:
    def split(classes: int) -> Split:
        labels = torch.arange(classes).repeat_interleave(3)
        return Split(labels, Rows(shape, len(labels)))

    return Dataset("rows", split(8), split(4), ks=(1,))


IMAGES, VECTORS = dataset(3, 32, 32), dataset(10)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nets.py").write_text(NETS)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ("cnn", IMAGES),
        ("linear", VECTORS),
        ("mlp(hidden=12)", VECTORS),
        ("nets.py:Net(width=12)", VECTORS),
        ("nets.py:Net", IMAGES),
        (FROZEN, IMAGES),
        ("timm:test_vit(layer_decay=0.75)", IMAGES),
    ],
    ids=lambda value: value if isinstance(value, str) else value.train.inputs.shape,
)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(
    model: str, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIG.model_copy(update={"model": model, "save_every": 0.0})

    def kill(step: int, loss: float) -> None:
        if step == 3:
            raise RuntimeError("killed")

    torch.manual_seed(1)
    metrics = train(config, dataset=data, out=tmp_path / "whole").metrics
    torch.manual_seed(2)
    with pytest.raises(RuntimeError, match="killed"):
        train(config, dataset=data, out=tmp_path / "killed", on_step=kill)
    steps: list[int] = []
    again = train(config, dataset=data, out=tmp_path / "killed", on_step=lambda step, loss: steps.append(step))
    assert steps == [3, 4]
    assert again.metrics == metrics
    for file in ("state.safetensors", "model.safetensors"):
        one, other = (checkpoint.read_tensors(tmp_path / run / file) for run in ("whole", "killed"))
        assert one.keys() == other.keys()
        assert [name for name in one if not torch.equal(one[name], other[name])] == []
    found, labels = embed_run(tmp_path / "whole", data)
    assert torch.equal(labels, data.test.labels)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(len(labels)))
    assert evaluation.evaluate_run(tmp_path / "killed", data) == metrics


def started(model: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[float]], TrainState, dict[str, Tensor]]:
    """Train: each group's learning rate at each step, the last state, and the encoder before the first step."""
    states: list[TrainState] = []
    rates: list[list[float]] = []
    first: dict[str, Tensor] = {}
    start = TrainState.start

    def kept(*given: object, **named: object) -> TrainState:
        states.append(start(*given, **named))  # type: ignore[arg-type]
        first.update({name: value.clone() for name, value in states[0].model.state_dict().items()})
        return states[0]

    monkeypatch.setattr(TrainState, "start", kept)
    monkeypatch.setattr(loop, "evaluate", lambda *_: {"R@1": 0.5})
    config = CONFIG.model_copy(update={"model": model})
    train(
        config,
        dataset=IMAGES,
        on_step=lambda step, loss: rates.append([group["lr"] for group in states[0].optimizer.param_groups]),
    )
    return rates, states[0], first


def test_each_groups_rate_is_the_schedule_times_its_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    rates, state, first = started(FROZEN, monkeypatch)
    factors = [group["factor"] for group in state.optimizer.param_groups]
    assert max(factors) == 1
    assert sorted(factors[:-1]) == pytest.approx([0.1 * 0.5**layer for layer in reversed(range(len(factors) - 1))])
    for step, found in enumerate(rates):
        assert found == pytest.approx([loop.learning_rate(CONFIG, step) * factor for factor in factors])
    assert len({round(found[-1], 9) for found in rates}) > 2  # it moves
    frozen = [name for name in first if ".bn" in name or "running" in name or ".conv1.1." in name]
    assert len(frozen) > 10
    assert all(torch.equal(state.model.state_dict()[name], first[name]) for name in frozen)
    assert state.momentum is not None
    assert all(torch.equal(state.momentum.state_dict()[f"module.{name}"], first[name]) for name in frozen)


def test_each_group_moves_as_far_as_its_rates_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam's first steps are of about its rate each."""
    _, state, first = started("timm:test_vit(backbone_rate=0.1, layer_decay=0.5)", monkeypatch)
    names = {id(each): name for name, each in state.model.named_parameters()}
    for group in state.optimizer.param_groups:
        most = sum(loop.learning_rate(CONFIG, step) for step in range(CONFIG.steps)) * group["factor"]
        moved = max(float((each.detach() - first[names[id(each)]]).abs().max()) for each in group["params"])
        assert 0.3 * most < moved < 1.5 * most


def test_batch_norm_that_is_not_frozen_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    _, state, first = started("timm:test_resnet", monkeypatch)
    running = [name for name in first if "running_mean" in name]
    assert running
    assert not any(torch.equal(state.model.state_dict()[name], first[name]) for name in running)


@pytest.mark.parametrize(
    "model",
    [
        "timm:resnet18(backbone_rate=0.1)",
        "timm:resnet50(pooling=max, freeze_batch_norm=true)",
        "timm:vit_tiny_patch16_224(layer_decay=0.75)",
        "timm:mobilenetv3_small_050",
    ],
)
def test_steps_of_networks_in_use(model: str) -> None:
    losses: list[float] = []
    config = CONFIG.model_copy(update={"model": model, "steps": 2, "memory": 8, "per_class": 4})
    metrics = train(config, dataset=IMAGES, on_step=lambda _, loss: losses.append(loss)).metrics
    assert 0 <= metrics["R@1"] <= 1
    assert len(losses) == 2


def test_weights_are_needed_to_begin_only(tmp_path: Path) -> None:
    models.build("timm:test_resnet")  # timm is imported
    import timm

    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "w.pth")
    config = CONFIG.model_copy(update={"model": "timm:test_resnet(weights='w.pth')", "steps": 2, "memory_start": 5})
    metrics = train(config, dataset=IMAGES, out=tmp_path / "run").metrics
    (tmp_path / "w.pth").unlink()
    assert evaluation.evaluate_run(tmp_path / "run", IMAGES) == metrics
    assert train(config, dataset=IMAGES, out=tmp_path / "run").metrics == metrics
    with pytest.raises(InputError, match=r"no file w\.pth"):
        train(config, dataset=IMAGES, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ("cnn", VECTORS, "^cnn takes images; this data set gives vectors of 10: use --model linear or mlp$"),
        (
            "linear",
            IMAGES,
            "^linear takes vectors; this data set gives images of 3 × 32 × 32: use --model cnn or timm:…$",
        ),
        ("nets.py:Net(dimensions=9)", VECTORS, "pass --dimensions 9$"),
        ("timm:test_vit(freeze_batch_norm=true)", IMAGES, "leave freeze_batch_norm out"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_written(
    model: str, data: Dataset, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        train(CONFIG.model_copy(update={"model": model}), dataset=data, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_configuration_names_what_is_wrong_with_its_model() -> None:
    for model, message in (
        ("mlp(hiden=3)", "^model.*unknown option of mlp 'hiden'"),
        ("nets.py:Nett", "unknown name in nets.py 'Nett'"),
        ("timm:resnet_50", "did you mean 'resnet50'"),
    ):
        with pytest.raises(InputError, match=message):
            TrainConfig.checked({"model": model})
    assert TrainConfig.checked({"model": "timm:resnet18(weights='none.pth')"}).model.startswith("timm")


def test_room_is_asked_of_the_bank_and_of_the_cnns_maps() -> None:
    large = CONFIG.model_copy(update={"batch": 1024, "size": 512, "width": 1024})
    with pytest.raises(InputError, match=r"batch=1024 of size=512 and width=1024 takes 1,024\.0 GiB"):
        check_room(large, saved=False, there=2**34)
    for model in ("linear", "timm:resnet18", "nets.py:Net"):
        check_room(large.model_copy(update={"model": model}), saved=False, there=2**34)
        with pytest.raises(InputError, match="memory=1000000 of dimensions=8"):
            check_room(large.model_copy(update={"model": model, "memory": 10**6}), saved=False, there=10**6)
