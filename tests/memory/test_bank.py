from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import normalize

from weightlab import InputError
from weightlab.memory import MemoryBank, momentum_encoder

LABELS = st.sampled_from([-(2**63), -1, 0, 1, 7, 2**63 - 1])
DTYPES = [torch.float32, torch.bfloat16]
BITS = 16  # of an entry's number, a dimension each


def embedding_of(entries: list[int]) -> Tensor:
    """Each entry's number in bits, written as ±1/4: of length 1, and held exactly by bfloat16."""
    numbers = torch.tensor(entries, dtype=torch.int64).reshape(-1, 1)
    return (numbers >> torch.arange(BITS) & 1).float() / 2 - 0.25


def entry_of(embeddings: Tensor) -> list[int]:
    numbers = ((embeddings > 0) << torch.arange(BITS)).sum(1).tolist()
    assert torch.equal(embeddings.float(), embedding_of(numbers))
    return numbers


def same(state: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return state.keys() == other.keys() and all(torch.equal(state[name], other[name]) for name in state)


class BankAgainstDeque(RuleBasedStateMachine):
    """Every operation in any order; the model is a deque of (entry, label), the oldest first."""

    @initialize(capacity=st.integers(1, 9), dtype=st.sampled_from(DTYPES))
    def start(self, capacity: int, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.bank = MemoryBank(capacity, BITS, dtype=dtype)
        self.model: deque[tuple[int, int]] = deque(maxlen=capacity)
        self.entries = 0
        self.snapshots: list[tuple[dict[str, Tensor], deque[tuple[int, int]]]] = []

    @rule(data=st.data())
    def enqueue(self, data: st.DataObject) -> None:
        labels = data.draw(st.lists(LABELS, max_size=self.bank.capacity))
        entries = list(range(self.entries, self.entries + len(labels)))
        self.entries += len(labels)
        slots = self.bank.enqueue(embedding_of(entries), torch.tensor(labels, dtype=torch.int64))
        self.model.extend(zip(entries, labels, strict=True))
        assert slots.dtype == torch.int64
        assert entry_of(self.bank.embeddings[slots]) == entries
        assert self.bank.labels[slots].tolist() == labels

    @rule()
    def snapshot(self) -> None:
        self.snapshots.append((self.bank.state(), self.model.copy()))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), fresh=st.booleans())
    def restore(self, data: st.DataObject, fresh: bool) -> None:
        state, model = data.draw(st.sampled_from(self.snapshots))
        if fresh:
            self.bank = MemoryBank(self.bank.capacity, BITS, dtype=self.dtype)
        self.bank.restore(state)
        self.model = model.copy()

    @rule(data=st.data(), scale=st.sampled_from([0.0, 0.5, 2.0, float("nan"), float("inf")]))
    def refuse(self, data: st.DataObject, scale: float) -> None:
        """The invariant says that nothing changed."""
        size = data.draw(st.integers(1, self.bank.capacity))
        embeddings, state = embedding_of(list(range(size))), self.bank.state()
        embeddings[data.draw(st.integers(0, size - 1))] *= scale
        with pytest.raises(InputError, match=r"NaN or infinity|away from 1"):
            self.bank.enqueue(embeddings, torch.arange(size))
        state["embeddings"] *= scale
        if len(self.bank):
            with pytest.raises(InputError, match="the snapshot's embeddings"):
                self.bank.restore(state)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        found = dict(zip(entry_of(self.bank.embeddings), self.bank.labels.tolist(), strict=True))
        assert found == dict(self.model)
        assert len(self.bank) == len(self.model)
        assert self.bank.capacity == self.model.maxlen
        assert self.bank.embeddings.dtype == self.dtype

    @rule(labels=st.lists(LABELS | st.integers(-3, 3), max_size=6))
    def slots_of(self, labels: list[int]) -> None:
        query = torch.tensor(labels, dtype=torch.int64)
        row, slot = self.bank.slots_of(query)
        assert row.dtype == slot.dtype == torch.int64
        brute = (query[:, None] == self.bank.labels[None, :]).nonzero()
        assert sorted(zip(row.tolist(), slot.tolist(), strict=True)) == sorted(map(tuple, brute.tolist()))
        by_age = [(at, entry) for at, label in enumerate(labels) for entry, its in self.model if its == label]
        assert list(zip(row.tolist(), entry_of(self.bank.embeddings[slot]), strict=True)) == by_age


