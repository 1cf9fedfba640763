"""What the settings of a run say and do, beyond the loop's arithmetic (`test_plain_loop.py`)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import weightlab as wl
from weightlab import retrieval
from weightlab.data import Dataset, Split
from weightlab.data.held_out import held_out
from weightlab.errors import InputError
from weightlab.train import TrainConfig, TrainResult, train
from weightlab.train.amount import share_of, steps_of
from weightlab.train.device import device_of
from weightlab.train.drift import unchanged
from weightlab.train.schedule import learning_rate
from weightlab.train.settings import merged, names, preset, read_settings
from weightlab.train.tensorboard import tensorboard_log

SMALL = {"model": "linear", "dimensions": 8, "batch": 16, "per_class": 4, "memory": 64, "memory_start": 2, "steps": 12}


class Vectors:
    shape = (16,)
    slow = False

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def __call__(self, index: Tensor, draw: object = None) -> Tensor:
        return self.rows[index]


def make_data(classes: int = 20, each: int = 6, seed: int = 0) -> Dataset:
    generator = torch.Generator().manual_seed(seed)

    def part(first: int) -> Split:
        labels = torch.arange(classes).repeat_interleave(each)
        centres = torch.randn(classes, 16, generator=generator)
        rows = centres[labels] + 1.5 * torch.randn(len(labels), 16, generator=generator)
        return Split(labels, Vectors(rows), class_names=[f"class {first + n}" for n in range(classes)])

    return Dataset("vectors", part(0), part(classes), ks=(1, 5))


def test_validation_is_on_classes_held_out_of_training() -> None:
    rows = make_data().train
    kept, held = held_out(rows)
    names_kept, names_held = set(kept.class_names or ()), set(held.class_names or ())
    assert len(names_held) == 4
    assert not names_kept & names_held
    assert names_kept | names_held == set(rows.class_names or ())
    assert len(kept) + len(held) == len(rows)
    for part in (kept, held):
        assert rows.class_names is not None
        assert part.class_names is not None
        for row in (0, 7, len(part) - 1):
            vector = part.inputs(torch.tensor([row]))[0]
            whole = (rows.inputs(torch.arange(len(rows))) == vector).all(1).nonzero().item()
            assert rows.class_names[rows.labels[int(whole)]] == part.class_names[part.labels[row]]
    with pytest.raises(InputError, match="rows go from 0 to 23"):
        held.inputs(torch.tensor([24]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 0, 1, 1, 2, 2], "3 classes are too few to hold some out of"), ([0, 1, 2, 3, 4], "have one row each")],
)
def test_too_little_to_hold_out(labels: list[int], message: str) -> None:
    rows = Split(torch.tensor(labels), Vectors(torch.randn(len(labels), 16)))
    with pytest.raises(InputError, match=message):
        held_out(rows)


def test_the_best_encoder_is_kept_and_no_test_class_has_a_say(tmp_path: Path) -> None:
    """Diverging slowly: the first evaluation is the best, and the run ends two evaluations later."""
    data, seen = make_data(), []
    config = TrainConfig.checked(
        SMALL | {"steps": 60, "validate_every": 5, "patience": 2, "learning_rate": 3.0, "schedule": "constant"}
    )
    result = train(
        config, dataset=data, out=tmp_path / "run", on_evaluation=lambda step, found: seen.append((step, found["R@1"]))
    )
    best = max(range(len(seen)), key=lambda n: (seen[n][1], -n))
    assert result.best_step == seen[best][0]
    assert len(seen) - 1 - best == 2
    assert result.steps == seen[-1][0] < 60
    _, held = held_out(data.train)
    model, _ = wl.train.evaluation._model_and_data(tmp_path / "run", data)  # type: ignore[attr-defined]
    rows = held.inputs(torch.arange(len(held)))
    with torch.no_grad():
        again = retrieval.evaluate(model(rows), held.labels, (1, 5))
    assert again["R@1"] == seen[best][1]
    with torch.no_grad():
        test = retrieval.evaluate(model(data.test.inputs(torch.arange(120))), data.test.labels, (1, 5))
    assert result.metrics == test
    other = Dataset("vectors", data.train, make_data(seed=9).test, ks=(1, 5))
    assert train(config, dataset=other).best_step == result.best_step


def test_callbacks_and_the_log() -> None:
    log, steps, ends = [], [], []
    config = TrainConfig.checked(SMALL | {"validate_every": 6, "record": 0})
    result = train(
        config,
        dataset=make_data(),
        on_step=lambda step, loss: steps.append((step, loss)),
        on_end=ends.append,
        log=lambda values, step: log.append((step, values)),
    )
    assert ends == [result]
    assert isinstance(result, TrainResult)
    assert [step for step, _ in steps] == list(range(1, 13))
    of_steps = [(step, values) for step, values in log if "surrogate" in values]
    assert [(step, values["surrogate"]) for step, values in of_steps] == steps
    assert [values["learning_rate"] for _, values in of_steps] == [learning_rate(config, step) for step in range(12)]
    assert [step for step, values in log if "validation/R@1" in values] == [6, 12]
    assert log[-1] == (12, {f"test/{name}": value for name, value in result.metrics.items()})


def test_tensorboard_takes_the_log(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tensorboard_log(tmp_path / "events") as log:
        train(TrainConfig.checked(SMALL | {"record": 0}), dataset=make_data(), log=log)
    read = EventAccumulator(str(tmp_path / "events")).Reload()
    assert [each.step for each in read.Scalars("surrogate")] == list(range(1, 13))
    assert "test/R@1" in read.Tags()["scalars"]


def test_a_weighting_of_ones_own_trains() -> None:
    def weight(s: Tensor) -> Tensor:
        return s * (s > 0.2)

    own = train(TrainConfig.checked(SMALL), dataset=make_data(), weighting=weight)
    text = train(TrainConfig.checked(SMALL), dataset=make_data())
    assert own.metrics != text.metrics


@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"precision": "bfloat16", "memory_kind": "fresh"}])
def test_bfloat16_is_near(options: dict[str, object]) -> None:
    """The encoder's products are rounded to 8 bits: the surrogates of 12 steps differ, by little."""
    curves = []
    for more in ({}, options):
        found: list[float] = []
        settings = SMALL | {"memory_start": 0, "learning_rate": 1e-4} | more
        train(TrainConfig.checked(settings), dataset=make_data(), on_step=lambda _, loss, to=found: to.append(loss))
        curves.append(found)
    full, lowered = np.array(curves)
    assert full.tolist() != lowered.tolist()
    if "memory_kind" not in options:
        np.testing.assert_allclose(lowered, full, rtol=0.05, atol=0.05)


