"""What an optimiser remembers, put away and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from weightlab.train import moments

Make = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
MAKERS: dict[str, Make] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, fused=True),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
}


def parameters() -> list[nn.Parameter]:
    """A convolution's weight in channels_last, a vector, and one that no loss reaches."""
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 3, 2, 2, generator=random).contiguous(memory_format=torch.channels_last)
    return [nn.Parameter(weight), nn.Parameter(torch.randn(5, generator=random)), nn.Parameter(torch.zeros(2))]


def step(optimizer: torch.optim.Optimizer, number: int) -> None:
    random = torch.Generator().manual_seed(number)
    for each in optimizer.param_groups[0]["params"][:2]:
        each.grad = torch.empty_like(each).copy_(torch.randn(each.shape, generator=random))
    optimizer.step()


def put_away(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """As a file has it: in the order of its indices."""
    return {
        name: value.clone(memory_format=torch.contiguous_format) for name, value in moments.named(optimizer).items()
    }


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_it_goes_on_bit_for_bit(make: Make) -> None:
    whole, part = parameters(), parameters()
    one, other = make(whole), make(part)
    for number in range(3):
        step(one, number)
        step(other, number)
    fresh = make(part)
    moments.load(fresh, put_away(other), 3)
    for number in range(3, 6):
        step(one, number)
        step(fresh, number)
    assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=True))
    assert moments.named(one)["numbers"].tolist() == ([] if make is MAKERS["sgd"] else [0, 1])


def test_what_is_loaded_is_a_copy() -> None:
    optimizer = MAKERS["adam"](parameters())
    step(optimizer, 0)
    away = put_away(optimizer)
    before = {name: value.clone() for name, value in away.items()}
    moments.load(optimizer, away, 1)
    step(optimizer, 1)
    assert all(torch.equal(away[name], before[name]) for name in before)


def test_before_the_first_step_there_is_nothing() -> None:
    optimizer = MAKERS["adamw"](parameters())
    moments.load(optimizer, put_away(optimizer), 0)
    with pytest.raises(ValueError, match="nothing of the optimiser at step 1"):
        moments.load(optimizer, put_away(optimizer), 1)


def test_another_optimisers_are_refused() -> None:
    one, other = MAKERS["adam"](parameters()), MAKERS["momentum"](parameters())
    step(one, 0)
    with pytest.raises(ValueError, match=r"the optimiser's 0.exp_avg is not of this run"):
        moments.load(other, put_away(one), 1)
    with pytest.raises(KeyError, match="numbers"):
        moments.load(other, {}, 1)
    away = put_away(one)
    away["numbers"] = torch.tensor([0, 1, 7])
    with pytest.raises(ValueError, match=r"the optimiser's 7.exp_avg is missing"):
        moments.load(one, away, 1)
    away |= {f"7.{name}": away[f"1.{name}"] for name in ("step", "exp_avg", "exp_avg_sq")}
    with pytest.raises(ValueError, match="parameter 7 of 3"):
        moments.load(one, away, 1)