TestBankAgainstDeque = BankAgainstDeque.TestCase
TestBankAgainstDeque.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@settings(max_examples=50, deadline=None)
@given(capacity=st.integers(5, 20), batches=st.lists(st.integers(1, 5), max_size=20))
def test_bank_is_a_queue(capacity: int, batches: list[int]) -> None:
    bank, queue = MemoryBank(capacity, BITS), deque[int](maxlen=capacity)
    number = 0
    for batch in batches:
        labels = torch.arange(number, number + batch)
        embeddings = embedding_of(labels.tolist())
        slots = bank.enqueue(embeddings, labels)
        queue.extend(labels.tolist())
        number += batch
        assert torch.equal(bank.labels[slots], labels)
        assert torch.equal(bank.embeddings[slots], embeddings)
    assert sorted(bank.labels.tolist()) == sorted(queue)
    assert len(bank) == len(queue)
    assert entry_of(bank.embeddings) == bank.labels.tolist()


def test_wrap_around_in_the_middle_of_a_batch() -> None:
    bank = MemoryBank(5, BITS)
    bank.enqueue(embedding_of([0, 1, 2]), torch.tensor([10, 11, 10]))
    assert bank.enqueue(embedding_of([3, 4, 5, 6]), torch.tensor([12, 10, 11, 10])).tolist() == [3, 4, 0, 1]
    assert entry_of(bank.embeddings) == [5, 6, 2, 3, 4]
    assert bank.labels.tolist() == [11, 10, 10, 12, 10]
    row, slot = bank.slots_of(torch.tensor([10, 99, 11, 10]))
    assert row.tolist() == [0, 0, 0, 2, 3, 3, 3]
    assert slot.tolist() == [2, 4, 1, 0, 2, 4, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_state_is_taken_back(dtype: torch.dtype, tmp_path: Path) -> None:
    bank, other = MemoryBank(4, BITS, dtype=dtype), MemoryBank(4, BITS, dtype=dtype)
    bank.enqueue(embedding_of([1, 2, 3]), torch.tensor([1, 2, 3]))
    save_file(bank.state(), tmp_path / "bank.safetensors")
    other.restore(load_file(tmp_path / "bank.safetensors"))
    for each in (bank, other):
        each.enqueue(embedding_of([4, 5]), torch.tensor([4, 5]))
    assert torch.equal(bank.labels, other.labels)
    assert torch.equal(bank.embeddings, other.embeddings)
    assert other.labels.tolist() == entry_of(other.embeddings) == [5, 2, 3, 4]


def test_a_snapshot_is_a_copy_both_ways_and_clean() -> None:
    bank, other = MemoryBank(1000, 64), MemoryBank(1000, 64)
    bank.enqueue(torch.full((3, 64), 1 / 8), torch.tensor([1, 2, 3]))
    state = bank.state()
    assert state["embeddings"].sum() == 3 * 8
    assert state["labels"].sum() == 6
    other.restore(state)
    bank.enqueue(torch.full((1000, 64), -1 / 8), torch.full((1000,), 9))
    assert state["embeddings"].sum() == 3 * 8
    state["embeddings"].fill_(7)
    state["labels"].fill_(7)
    assert torch.equal(other.embeddings, torch.full((3, 64), 1 / 8))
    assert other.labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embeddings": torch.zeros(5, 2)}, r"snapshot's embeddings are torch.float32 \[5, 2\]"),
        ({"embeddings": torch.zeros(4, 3)}, "snapshot"),
        ({"embeddings": torch.zeros(4, 2, dtype=torch.bfloat16)}, "bfloat16"),
        ({"labels": torch.zeros(4)}, "snapshot's labels"),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, "snapshot's labels"),
        ({"seen": torch.tensor(-1)}, "seen"),
        ({"seen": torch.tensor(1.5)}, "seen"),
        ({"seen": torch.tensor([1, 2])}, "seen"),
        ({"seen": torch.tensor(2**62 + 1)}, "seen must be a whole number of 0 to 4611686018427387904"),
        ({"seen": 1}, "seen must be one int64, not int"),
        ({"embeddings": None}, "snapshot's embeddings are NoneType"),
        ({"embeddings": torch.eye(4, 2).to_sparse()}, "snapshot's embeddings are"),
        ({"labels": torch.empty(4, dtype=torch.int64, device="meta")}, "snapshot's labels are"),
        ({"seen": torch.tensor(1j)}, "seen must be one int64"),
        ({"embeddings": torch.zeros(4, 2)}, "snapshot's embeddings have lengths up to 1 away from 1"),
        ({"embeddings": torch.full((4, 2), float("nan"))}, "snapshot's embeddings contain NaN"),
        ({"embeddings": torch.eye(4, 2), "seen": torch.tensor(3)}, "snapshot's embeddings have lengths"),
        ({"embeddings": torch.eye(4, 2), "seen": torch.tensor(2**62)}, "snapshot's embeddings have lengths"),
    ],
)
def test_wrong_snapshots_change_nothing(change: dict[str, Any], message: str) -> None:
    bank = MemoryBank(4, 2)
    bank.enqueue(torch.eye(1, 2), torch.tensor([3]))
    state = bank.state()
    bank.enqueue(-torch.eye(1, 2), torch.tensor([5]))
    before = bank.state()
    with pytest.raises(InputError, match=message):
        bank.restore(state | change)
    del state[next(iter(change))]
    with pytest.raises(InputError, match=f"no {next(iter(change))}"):
        bank.restore(state)
    assert same(bank.state(), before)
    assert bank.labels.tolist() == [3, 5]
    assert bank.slots_of(torch.tensor([5]))[1].tolist() == [1]