def test_a_compiled_encoder_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def compile_(model: torch.nn.Module) -> object:
        compiled.append(model)
        return torch._dynamo.optimize("eager")(model)

    whole = train(TrainConfig.checked(SMALL), dataset=make_data())
    monkeypatch.setattr(torch, "compile", compile_)
    assert train(TrainConfig.checked(SMALL | {"compile": True}), dataset=make_data()).metrics == whole.metrics
    assert len(compiled) == 1


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_of("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device_of("auto").type == "cpu"
    with pytest.raises(InputError, match="device=cuda is not to be had here: this machine has cpu"):
        train(TrainConfig.checked(SMALL | {"device": "cuda"}), dataset=make_data())
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device_of("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of("auto").type == "cuda"


def test_a_forward_that_changes_nothing() -> None:
    norm = torch.nn.BatchNorm1d(4)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    rows = torch.randn(9, 4)
    found = unchanged(norm, rows)
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())
    torch.testing.assert_close(found, (rows - rows.mean(0)) / (rows.var(0, correction=0) + norm.eps).sqrt())


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({"schedule": "constant", "lr_warmup": 4}, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]),
        ({"schedule": "constant", "lr_warmup": 0}, [1] * 10),
        ({"schedule": "steps", "lr_warmup": 2, "drops": "30%,7"}, [0.5, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]),
        ({"lr_warmup": "20%"}, [0.5, 1, 1, *(0.5 * (1 + math.cos(math.pi * n / 8)) for n in range(1, 8))]),
    ],
)
def test_the_learning_rate(settings: dict[str, object], rates: list[float]) -> None:
    config = TrainConfig.checked({"steps": 10, "learning_rate": 1.0} | settings)
    assert [learning_rate(config, step) for step in range(10)] == pytest.approx(rates)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": "0%"}, "memory must be a whole number up to 67108864, or a share such as 50%, not '0%'"),
        ({"memory": "101%"}, "not '101%'"),
        ({"memory": -1}, "memory must be"),
        ({"memory": 1.5}, "memory must be"),
        ({"memory": True}, "must be a number or a text, not true"),
        ({"lr_warmup": "5 %"}, "lr_warmup must be"),
        ({"schedule": "steps", "drops": "0"}, "drops must be steps or shares above 0"),
        ({"schedule": "steps", "drops": "10,,20"}, "drops must be"),
        ({"drops": "50%"}, "drops='50%' go with schedule=steps, not with cosine"),
        ({"memory_clear": True}, "memory_clear=true empties the memory at the drops of schedule=steps"),
        ({"patience": 3}, "patience=3 needs evaluations to wait for: give validate_every"),
        ({"batch_weight": 0, "memory": 0}, "batch_weight=0 leaves nothing to train with"),
        ({"memory_kind": "slots", "memory": 100}, "memory=100 would not count: memory_kind=slots"),
        ({"memory_kind": "fresh", "memory_dtype": "bfloat16"}, "memory_dtype=bfloat16 would not count"),
        ({"optimizer": "lamb"}, "optimizer must be 'adamw', 'adam' or 'sgd'"),
        ({"compile": "maybe"}, "compile must be true or false"),
        ({"warmup": 5}, "unknown setting 'warmup': did you mean 'lr_warmup'"),
        ({"nonsense": 5}, "unknown setting 'nonsense': weightlab train --help has all of them"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        TrainConfig.checked(settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_amounts() -> None:
    assert share_of("50%", 7) == 3
    assert [share_of(f"{percent}%", 100) for percent in (1, 7, 29, 57, 100)] == [1, 7, 29, 57, 100]
    assert steps_of("70%", 1000) == 700
    assert steps_of(12, 1000) == 12
    assert TrainConfig.checked({"memory": "4096"}).memory == 4096
    assert TrainConfig.checked({"memory": " 12.50% "}).memory == "12.5%"


def test_a_share_that_holds_no_batch_is_known_before_training() -> None:
    with pytest.raises(InputError, match="memory=5% of 120 training rows is 6: it must hold a batch of 16"):
        train(TrainConfig.checked(SMALL | {"memory": "5%"}), dataset=make_data())


def test_settings_from_files(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('learning_rate = 0.01\nmemory = "50%"\n')
    assert read_settings(path) == {"learning_rate": 0.01, "memory": "50%"}
    path.write_text("stps = 3\n")
    with pytest.raises(InputError, match=r"run.toml: unknown setting 'stps': did you mean 'steps'"):
        read_settings(path)
    path.write_text("steps = \n")
    with pytest.raises(InputError, match="TOML"):
        read_settings(path)
    with pytest.raises(InputError, match="no settings at"):
        read_settings(tmp_path / "none.toml")
    with pytest.raises(InputError, match="unknown preset 'xbn': known are xbm, xbm-sample"):
        preset("xbn")


def test_later_settings_stand_ahead() -> None:
    assert merged({"steps": 1, "seed": 2}, {}, {"steps": 3}) == {"steps": 3, "seed": 2}
    assert merged({"loss": "contrastive"}, {"negative": "constant"}) == {"negative": "constant"}
    assert merged({"positive": "linear", "scale": "mass"}, {"loss": "triplet"}) == {"loss": "triplet"}


def test_the_presets_are_the_references(tmp_path: Path) -> None:
    """FIELD.md's facts of the XBM paper and its sample file."""
    assert names() == ["xbm", "xbm-sample"]
    paper, sample = (TrainConfig.checked(preset(name)) for name in names())
    for config in (paper, sample):
        assert config.model == "timm:resnet50(pooling=max, pretrained=true)"
        assert (config.loss, config.optimizer, config.weight_decay) == ("contrastive", "adam", 5e-4)
        assert (config.batch, config.per_class, config.memory_start) == (64, 4, 1000)
        assert (config.batch_weight, config.memory_weight, config.momentum) == (1, 1, 0)
        assert (config.dimensions, config.size, config.augment) == (128, 224, "crop-flip")
    assert (paper.memory, sample.memory) == ("100%", 55_000)
    assert (paper.steps, sample.steps) == (34_000, 35_000)
    rates = {step: learning_rate(paper, step) for step in (0, 23_999, 24_000, 33_999)}
    assert rates == pytest.approx({0: 3e-4, 23_999: 3e-4, 24_000: 3e-5, 33_999: 3e-5})
    assert {learning_rate(sample, step) for step in (0, 20_000, 34_999)} == {1e-4}


def of_pairs(x: Tensor, labels: Tensor, references: Tensor, theirs: Tensor, own: Tensor) -> tuple[Tensor, int]:
    """The contrastive loss of the XBM paper (section 3.1) pair by pair, and how many positives it has."""
    total, positives = torch.zeros(()), 0
    for i in range(len(x)):
        for j in range(len(references)):
            s = x[i] @ references[j]
            if labels[i] == theirs[j] and j != own[i]:
                total, positives = total + (1 - s), positives + 1
            elif labels[i] != theirs[j] and s > 0.5:
                total = total + s
    return total / len(x), positives


def test_a_step_of_the_preset_is_the_papers() -> None:
    """Algorithm 1 of arXiv 1912.06798: the same gradient, and the same loss but for the number of positives, which
    each Σ (1 − S) has as a constant.
    """
    generator = torch.Generator().manual_seed(1)
    bank = wl.MemoryBank(96, 16)
    weighting = TrainConfig.checked(preset("xbm")).weighting()
    for _ in range(8):  # the bank wraps around at the sixth
        x = torch.nn.functional.normalize(torch.randn(16, 16, generator=generator), dim=1).requires_grad_()
        labels = torch.randint(5, (16,), generator=generator)
        own = bank.enqueue(x, labels)
        loss = wl.surrogate(weighting, x, labels) + wl.surrogate(weighting, x, labels, bank.references(labels, own))
        (found,) = torch.autograd.grad(loss, x)
        batch, first = of_pairs(x, labels, x, labels, torch.arange(16))
        memory, second = of_pairs(x, labels, bank.embeddings.clone(), bank.labels, own)
        (wanted,) = torch.autograd.grad(batch + memory, x)
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(loss + (first + second) / 16, batch + memory, rtol=1e-5, atol=1e-5)


def test_the_run_keeps_what_it_was_set_to(tmp_path: Path) -> None:
    config = TrainConfig.checked(SMALL | {"memory": "50%", "validate_every": 4})
    train(config, dataset=make_data(), out=tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (kept["memory"], kept["validate_every"], kept["lr_warmup"]) == ("50%", 4, "5%")


@pytest.mark.parametrize(
    ("options", "ages"),
    [
        ({"memory": 64, "momentum": 0.0}, {1}),
        ({"memory": 240, "momentum": 0.0}, {1, 10}),
        ({"memory_kind": "slots", "memory": "100%", "momentum": 0.0}, {1, 10}),
        ({"memory_kind": "fresh", "memory": 64}, set()),
        ({"memory": 0}, set()),
        ({"memory": 64, "memory_own": "positive"}, {1}),
    ],
)
def test_the_drift_of_each_kind_of_memory(options: dict[str, object], ages: set[int]) -> None:
    """A fresh memory has none; that of a linear encoder grows with age."""
    log: list[dict[str, float]] = []
    settings = SMALL | {"memory": 200, "memory_start": 0, "steps": 40, "record": 20, "schedule": "constant"} | options
    train(TrainConfig.checked(settings), dataset=make_data(40), log=lambda values, step: log.append(values))
    recorded = [values for values in log if "active_negatives" in values]
    assert len(recorded) == 2
    for values in recorded:
        drift = {int(name.removeprefix("drift_")): value for name, value in values.items() if "drift" in name}
        assert set(drift) <= ages
        assert values["positive_mass"] > 0
        if 10 in drift:
            assert drift[10] > drift[1] > 1e-6
    if options.get("memory_kind") == "slots":
        assert any("drift_10" in values for values in recorded)
