"""The training loop against the same loop in plain lines: dense pairs, autograd of the losses' formulas, lists."""

import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from weightlab import models
from weightlab.data import Dataset, Draw, PKSampler, Split
from weightlab.train import TrainConfig, train
from weightlab.train.state import TrainState

CLASSES, EACH = 12, 6
BASE = {
    "model": "cnn",
    "size": 8,
    "width": 2,
    "dimensions": 6,
    "steps": 30,
    "batch": 12,
    "per_class": 3,
    "memory": 40,
    "memory_start": 4,
    "momentum": 0.9,
    "learning_rate": 0.01,
    "lr_warmup": 5,
    "scale": "mass",
    "record": 0,
    "seed": 3,
}


@dataclass(frozen=True)
class Noisy:
    """Images that are seen through other noise at each step, in float64."""

    images: Tensor
    slow: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.images.shape[1:])

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        if draw is None:
            return self.images[index]
        noise = [torch.from_numpy(each.normal(size=self.shape)) for each in draw.generators(index.tolist())]
        return self.images[index] + 0.3 * torch.stack(noise)


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    """So that two ways of adding up differ by 1e-15 a step, which 30 steps don't make visible."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def make_data() -> Dataset:
    generator = torch.Generator().manual_seed(5)
    labels = torch.arange(CLASSES).repeat_interleave(EACH)
    centres = torch.randn(CLASSES, 1, 8, 8, generator=generator, dtype=torch.float64)
    images = centres[labels] + torch.randn(len(labels), 1, 8, 8, generator=generator, dtype=torch.float64)
    rows = Split(labels, Noisy(images))
    return Dataset("noisy", rows, rows)


def contrastive(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return (positive * (1 - s).relu() + negative * (s - 0.5).relu()).sum(1).mean()


def multi_similarity(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    pull = torch.log1p((positive * torch.exp(-2 * (s - 0.5))).sum(1)) / 2
    push = torch.log1p((negative * torch.exp(50 * (s - 0.5))).sum(1)) / 50
    return (pull + push).mean()


def triplet(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    violation = (s[:, None, :] - s[:, :, None] + 0.1).relu()
    return (violation * positive[:, :, None] * negative[:, None, :]).sum((1, 2)).mean()


def assigned(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Constant positives and negatives above 0.5; an anchor's weights of a sign sum to 1."""
    push = negative * (s > 0.5).double()
    push = push / push.sum(1, keepdim=True).clamp(min=1)
    pull = positive / positive.sum(1, keepdim=True).clamp(min=1)
    return ((push - pull).detach() * s).sum(1).mean()