@pytest.mark.parametrize("wrong", [None, [], "state", torch.zeros(3), {"embeddings": 1}])
def test_what_is_no_snapshot(wrong: Any) -> None:  # noqa: ANN401
    with pytest.raises(InputError, match="snapshot"):
        MemoryBank(4, 2).restore(wrong)


def test_what_lies_in_free_slots_of_a_snapshot_does_not_matter() -> None:
    bank = MemoryBank(4, 2)
    state = {"embeddings": torch.eye(4, 2), "labels": torch.arange(4), "seen": torch.tensor(2)}
    state["embeddings"][2:] = float("nan")
    bank.restore(state)
    assert torch.equal(bank.embeddings, torch.eye(2))


def test_a_snapshot_of_a_very_old_bank() -> None:
    bank = MemoryBank(3, BITS)
    bank.restore({"embeddings": embedding_of([0, 1, 2]), "labels": torch.arange(3), "seen": torch.tensor(2**62)})
    assert bank.slots_of(torch.tensor([0, 1, 2]))[1].tolist() == [0, 1, 2]
    first = 2**62 % 3
    assert bank.enqueue(embedding_of([3, 4]), torch.tensor([3, 4])).tolist() == [first, (first + 1) % 3]
    assert bank.slots_of(torch.tensor([4]))[1].tolist() == [(first + 1) % 3]
    assert sorted(entry_of(bank.embeddings)) == sorted(bank.labels.tolist()) == [(first + 2) % 3, 3, 4]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([float("nan"), 1.0], "contain NaN or infinity"),
        ([float("inf"), 0.0], "contain NaN or infinity"),
        ([0.0, 0.0], "up to 1 away from 1"),
        ([-0.5, 0.0], "up to 0.5 away from 1"),
        ([0.0, -2.0], "up to 1 away from 1"),
        ([1.03, 0.0], "up to 0.03"),
    ],
)
def test_embeddings_that_are_not_on_the_sphere_change_nothing(
    row: list[float], message: str, dtype: torch.dtype
) -> None:
    bank = MemoryBank(3, 2, dtype=dtype)
    bank.enqueue(torch.eye(2), torch.tensor([7, 8]))
    before = bank.state()
    for embeddings in (torch.tensor([row]), torch.tensor([[0.6, 0.8], row]), torch.tensor([row], dtype=torch.float64)):
        with pytest.raises(InputError, match=message) as raised:
            bank.enqueue(embeddings, torch.arange(len(embeddings)))
        assert "\n" not in str(raised.value)
        assert same(bank.state(), before)
        assert bank.slots_of(torch.tensor([0, 1, 7, 8]))[1].tolist() == [0, 1]
    assert bank.enqueue(-torch.eye(2), torch.tensor([0, 8])).tolist() == [2, 0]
    assert bank.slots_of(torch.tensor([0, 7, 8]))[1].tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bank_takes_normalised_rows_of_any_precision_and_its_own_snapshot(dtype: torch.dtype) -> None:
    rows = normalize(torch.randn(1000, 128, generator=torch.Generator().manual_seed(0)))
    for precision in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        bank, other = MemoryBank(1000, 128, dtype=dtype), MemoryBank(1000, 128, dtype=dtype)
        bank.enqueue(rows.to(precision), torch.arange(1000))
        other.restore(bank.state())
        assert torch.equal(other.embeddings, rows.to(precision).to(dtype))


