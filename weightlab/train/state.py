"""Everything that changes while a run trains, and so all that a checkpoint holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from weightlab import models
from weightlab.memory import momentum_encoder
from weightlab.memory.momentum import MomentumEncoder
from weightlab.train import moments
from weightlab.train.config import TrainConfig
from weightlab.train.device import device_of
from weightlab.train.memory import Memory, memory_of
from weightlab.train.recording import Records
from weightlab.train.validations import Validations

__all__ = ["TrainState"]

_MOMENTUM = 0.9  # of SGD


@dataclass
class TrainState:
    """All that a training run needs to go on.

    model: the encoder.
    optimizer: of the encoder.
    momentum: the momentum encoder, or None where the memory is plain or absent.
    bank: the memory, or None where there is none.
    device: where they are.
    step: how many are done.
    history: the surrogate's value at each of them.
    validations: what was found on held-out classes, and the best encoder by it.
    records: what the weights did at some of them.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    momentum: MomentumEncoder | None
    bank: Memory | None
    device: torch.device
    step: int = 0
    history: list[float] = field(default_factory=list)
    validations: Validations = field(default_factory=Validations)
    records: Records = field(default_factory=Records)

    @classmethod
    def start(cls, config: TrainConfig, shape: Sequence[int], rows: int, *, bare: bool = False) -> Self:
        """The state before the first step.

        shape: of one row's input; rows: to train on; bare: of what a later state is loaded into.
        """
        device = device_of(config.device)
        model = models.build(
            config.model,
            shape=shape,
            width=config.width,
            dimensions=config.dimensions,
            seed=config.seed,
            bare=bare,
        ).to(device)
        use_momentum = config.memory != 0 and config.momentum > 0
        return cls(
            model=model,
            optimizer=_optimizer(config, model),
            momentum=momentum_encoder(model, config.momentum) if use_momentum else None,
            bank=memory_of(config, rows, device),
            device=device,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The whole state as named tensors."""
        parts: dict[str, dict[str, Any]] = {"model": self.model.state_dict()}
        parts["optimizer"] = moments.named(self.optimizer)
        if self.momentum is not None:
            parts["momentum"] = self.momentum.state_dict()
        if self.bank is not None:
            parts["bank"] = self.bank.state()
        parts["validations"] = self.validations.tensors()
        parts["records"] = self.records.tensors()
        named = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
        named["run.step"] = torch.tensor(self.step)
        named["run.history"] = torch.tensor(self.history, dtype=torch.float64)
        return named

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Become the state that `tensors` says; KeyError, RuntimeError or ValueError where they are of another run."""
        self.model.load_state_dict(_part(tensors, "model"))
        moments.load(self.optimizer, _part(tensors, "optimizer"), int(tensors["run.step"]))
        if self.momentum is not None:
            self.momentum.load_state_dict(_part(tensors, "momentum"))
        if self.bank is not None:
            self.bank.restore({name: value.to(self.device) for name, value in _part(tensors, "bank").items()})
        self.validations.load(_part(tensors, "validations"))
        self.records.load(_part(tensors, "records"))
        self.step, self.history = int(tensors["run.step"]), tensors["run.history"].tolist()
        if not 0 <= self.step == len(self.history):
            raise ValueError(f"step {self.step} with a history of {len(self.history)}")
        for what, steps in (("records", self.records.steps), ("validations", self.validations.steps)):
            if steps[-1:] > [self.step]:
                raise ValueError(f"step {self.step} with {what} of step {steps[-1]}")


def _optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    groups, rate, decay = models.groups(model), config.learning_rate, config.weight_decay
    match config.optimizer:  # fused: a third of the time where the encoder is small
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, weight_decay=decay, fused=True)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, weight_decay=decay, fused=True)
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, weight_decay=decay, momentum=_MOMENTUM, fused=True)


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
