"""What an optimiser remembers of the steps before, as named tensors that are taken back whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["load", "named"]

_NUMBERS = "numbers"


def named(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments of each parameter as "3.exp_avg", and the numbers of the parameters that have any, int64 [n].

    A parameter that no loss has reached has none.
    """
    moments = {number: _tensors(every) for number, every in optimizer.state_dict()["state"].items()}
    found = {f"{number}.{name}": value for number, every in moments.items() for name, value in every.items()}
    found[_NUMBERS] = torch.tensor(sorted(number for number, every in moments.items() if every), dtype=torch.int64)
    return found


def load(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], steps: int) -> None:
    """Take back what `named` gave after so many steps; they are copied.

    Raises KeyError or ValueError where one is missing, left over or of another shape: torch itself would go on without.
    """
    numbers, parameters = tensors[_NUMBERS].tolist(), [each for g in optimizer.param_groups for each in g["params"]]
    kept = _kept(optimizer)
    expected = {f"{number}.{name}" for number in numbers for name in kept} | {_NUMBERS}
    if wrong := sorted(expected ^ tensors.keys()):
        raise ValueError(f"the optimiser's {wrong[0]} is {'missing' if wrong[0] in expected else 'not of this run'}")
    if steps and kept and not numbers:
        raise ValueError(f"nothing of the optimiser at step {steps}")
    if numbers and not 0 <= min(numbers) <= max(numbers) < len(parameters):
        raise ValueError(f"the optimiser's parameter {max(numbers)} of {len(parameters)}")
    state = {number: {name: tensors[f"{number}.{name}"] for name in kept} for number in numbers}
    for number, moments in state.items():
        for name, value in moments.items():
            like = torch.empty(()) if name == "step" else parameters[number]
            if value.shape != like.shape:
                raise ValueError(f"the optimiser's {number}.{name} is {list(value.shape)}, not {list(like.shape)}")
            # in the parameter's order in memory, which a file does not keep: fused optimisers take both to be the same
            moments[name] = torch.empty_like(like, dtype=value.dtype).copy_(value)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _tensors(moments: Mapping[str, object]) -> dict[str, Tensor]:
    return {name: value for name, value in moments.items() if isinstance(value, Tensor)}


def _kept(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    """The names of what it keeps of each parameter that it has moved."""
    if isinstance(optimizer, torch.optim.SGD):
        return ("momentum_buffer",) if any(group["momentum"] for group in optimizer.param_groups) else ()
    return ("step", "exp_avg", "exp_avg_sq")