def test_an_embedding_counts_as_it_is_stored() -> None:
    row = torch.tensor([[1.0199, 0.0]])  # 1.0234375 in bfloat16, which no snapshot may hold
    MemoryBank(1, 2).enqueue(row, torch.tensor([0]))
    with pytest.raises(InputError, match=r"up to 0\.0234375 away"):
        MemoryBank(1, 2, dtype=torch.bfloat16).enqueue(row, torch.tensor([0]))


def test_stored_entries_carry_no_gradient_and_are_copies() -> None:
    bank = MemoryBank(4, 2)
    embeddings = torch.eye(2, requires_grad=True)
    bank.enqueue(embeddings, torch.tensor([0, 1]))
    assert not bank.embeddings.requires_grad
    with torch.no_grad():
        embeddings += 1
    assert bank.embeddings.max() == 1


def test_bfloat16_rounds_to_nearest_even() -> None:
    values = normalize(torch.randn(500, 4, generator=torch.Generator().manual_seed(0)))
    values[:2] = torch.tensor([[1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 1.0], [1 + 2**-7, 1.0, -1.0, 1 + 2**-8 + 2**-20]])
    values[:2] /= 2  # ties between two bfloat16, and what is almost one; all of length 1 but for a hundredth
    values[2] = torch.tensor([2**-9 + 2**-17, -1.0, 0.0, 2**-9 + 3 * 2**-17])
    bank = MemoryBank(300, 4, dtype=torch.bfloat16)
    bank.enqueue(values[:200], torch.arange(200))
    slots = bank.enqueue(values[200:], torch.arange(300))
    bits = values.numpy().view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)
    assert bank.embeddings.dtype == torch.bfloat16
    assert np.array_equal(bank.embeddings[slots].float().numpy(), rounded[200:])
    slots = bank.enqueue(values[:200], torch.arange(200))
    assert np.array_equal(bank.embeddings[slots].float().numpy(), rounded[:200])


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.int8, torch.uint8])
def test_any_integer_labels(dtype: torch.dtype) -> None:
    bank = MemoryBank(4, 2)
    bank.enqueue(torch.eye(2, dtype=torch.float64), torch.tensor([5, 100], dtype=dtype))
    assert bank.labels.tolist() == [5, 100]
    assert bank.slots_of(torch.tensor([100], dtype=dtype))[1].tolist() == [1]


def test_an_empty_bank_and_empty_batches() -> None:
    bank, nothing = MemoryBank(4, 2), torch.empty(0, dtype=torch.int64)
    assert bank.enqueue(torch.empty(0, 2), nothing).tolist() == []
    assert bank.embeddings.shape == (0, 2)
    for query in (nothing, torch.tensor([0, -1])):
        row, slot = bank.slots_of(query)
        assert row.tolist() == slot.tolist() == []
        assert row.dtype == slot.dtype == torch.int64


