"""Everything that changes while a run trains, and so all that a checkpoint holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn

from weightlab import models
from weightlab.memory import MemoryBank, momentum_encoder
from weightlab.memory.momentum import MomentumEncoder
from weightlab.train import moments
from weightlab.train.config import TrainConfig

__all__ = ["TrainState"]


@dataclass
class TrainState:
    """All that a training run needs to go on.

    model: the encoder.
    optimizer: of the encoder.
    momentum: the momentum encoder, or None where the memory is plain or absent.
    bank: the memory, or None where there is none.
    step: how many are done.
    history: the surrogate's value at each of them.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    momentum: MomentumEncoder | None
    bank: MemoryBank | None
    step: int = 0
    history: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, config: TrainConfig, shape: Sequence[int], *, bare: bool = False) -> Self:
        """The state before the first step; shape: of one row's input; bare: of what a later state is loaded into."""
        model = models.build(
            config.model,
            shape=shape,
            width=config.width,
            dimensions=config.dimensions,
            seed=config.seed,
            bare=bare,
        )
        optimizer = torch.optim.AdamW(models.groups(model), lr=config.learning_rate, weight_decay=1e-4, fused=True)
        use_momentum = config.memory > 0 and config.momentum > 0
        return cls(
            model=model,
            optimizer=optimizer,
            momentum=momentum_encoder(model, config.momentum) if use_momentum else None,
            bank=MemoryBank(config.memory, config.dimensions) if config.memory else None,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The whole state as named tensors."""
        parts: dict[str, dict[str, Any]] = {"model": self.model.state_dict()}
        parts["optimizer"] = moments.named(self.optimizer)
        if self.momentum is not None:
            parts["momentum"] = self.momentum.state_dict()
        if self.bank is not None:
            parts["bank"] = self.bank.state()
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
            self.bank.restore(_part(tensors, "bank"))
        self.step, self.history = int(tensors["run.step"]), tensors["run.history"].tolist()
        if not 0 <= self.step == len(self.history):
            raise ValueError(f"step {self.step} with a history of {len(self.history)}")


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