def hardest(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """The three hardest negatives alone, and (1 − S)/2 of positives."""
    value, place = torch.where(negative > 0, s.detach(), -2).topk(3, dim=1)
    push = torch.zeros_like(s).scatter(1, place, (value > -2).double())
    return ((push - positive * (1 - s) / 2).detach() * s).sum(1).mean()


FORMULAS: dict[str, tuple[dict[str, Any], Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "contrastive": ({"loss": "contrastive", "scale": "raw"}, contrastive),
    "ms-loss": ({"loss": "ms-loss", "scale": "raw"}, multi_similarity),
    "triplet": ({"loss": "triplet", "scale": "raw"}, triplet),
    "assigned": ({"negative": "step(0.5)"}, assigned),
    "hardest": ({"positive": "linear", "negative": "top(3)", "scale": "raw"}, hardest),
}


def plain_loop(
    config: TrainConfig, dataset: Dataset, formula: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> tuple[nn.Module, nn.Module, list[tuple[Tensor, int]]]:
    """The encoder, the momentum encoder, and the memory's entries, (key, label), the oldest first."""
    rows = dataset.train
    sampler = PKSampler(rows.labels, config.batch, config.per_class, config.seed)
    model = models.build("cnn", shape=(1, 8, 8), width=2, dimensions=6, seed=config.seed).train()
    slow = deepcopy(model)
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}[config.optimizer]
    named: dict[str, Any] = {"momentum": 0.9} if config.optimizer == "sgd" else {}
    optimizer = kind(model.parameters(), lr=1.0, weight_decay=config.weight_decay, **named)
    entries: list[dict[str, Any]] = []
    for step in range(config.steps):
        index = sampler.batch_at(step)
        inputs, labels = rows.inputs(index, Draw(config.seed, step)), rows.labels[index]
        x = model(inputs)
        same = (labels[:, None] == labels).double()
        loss = config.batch_weight * formula(x @ x.T, same - torch.eye(len(x)), 1 - same)
        if config.memory and step >= config.memory_start:
            if config.memory_clear and step in (15, 21):
                entries = []
            keys = (slow(inputs) if config.momentum else x).detach().float()
            if config.memory_dtype == "bfloat16":
                keys = keys.bfloat16()
            for row, image, key, label in zip(index.tolist(), inputs, keys, labels.tolist(), strict=True):
                entry = {"row": row, "image": image, "key": key.double(), "label": label, "step": step}
                if config.memory_kind == "slots":
                    where = next((n for n, each in enumerate(entries) if each["row"] == row), len(entries))
                    entries[where : where + 1] = [entry]
                else:
                    entries.append(entry)
            entries = entries if config.memory_kind == "slots" else entries[-int(config.memory) :]
            if config.memory_kind == "fresh":
                encoder = deepcopy(slow if config.momentum else model)  # of which batch norm's statistics may move
                for came in sorted({each["step"] for each in entries}):
                    whole = rows.inputs(sampler.batch_at(came), Draw(config.seed, came))
                    embedded = encoder(whole).detach()
                    of_it = [each for each in entries if each["step"] == came]
                    for each, key in zip(of_it, embedded[-len(of_it) :], strict=True):
                        each["key"] = key
            bank = torch.stack([each["key"] for each in entries])
            same = (labels[:, None] == torch.tensor([each["label"] for each in entries])).double()
            own = torch.tensor(
                [[each["row"] == row and each["step"] == step for each in entries] for row in index.tolist()]
            ).double()
            positive = same if config.memory_own == "positive" else same * (1 - own)
            loss = loss + config.memory_weight * formula(x @ bank.T, positive, 1 - same)
        rate = config.learning_rate * min(1, (step + 1) / 5)
        if config.schedule == "cosine" and step >= 5:
            rate *= (1 + math.cos(math.pi * (step - 5) / 25)) / 2
        if config.schedule == "steps":
            rate *= 0.1 ** ((step >= 15) + (step >= 21))
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss.backward()
        if config.clip:
            norm = math.sqrt(sum(float((each.grad**2).sum()) for each in model.parameters()))  # type: ignore[operator]
            for each in model.parameters():
                each.grad *= min(1.0, config.clip / (norm + 1e-6))  # type: ignore[operator]
        optimizer.step()
        with torch.no_grad():
            for its, new in zip(slow.parameters(), model.parameters(), strict=True):
                its.copy_(new if step == 0 else config.momentum * its + (1 - config.momentum) * new)
            for its, new in zip(slow.buffers(), model.buffers(), strict=True):
                its.copy_(new)
    return model, slow, [(each["key"], each["label"]) for each in entries]


def trained(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> TrainState:
    states: list[TrainState] = []
    start = TrainState.start

    def kept(*given: object, **named: object) -> TrainState:
        states.append(start(*given, **named))
        return states[-1]

    monkeypatch.setattr(TrainState, "start", kept)
    train(config, dataset=make_data())
    return states[0]


CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in FORMULAS),
    *((name, {"memory": 0}) for name in FORMULAS),
    ("assigned", {"momentum": 0.0}),
    ("contrastive", {"momentum": 0.0, "memory_own": "positive"}),
    ("assigned", {"memory_kind": "slots", "memory": "100%"}),
    ("ms-loss", {"memory_kind": "slots", "memory": "100%", "momentum": 0.0}),
    ("assigned", {"memory_kind": "fresh"}),
    ("hardest", {"memory_kind": "fresh", "momentum": 0.0, "memory": 24}),
    ("assigned", {"memory": "50%", "memory_start": 0}),
    ("triplet", {"memory": 12, "memory_start": 1}),
    ("assigned", {"memory_own": "positive"}),
    ("assigned", {"memory_dtype": "bfloat16"}),
    ("assigned", {"memory_kind": "slots", "memory": "100%", "memory_dtype": "bfloat16", "memory_own": "positive"}),
    ("assigned", {"schedule": "steps", "drops": "50%,21", "memory_clear": True}),
    ("assigned", {"schedule": "steps", "drops": "15,70%"}),
    ("assigned", {"schedule": "constant"}),
    ("assigned", {"optimizer": "adam", "weight_decay": 0.1}),
    ("assigned", {"optimizer": "adamw", "weight_decay": 0.1}),
    ("assigned", {"optimizer": "sgd", "weight_decay": 0.1, "learning_rate": 0.1}),
    ("assigned", {"clip": 0.05}),
    ("assigned", {"batch_weight": 0.25, "memory_weight": 3.0}),
    ("assigned", {"batch_weight": 0.0}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_loop_is_the_plain_one(name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """After 30 steps the same encoder, momentum encoder and memory, beyond the memory's start and its wrap-around."""
    weighting, formula = FORMULAS[name]
    config = TrainConfig.checked(BASE | weighting | options)
    state = trained(config, monkeypatch)
    wanted = config.model_copy(update={"memory": 36}) if config.memory == "50%" else config
    model, slow, entries = plain_loop(wanted, make_data(), formula)
    for own, new in zip(state.model.state_dict().values(), model.state_dict().values(), strict=True):
        torch.testing.assert_close(own, new, rtol=1e-5, atol=1e-7)
    if config.momentum and config.memory:
        assert state.momentum is not None
        for its, new in zip(state.momentum.module.state_dict().values(), slow.state_dict().values(), strict=True):
            torch.testing.assert_close(its, new, rtol=1e-5, atol=1e-7)
    if config.memory and config.memory_kind != "fresh":
        assert state.bank is not None
        bank = state.bank.state()
        count = len(entries)
        first = int(bank["seen"]) % count if config.memory_kind == "queue" else 0  # of a ring that has wrapped around
        order = [(first + number) % count for number in range(count)]
        assert bank["labels"][order].tolist() == [label for _, label in entries]
        keys = torch.stack([key for key, _ in entries])
        rounding = 1e-2 if config.memory_dtype == "bfloat16" else 1e-6
        torch.testing.assert_close(bank["embeddings"][order].double(), keys, rtol=1e-5, atol=rounding)


def test_these_options_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two of the cases end with the same encoder: none of the options is without effect."""
    ends = []
    for name, options in CASES:
        state = trained(TrainConfig.checked(BASE | FORMULAS[name][0] | options | {"steps": 25}), monkeypatch)
        ends.append(torch.cat([each.detach().flatten() for each in state.model.parameters()]))
    apart = torch.cdist(torch.stack(ends), torch.stack(ends)) + torch.eye(len(ends))
    same = (apart < 1e-9).nonzero()
    assert [(CASES[i], CASES[j]) for i, j in same.tolist() if i < j] == []


def test_validation_changes_nothing_of_the_training() -> None:
    """An encoder that was left in evaluation mode would go on with its running means."""
    histories: list[list[float]] = [[], []]
    for every, history in zip((30, 4), histories, strict=True):
        config = TrainConfig.checked(BASE | {"validate_every": every})
        train(config, dataset=make_data(), on_step=lambda _, loss, to=history: to.append(loss))
    assert histories[0] == histories[1]
