from __future__ import annotations

from collections import deque

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weightlab import InputError
from weightlab.memory import MemoryBank, momentum_encoder


@settings(max_examples=50, deadline=None)
@given(capacity=st.integers(5, 20), batches=st.lists(st.integers(1, 5), max_size=20))
def test_bank_is_a_queue(capacity: int, batches: list[int]) -> None:
    bank, queue = MemoryBank(capacity, 3), deque[int](maxlen=capacity)
    number = 0
    for batch in batches:
        labels = torch.arange(number, number + batch)
        embeddings = labels[:, None].float().expand(-1, 3)
        slots = bank.enqueue(embeddings, labels)
        queue.extend(labels.tolist())
        number += batch
        assert torch.equal(bank.labels[slots], labels)
        assert torch.equal(bank.embeddings[slots], embeddings)
    assert sorted(bank.labels.tolist()) == sorted(queue)
    assert len(bank) == len(queue)
    assert torch.equal(bank.embeddings[:, 0], bank.labels.float())


def test_state_is_taken_back() -> None:
    bank, other = MemoryBank(4, 2), MemoryBank(4, 2)
    bank.enqueue(torch.ones(3, 2), torch.tensor([1, 2, 3]))
    other.restore(bank.state())
    for each in (bank, other):
        each.enqueue(torch.zeros(2, 2), torch.tensor([4, 5]))
    assert torch.equal(bank.labels, other.labels)
    assert other.labels.tolist() == [5, 2, 3, 4]
    with pytest.raises(InputError, match="snapshot"):
        MemoryBank(5, 2).restore(bank.state())


def test_stored_entries_carry_no_gradient_and_are_copies() -> None:
    bank = MemoryBank(4, 2)
    embeddings = torch.ones(2, 2, requires_grad=True)
    bank.enqueue(embeddings, torch.tensor([0, 1]))
    assert not bank.embeddings.requires_grad
    with torch.no_grad():
        embeddings += 1
    assert bank.embeddings.max() == 1


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (torch.ones(2, 3), torch.tensor([0, 1]), r"holds \[n, 2\]"),
        (torch.ones(2, 2), torch.tensor([0]), "as many labels"),
        (torch.ones(5, 2), torch.arange(5), "does not fit"),
    ],
)
def test_wrong_batches(embeddings: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryBank(4, 2).enqueue(embeddings, labels)
    with pytest.raises(InputError, match="capacity"):
        MemoryBank(0, 2)


def test_momentum_encoder_is_the_moving_average() -> None:
    encoder = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    slow = momentum_encoder(encoder, 0.9)
    slow.update_parameters(encoder)
    first = encoder[0].weight.detach().clone()
    with torch.no_grad():
        encoder[0].weight.add_(1)
        encoder[1].running_mean.add_(3)  # type: ignore[operator, union-attr]
    slow.update_parameters(encoder)
    assert torch.allclose(slow.module[0].weight, 0.9 * first + 0.1 * (first + 1))
    assert torch.equal(slow.module[1].running_mean, encoder[1].running_mean)  # type: ignore[arg-type]
    assert not any(parameter.requires_grad for parameter in slow.parameters())
    with pytest.raises(InputError, match="momentum"):
        momentum_encoder(encoder, 1.0)
