"""The drift of the memory against one that is computed from every encoder and every batch that there was."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from weightlab.memory import MemoryBank
from weightlab.train.drift import drifts, in_ring, in_slots

BATCH, SIZE, WIDTH = 6, 5, 16


class Noisy(nn.Module):
    """Normalises over the batch, draws, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(SIZE, WIDTH), nn.BatchNorm1d(WIDTH), nn.Dropout(0.2))
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return normalize(self.layers(inputs), dim=1)


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(SIZE, WIDTH), nn.Tanh())


def inputs_at(step: int, most: int | None = None) -> Tensor:
    return torch.randn(BATCH, SIZE, generator=torch.Generator().manual_seed(step))[:most]


def after(encoder: nn.Module, capacity: int, steps: int, begin: int = 0) -> tuple[nn.Module, MemoryBank, Tensor]:
    """So many steps: what goes in at step n, before the encoder moves on, is the encoder of n updates of batch n."""
    bank, own = MemoryBank(capacity, WIDTH), torch.empty(0)
    with torch.no_grad():
        for step in range(steps):
            if step >= begin:
                own = bank.enqueue(normalize(encoder(inputs_at(step)), dim=1), torch.arange(BATCH))
            for number, parameter in enumerate(encoder.parameters()):
                shift = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1000 * step + number))
                parameter += 0.05 * shift
    return encoder, bank, own


def by_hand(steps: int, ages: list[int], rows: Callable[[int], slice]) -> dict[int, tuple[float, int]]:
    """Each age anew: an encoder that is brought to where it stored the batch, and on to the end."""
    torch.manual_seed(0)
    first, found = plain(), {}
    now = after(copy.deepcopy(first), 100, steps)[0]
    for age in ages:
        then = after(copy.deepcopy(first), 100, steps - age)[0]
        with torch.no_grad():
            a, b = (normalize(each(inputs_at(steps - age)).double(), dim=1)[rows(age)] for each in (now, then))
        found[age] = float(1 - (a * b).sum(1).mean()), len(a)
    return found


@pytest.mark.parametrize(
    ("capacity", "begin", "ages"),
    [
        (1000, 0, [1, 10, 100]),
        (606, 0, [1, 10, 100]),  # begins anew at a batch's end
        (605, 0, [1, 10, 100]),  # slots of a batch lie at both ends
        (599, 0, [1, 10, 100]),  # the first row of the batch of 100 steps ago was overwritten
        (60, 0, [1, 10]),
        (59, 0, [1, 10]),
        (1000, 60, [1, 10]),  # it began 63 steps ago
    ],
)
def test_it_is_that_of_the_encoders_there_were(capacity: int, begin: int, ages: list[int]) -> None:
    torch.manual_seed(0)
    encoder, bank, own = after(plain(), capacity, 123, begin)
    found = drifts(123, encoder=encoder, inputs_at=inputs_at, held=in_ring(bank, own))
    expected = by_hand(123, ages, lambda age: slice(max(0, BATCH * age - capacity), None))
    assert found.keys() == expected.keys()
    for age, (value, count) in expected.items():
        assert found[age] == (pytest.approx(value, rel=1e-4, abs=1e-7), count)
    values = [value for value, _ in found.values()]
    assert values == sorted(values)
    assert values[0] > 1e-4


def test_the_oldest_rows_are_missing_first() -> None:
    torch.manual_seed(0)
    _, bank, own = after(plain(), 59, 123)
    rows, stored = in_ring(bank, own)(10)
    assert rows.tolist() == [1, 2, 3, 4, 5]
    assert torch.equal(in_ring(bank, own)(1)[1], bank.embeddings[own])
    assert [len(part) for part in in_ring(bank, own)(11)] == [0, 0]
    assert stored.shape == (5, WIDTH)


@pytest.mark.parametrize("slow", [False, True])
def test_nothing_of_the_encoder_changes(slow: bool) -> None:
    torch.manual_seed(0)
    encoder, bank, own = after(Noisy().train(), 200, 20)
    before, state = copy.deepcopy(encoder.state_dict()), torch.get_rng_state()
    first = drifts(20, encoder=encoder, inputs_at=inputs_at, held=in_ring(bank, own), slow=slow)
    torch.rand(3)
    again = drifts(20, encoder=encoder, inputs_at=inputs_at, held=in_ring(bank, own), slow=slow)
    assert first == again  # what it draws is a function of the step
    assert all(torch.equal(encoder.state_dict()[name], value) for name, value in before.items())
    assert int(encoder.calls) == 20
    assert all(module.training for module in encoder.modules())
    torch.set_rng_state(state)
    drifts(20, encoder=encoder, inputs_at=inputs_at, held=in_ring(bank, own), slow=slow)
    assert torch.equal(torch.get_rng_state(), state)


def test_slow_inputs_are_few_unless_they_are_normalised_together() -> None:
    asked: list[tuple[int, int | None]] = []

    def asking(step: int, most: int | None) -> Tensor:
        asked.append((step, most))
        return inputs_at(step, most)

    torch.manual_seed(0)
    encoder, bank, own = after(plain(), 200, 20)
    found = drifts(20, encoder=encoder, inputs_at=asking, held=in_ring(bank, own), slow=True)
    assert asked == [(19, 16), (10, 16)]
    assert found == drifts(20, encoder=encoder, inputs_at=inputs_at, held=in_ring(bank, own))  # 6 rows are all
    encoder, bank, own = after(Noisy(), 200, 20)
    turns = [
        drifts(20, encoder=encoder, inputs_at=asking, held=in_ring(bank, own), slow=True, turn=turn)
        for turn in range(3)
    ]
    assert asked[2:] == [(19, None), (10, None), (19, None)]
    assert [list(turn) for turn in turns] == [[1], [10], [1]]
    asked.clear()
    drifts(20, encoder=encoder.eval(), inputs_at=asking, held=in_ring(bank, own), slow=True)
    assert asked == [(19, 16), (10, 16)]  # by running means each is embedded for itself


def test_a_slot_is_as_old_as_its_last_entry() -> None:
    """Of 9 rows, in batches of which each has the first row twice, written out as a dictionary."""

    def rows_at(step: int) -> Tensor:
        rows = torch.randperm(9, generator=torch.Generator().manual_seed(step))[:BATCH]
        return torch.cat([rows[: BATCH - 1], rows[:1]])

    kept: dict[int, tuple[int, Tensor]] = {}
    for step in range(30):
        for row, embedding in zip(rows_at(step).tolist(), normalize(inputs_at(step), dim=1), strict=True):
            kept[row] = step, embedding
    order = [4, 0, 8, 2, 6, 1, 7, 3, 5]
    assert kept.keys() == set(order)
    place = torch.tensor([order.index(row) for row in range(9)])
    stamp = torch.tensor([kept[row][0] for row in range(9)])
    held = in_slots(torch.stack([kept[row][1] for row in order]), place, stamp, rows_at, 30)
    ages = set()
    for age in range(1, 31):
        numbers, stored = held(age)
        rows = rows_at(30 - age)[numbers].tolist()
        assert sorted(rows) == sorted(row for row, (step, _) in kept.items() if step == 30 - age)
        assert torch.equal(stored, normalize(inputs_at(30 - age), dim=1)[numbers])
        ages |= {age} if rows else set()
    assert len(ages) > 2
    found = drifts(30, encoder=nn.Identity(), inputs_at=inputs_at, held=held)
    assert found[1] == (pytest.approx(0, abs=1e-12), BATCH - 1)  # the first of the batch came again at its end