@pytest.mark.parametrize("label_of", [lambda number: number, lambda number: 0, lambda number: number % 3 * 10**9])
def test_the_look_up_forgets_what_left(label_of: Callable[[int], int]) -> None:
    bank, embeddings = MemoryBank(100, 1), torch.ones(10, 1)

    def fill(first: int, last: int) -> None:
        for number in range(first, last, 10):
            bank.enqueue(embeddings, torch.tensor([label_of(each) for each in range(number, number + 10)]))

    fill(0, 1_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fill(1_000, 21_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000  # the 20,000 numbers alone are 160,000 bytes


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the resident size from /proc")
def test_a_large_bank_touches_only_what_it_stores() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    bank = MemoryBank(1_000_000, 128)
    bank.enqueue(torch.eye(64, 128), torch.arange(64))
    assert bank.embeddings.untyped_storage().nbytes() == 512_000_000
    assert bank.labels.untyped_storage().nbytes() == 8_000_000
    assert resident() - before < 30_000_000
    assert MemoryBank(10, 128, dtype=torch.bfloat16).embeddings.untyped_storage().nbytes() == 10 * 128 * 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_bank_on_a_gpu_does_the_same() -> None:
    banks = [MemoryBank(5, BITS), MemoryBank(5, BITS, device="cuda")]
    for entries in ([0, 1, 2], [3, 4, 5, 6], [7]):
        labels = torch.tensor(entries) % 2
        slots = [bank.enqueue(embedding_of(entries), labels) for bank in banks]
        assert slots[1].device == banks[1].embeddings.device
        assert torch.equal(slots[0], slots[1].cpu())
    banks[1].restore(banks[0].state())
    for part, other in zip(*(bank.slots_of(torch.tensor([1, 0])) for bank in banks), strict=True):
        assert other.device == banks[1].embeddings.device
        assert torch.equal(part, other.cpu())
    assert torch.equal(banks[0].embeddings, banks[1].embeddings.cpu())


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (torch.eye(2, 3), torch.tensor([0, 1]), r"holds \[n, 2\]"),
        (torch.ones(2), torch.tensor([0, 1]), r"\[rows, dimensions\], not torch.float32 \[2\]"),
        ([[1.0], [0.0, 1.0]], torch.tensor([0]), "can't be read as an array"),
        (torch.eye(2, dtype=torch.int64), torch.tensor([0, 1]), "floating-point"),
        (torch.eye(2), torch.tensor([0]), r"whole numbers, \[2\], one for each row, not torch.int64 \[1\]"),
        (torch.eye(2), torch.tensor([0.0, 1.5]), "whole numbers that torch.float32 tells apart, not 1.5"),
        (torch.eye(1, 2), torch.tensor(0), "one for each row"),
        (torch.eye(1, 2), ["0"], "labels must be numbers, not list of <U1"),
        (torch.eye(2)[[0, 1, 0, 1, 0]], torch.arange(5), "does not fit"),
    ],
)
def test_wrong_batches(embeddings: Tensor, labels: Tensor, message: str) -> None:
    bank = MemoryBank(4, 2)
    with pytest.raises(InputError, match=message):
        bank.enqueue(embeddings, labels)
    assert len(bank) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": 2.0}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"dimensions": -1}, "dimensions"),
        ({"dtype": torch.float16}, "torch.bfloat16, not torch.float16"),
        ({"dtype": "float32"}, "dtype"),
        ({"device": "abacus"}, "abacus"),
        ({"device": "meta"}, "device 'meta', which holds no values"),
        ({"device": 1.5}, "can't make a bank of 4 × 2 on device '1.5'"),
        ({"device": []}, "can't make"),
        ({"capacity": 10**40}, "can't make"),
        ({"dimensions": 2**62}, "can't make"),
        ({"capacity": "4"}, "capacity"),
        ({"capacity": 10**15, "dimensions": 100}, "can't make"),
    ],
)
def test_wrong_banks(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryBank(**{"capacity": 4, "dimensions": 2} | arguments)


@pytest.mark.parametrize("labels", [torch.tensor([0.5]), torch.tensor([[0]]), torch.tensor(0), [None]])
def test_wrong_queries(labels: Tensor) -> None:
    with pytest.raises(InputError, match="labels must be"):
        MemoryBank(4, 2).slots_of(labels)


@pytest.mark.parametrize("own", [[], [-1, -1]])
def test_own_entries_of_another_batch(own: list[int]) -> None:
    with pytest.raises(InputError, match=r"own must be whole numbers, \[1\]"):
        MemoryBank(4, 2).references([0], own)


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
    for wrong in (1.0, -0.1, float("nan"), "0.9", None):
        with pytest.raises(InputError, match="momentum"):
            momentum_encoder(encoder, wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"encoder must be a torch\.nn\.Module, not function"):
        momentum_encoder(lambda x: x, 0.9)  # type: ignore[arg-type]
