"""What a run found on held-out classes: its history, the best encoder so far, and whether to stop."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import Tensor, nn

__all__ = ["SCORE", "Validations"]

SCORE = "R@1"  # by which an encoder is the best; of equal ones the first


@dataclass
class Validations:
    """The evaluations so far.

    steps: how many steps were done at each.
    metrics: what was found then.
    best: the tensors of the encoder with the highest R@1; empty before the first.
    """

    steps: list[int] = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def best_at(self) -> int:
        """Which evaluation found the highest R@1, the first of equal ones; −1 before any."""
        scores = [each[SCORE] for each in self.metrics]
        return scores.index(max(scores)) if scores else -1

    @property
    def best_step(self) -> int | None:
        """After how many steps that was."""
        return self.steps[self.best_at] if self.steps else None

    def add(self, step: int, metrics: dict[str, float], model: nn.Module) -> None:
        """One more, of the encoder as it is now."""
        self.steps.append(step)
        self.metrics.append(metrics)
        if self.best_at == len(self.steps) - 1:
            self.best = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def are_over(self, patience: int) -> bool:
        """Whether the last `patience` of them, if any, found nothing better."""
        return patience > 0 and len(self.steps) - 1 - self.best_at >= patience

    def frame(self) -> pd.DataFrame:
        """A row each: step, and its metrics."""
        return pd.DataFrame([{"step": step, **found} for step, found in zip(self.steps, self.metrics, strict=True)])

    def tensors(self) -> dict[str, Tensor]:
        """All of it as named tensors."""
        named = {f"best.{name}": tensor for name, tensor in self.best.items()}
        named["steps"] = torch.tensor(self.steps, dtype=torch.int64)
        for name in self.metrics[0] if self.metrics else ():
            named[f"metric.{name}"] = torch.tensor([each[name] for each in self.metrics], dtype=torch.float64)
        return named

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Become what they say. Raises KeyError or ValueError where they don't fit one another."""
        steps: list[int] = tensors["steps"].tolist()
        columns = _part(tensors, "metric.")
        if any(len(column) != len(steps) for column in columns.values()) or bool(steps) != (SCORE in columns):
            raise ValueError("validations that don't fit one another")
        found = {name: column.tolist() for name, column in columns.items()}
        self.metrics = [{name: values[row] for name, values in found.items()} for row in range(len(steps))]
        self.steps = steps
        self.best = {name: tensor.clone() for name, tensor in _part(tensors, "best.").items()}
        if bool(self.best) != bool(steps):
            raise ValueError("validations without the best encoder")


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
