"""A slot a row, and a memory that is embedded anew, each against a dictionary or a list."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from weightlab.errors import InputError
from weightlab.memory import FreshMemory, SlotMemory


def batch(generator: torch.Generator, rows: int, count: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, some of them twice, their labels (row % 5), and embeddings."""
    index = torch.randint(rows, (count,), generator=generator)
    return index, index % 5, normalize(torch.randn(count, 4, generator=generator), dim=1)


def test_slots_hold_the_latest_of_each_row() -> None:
    generator, memory, wanted = torch.Generator().manual_seed(0), SlotMemory(30, 4), dict[int, Tensor]()
    for _ in range(20):
        index, labels, embeddings = batch(generator, 30)
        own = memory.enqueue(embeddings, labels, index)
        for row, embedding in zip(index.tolist(), embeddings, strict=True):
            wanted[row] = embedding
        references = memory.references(labels, own)
        assert len(memory) == len(references) == len(wanted)
        assert references.labels is not None
        for row, place in zip(index.tolist(), own.tolist(), strict=True):
            assert torch.equal(references.embeddings[place], wanted[row])
            assert int(references.labels[place]) == row % 5
        assert torch.equal(
            torch.stack(sorted(references.embeddings, key=lambda e: e.tolist())),
            torch.stack(sorted(wanted.values(), key=lambda e: e.tolist())),
        )
        assert references.shared is not None
        anchor, column = references.shared
        found = set(zip(anchor.tolist(), column.tolist(), strict=True))
        same = labels[:, None] == references.labels
        assert found == set(map(tuple, same.nonzero().tolist()))


def test_slots_come_back_from_a_snapshot_and_are_cleared() -> None:
    generator, memory = torch.Generator().manual_seed(1), SlotMemory(30, 4)
    for _ in range(4):
        index, labels, embeddings = batch(generator, 30)
        memory.enqueue(embeddings, labels, index)
    other = SlotMemory(30, 4)
    other.restore(memory.state())
    index, labels, embeddings = batch(generator, 30)
    assert torch.equal(memory.enqueue(embeddings, labels, index), other.enqueue(embeddings, labels, index))
    assert all(torch.equal(value, other.state()[name]) for name, value in memory.state().items())
    memory.clear()
    assert len(memory) == 0
    assert memory.enqueue(embeddings[:1], labels[:1], index[:1]).tolist() == [0]
    damaged = other.state()
    damaged["place"][0] = damaged["place"].max()
    for state in (damaged, {}, other.state() | {"place": torch.zeros(3, dtype=torch.int64)}):
        with pytest.raises(InputError, match=r"place|turns"):
            SlotMemory(30, 4).restore(state)


def test_what_slots_refuse() -> None:
    memory, embeddings = SlotMemory(3, 4), torch.eye(4)
    memory.enqueue(embeddings[:2], [0, 1], [0, 1])
    before = memory.state()
    for labels, rows, message in (
        ([0, 1], [0, 3], "rows must be whole numbers from 0 to 2"),
        ([1, 1], [0, 1], "a row has one label"),
        ([2, 3], [2, 2], "a row has one label"),
        ([0], [0, 1], "labels"),
    ):
        with pytest.raises(InputError, match=message):
            memory.enqueue(embeddings[:2], labels, rows)
        assert all(torch.equal(value, memory.state()[name]) for name, value in before.items())


def test_fresh_entries_are_those_of_the_last_rows_embedded_now() -> None:
    generator, memory, rows = torch.Generator().manual_seed(2), FreshMemory(20), list[tuple[Tensor, int]]()
    matrix = torch.randn(4, 4, generator=generator)
    for step in range(9):
        _, labels, inputs = batch(generator, 30, count=6)
        own = memory.enqueue(inputs, labels)
        rows = [*rows, *zip(inputs, labels.tolist(), strict=True)][-20:]
        encoder = matrix + step
        seen: list[int] = []

        def encode(x: Tensor, to: list[int] = seen, encoder: Tensor = encoder) -> Tensor:
            to.append(len(x))
            return normalize(x @ encoder, dim=1)

        references = memory.references(encode, own)
        assert references.labels is not None
        assert references.labels.tolist() == [label for _, label in rows]
        torch.testing.assert_close(
            references.embeddings, normalize(torch.stack([row for row, _ in rows]) @ encoder, dim=1)
        )
        assert references.own is not None
        assert references.own.tolist() == list(range(len(rows) - 6, len(rows)))
        assert set(seen) == {6}  # whole batches, for batch norm
    other = FreshMemory(20)
    other.restore(memory.state())
    assert torch.equal(other.references(encode).embeddings, references.embeddings)
    memory.clear()
    assert len(memory) == 0


def test_what_fresh_refuses() -> None:
    memory = FreshMemory(4)
    with pytest.raises(InputError, match="a batch of 5 and 5 labels does not fit 4 entries"):
        memory.enqueue(torch.zeros(5, 2), torch.zeros(5, dtype=torch.int64))
    state = {"inputs.0": torch.zeros(4, 2), "labels.0": torch.zeros(4, dtype=torch.int64)}
    for damaged, message in (
        ({"inputs.0": state["inputs.0"], "labels.1": state["labels.0"]}, "no labels.0"),
        (state | {"labels.0": torch.zeros(3, dtype=torch.int64)}, "don't fit each other"),
        ({f"{name}.{n}": state[f"{name}.0"] for name in ("inputs", "labels") for n in range(2)}, "don't fit 4"),
    ):
        with pytest.raises(InputError, match=message):
            memory.restore(damaged)


def test_slots_know_when_a_row_was_last_written() -> None:
    generator, memory, wanted = torch.Generator().manual_seed(3), SlotMemory(30, 4), dict[int, int]()
    for turn in range(12):
        index, labels, embeddings = batch(generator, 30)
        memory.enqueue(embeddings, labels, index)
        wanted |= dict.fromkeys(index.tolist(), turn)
        assert memory.turns == turn + 1
        assert {row: each for row, each in enumerate(memory.turn.tolist()) if each >= 0} == wanted
