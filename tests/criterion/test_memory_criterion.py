"""MemoryCriterion: batch term plus memory term, against a bank kept by hand and autograd of the losses' values."""

from __future__ import annotations

import copy
import io
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import reducers
from pytorch_metric_learning.distances import CosineSimilarity
from torch import Tensor, nn
from torch.nn.functional import normalize

import weightlab as wl
from weightlab.memory import momentum_encoder

SIZE, BATCH, STEPS = 20, 8, 7  # 56 entries: the ring is gone round more than twice, with pieces at its end


def batches(steps: int = STEPS, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.randn(BATCH, 5, generator=draw, dtype=torch.float64), torch.randint(4, (BATCH,), generator=draw)


def encoder(seed: int = 1) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 6)).double()


@dataclass
class Truth:
    """The bank as a list of (number of the entry, row, label), and dense pairs."""

    name: str
    entries: list[tuple[int, Tensor, int]] = field(default_factory=list)
    seen: int = 0

    def value(self, embeddings: Tensor, labels: Tensor, keys: Tensor) -> Tensor:
        """The loss's own values, of the batch and then of the memory."""
        rows, loss = normalize(embeddings), wl.losses.get(self.name)
        numbers = range(self.seen, self.seen + len(rows))
        self.entries += zip(numbers, normalize(keys.detach()), labels.tolist(), strict=True)
        self.entries, self.seen = self.entries[-SIZE:], self.seen + len(rows)
        own = torch.tensor([[n == number for n, *_ in self.entries] for number in numbers])
        known = torch.tensor([label for *_, label in self.entries])
        same = labels[:, None] == known
        similarity = rows @ torch.stack([row for _, row, _ in self.entries]).T
        memory = loss.value(wl.Pairs(similarity, same & ~own, ~same))
        return loss.value(wl.Pairs.from_embeddings(rows, labels)).mean() + memory.mean()


def near(found: list[Tensor], truth: list[Tensor], limit: float = 1e-9) -> None:
    for mine, theirs in zip(found, truth, strict=True):
        assert float(theirs.abs().max()) > 0
        assert float((mine - theirs).abs().max()) <= limit * float(theirs.abs().max())


def gradients(value: Tensor, model: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(value, list(model.parameters())))


@pytest.mark.parametrize("momentum", [None, 0.9])
@pytest.mark.parametrize("name", ["contrastive", "ms-loss", "infonce", "triplet", "lifted", "circle"])
def test_every_step_is_that_of_a_dense_truth(name: str, momentum: float | None) -> None:
    model, slow = encoder(), encoder()  # slow follows by hand
    held = None if momentum is None else momentum_encoder(model, momentum)
    criterion, truth = wl.MemoryCriterion(wl.Criterion(name), SIZE, held), Truth(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step, (x, labels) in enumerate(batches()):
        embeddings = model(x)
        keys = embeddings if momentum is None else slow(x)
        value = criterion(embeddings, labels, inputs=None if momentum is None else x)
        found = gradients(value, model)
        near(found, gradients(truth.value(model(x), labels, keys), model))
        assert len(criterion.bank) == min(SIZE, (step + 1) * BATCH)
        follow(model, optimizer, found)
        if held is not None and momentum is not None:
            held.update_parameters(model)
            with torch.no_grad():
                for its, theirs in zip(slow.parameters(), model.parameters(), strict=True):
                    its.copy_(theirs if step == 0 else momentum * its + (1 - momentum) * theirs)


def follow(model: nn.Module, optimizer: torch.optim.Optimizer, gradient: list[Tensor]) -> None:
    for parameter, given in zip(model.parameters(), gradient, strict=True):
        parameter.grad = given
    optimizer.step()


def test_its_memory_is_that_of_cross_batch_memory() -> None:
    """But for the reduction, and the batch's own term, which theirs has not."""
    model, theirs = encoder(), pml.ContrastiveLoss(1, 0.2, distance=CosineSimilarity(), reducer=reducers.SumReducer())
    optimizer, memory = torch.optim.SGD(model.parameters(), lr=0.05), pml.CrossBatchMemory(theirs, 6, SIZE)
    criterion = wl.MemoryCriterion(wl.Criterion("contrastive(neg_margin=0.2)"), SIZE)
    for x, labels in batches():
        found = gradients(criterion(model(x), labels) * BATCH, model)
        embeddings = model(x)
        near(found, gradients(theirs(embeddings, labels) + memory(embeddings, labels), model))
        follow(model, optimizer, found)


def test_a_mask_of_keys_is_that_of_cross_batch_memory() -> None:
    model, theirs = encoder(), pml.ContrastiveLoss(1, 0.2, distance=CosineSimilarity(), reducer=reducers.SumReducer())
    memory = pml.CrossBatchMemory(theirs, 6, SIZE)
    criterion = wl.MemoryCriterion(wl.Criterion("contrastive(neg_margin=0.2)"), SIZE)
    for (x, labels), (views, _) in zip(batches(), batches(seed=1), strict=True):
        both, twice = torch.cat([x, views]), torch.cat([labels, labels])
        mask = torch.arange(2 * BATCH) >= BATCH
        found = gradients(criterion(model(both), twice, enqueue_mask=mask.tolist()) * BATCH, model)
        anchors = theirs(model(x), labels)
        near(found, gradients(anchors + memory(model(both), twice, enqueue_mask=mask), model))
    rows = model(both)
    everything = torch.ones(2 * BATCH, dtype=torch.bool)
    value = criterion(rows, twice, enqueue_mask=everything)
    assert float(value.detach()) == 0
    held = criterion.bank.held.embeddings  # type: ignore[union-attr]
    assert torch.allclose(torch.cat([held[16:], held[:12]]), normalize(rows.detach()))


@pytest.mark.parametrize("kind", ["a miner's choice", "references"])
def test_what_is_said_of_pairs_is_of_the_batchs_term(kind: str) -> None:
    plain, model = wl.Criterion("contrastive(neg_margin=0.2)"), encoder()
    (x, labels), (others, other_labels) = batches(2)

    def value(criterion: nn.Module, *, bare: bool) -> list[Tensor]:
        given: dict[str, object] = {}
        if not bare and kind == "references":
            given = {"ref_emb": model(others), "ref_labels": other_labels}
        elif not bare:
            given = {"indices_tuple": (torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4, 5]))}
        return gradients(criterion(model(x), labels, **given), model)

    of_memory = [
        [a - b for a, b in zip(value(wl.MemoryCriterion(plain, SIZE), bare=bare), value(plain, bare=bare), strict=True)]
        for bare in (False, True)
    ]
    near(*of_memory)


@pytest.mark.parametrize("text", ["ms-loss", "given"])
def test_gradient_accumulation(text: str) -> None:
    """Two halves, their losses added up and one backward, against the same with a backward each and by hand.

    A function of similarity without a form holds its pairs until the backward: they are not those of the next half.
    """

    class Given:
        def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
            weight = (pairs.similarity - 0.3) ** 2
            return wl.PairWeights(weight * pairs.positive, weight * pairs.negative)

    model, weighting = encoder(), Given() if text == "given" else text
    at_once, in_turn = (wl.MemoryCriterion(wl.Criterion(weighting), SIZE) for _ in range(2))
    bank, plain = wl.MemoryBank(SIZE, 6, dtype=torch.float64), wl.Criterion(weighting)
    for (x, labels), (y, other_labels) in zip(batches(), batches(seed=1), strict=True):
        halves = ((x, labels), (y, other_labels))
        found = gradients(sum(at_once(model(each), its) for each, its in halves) / 2, model)  # type: ignore[arg-type]
        turns = [gradients(in_turn(model(each), its) / 2, model) for each, its in halves]
        near(found, [a + b for a, b in zip(*turns, strict=True)])
        total = torch.zeros((), dtype=torch.float64)
        for each, its in halves:
            rows = normalize(model(each))
            references = bank.references(its, bank.enqueue(rows, its))
            by_hand = wl.surrogate(weighting, rows, its) + wl.surrogate(weighting, rows, its, references)
            total = total + by_hand / 2 if text != "given" else total
        if text != "given":
            near(found, gradients(total, model))
    assert plain(model(x), labels).isfinite()


@pytest.mark.parametrize("quiet", ["eval", "no_grad", "inference_mode"])
def test_nothing_is_put_in_without_training(quiet: str) -> None:
    model, criterion, plain = encoder(), wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE), wl.Criterion("ms-loss")
    (x, labels), (y, other_labels) = batches(2)

    def value() -> float:
        if quiet == "eval":
            found = float(criterion.eval()(model(x), labels).detach())
            criterion.train()
            return found
        with torch.no_grad() if quiet == "no_grad" else torch.inference_mode():
            return float(criterion(model(x), labels))

    batch = float(plain(model(x), labels).detach())
    assert value() == pytest.approx(batch, rel=1e-12)
    assert len(criterion.bank) == 0
    criterion(model(y), other_labels)
    before = criterion.state_dict()
    memory = plain(model(x), labels, None, model(y).detach(), other_labels)
    assert value() == pytest.approx(batch + float(memory.detach()), rel=1e-9)
    same(criterion.state_dict(), before)


def same(found: dict[str, Tensor], truth: dict[str, Tensor]) -> None:
    assert found.keys() == truth.keys()
    for name, value in truth.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)


def trained(steps: int, *, momentum: bool = False) -> tuple[nn.Module, wl.MemoryCriterion]:
    model = encoder()
    criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE, momentum_encoder(model, 0.5) if momentum else None)
    go_on(model, criterion, steps)
    return model, criterion


def go_on(model: nn.Module, criterion: wl.MemoryCriterion, steps: int, seed: int = 0) -> list[float]:
    optimizer, values = torch.optim.SGD(model.parameters(), lr=0.05), []
    for x, labels in batches(steps, seed):
        value = criterion(model(x), labels, inputs=None if criterion.momentum_encoder is None else x)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if criterion.momentum_encoder is not None:
            criterion.momentum_encoder.update_parameters(model)  # type: ignore[operator]
        values.append(float(value.detach()))
    return values


@pytest.mark.parametrize("way", ["fresh", "used", "saved", "copied", "pickled"])
@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_run_goes_on_from_its_state_as_if_it_had_not_stopped(way: str, momentum: bool, steps: int) -> None:
    model, criterion = trained(steps, momentum=momentum)
    if way == "copied":
        other = copy.deepcopy(criterion)
    elif way == "pickled":
        other = pickle.loads(pickle.dumps(criterion))
    else:
        _, other = trained(3 if way == "used" else 0, momentum=momentum)
        state = criterion.state_dict()
        if way == "saved":
            file = io.BytesIO()
            torch.save(state, file)
            file.seek(0)
            state = torch.load(file, weights_only=True)
        if way == "used" and not steps:
            other.reset_queue()
        assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    twin = copy.deepcopy(model)
    same(other.state_dict(), criterion.state_dict())
    assert go_on(twin, other, 4, seed=2) == go_on(model, criterion, 4, seed=2)
    same(other.state_dict(), criterion.state_dict())


def test_a_state_is_a_copy_with_these_names() -> None:
    _, criterion = trained(1)
    state = criterion.state_dict()
    assert {name: (list(value.shape), value.dtype) for name, value in state.items()} == {
        "bank.embeddings": ([SIZE, 6], torch.float64),
        "bank.labels": ([SIZE], torch.int64),
        "bank.seen": ([], torch.int64),
    }
    before = state["bank.embeddings"].clone()
    criterion(torch.ones(3, 6, dtype=torch.float64), torch.zeros(3))
    assert torch.equal(state["bank.embeddings"], before)
    empty = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE).state_dict()
    assert list(empty["bank.embeddings"].shape) == [SIZE, 0]
    criterion.load_state_dict(empty)
    assert len(criterion.bank) == 0
    # inside of another module
    outer = nn.ModuleDict({"criterion": criterion, "model": encoder()})
    assert "criterion.bank.seen" in outer.state_dict()
    outer.load_state_dict(outer.state_dict())


def damaged(state: dict[str, Tensor]) -> Iterator[tuple[dict[str, Tensor], str]]:
    yield {name: value for name, value in state.items() if name != "bank.seen"}, 'Missing key.* "bank.seen"'
    yield (
        {**state, "bank.embeddings": state["bank.embeddings"][:9]},
        r"bank: the embeddings are .*\[9, 6\].* size is 20",
    )
    yield {**state, "bank.labels": state["bank.labels"][:9]}, r"bank: the labels are .*\[9\].* size is 20"
    yield {**state, "bank.embeddings": state["bank.embeddings"] * 2}, "bank: .*lengths up to 1 away from 1"
    yield {**state, "bank.embeddings": state["bank.embeddings"].half()}, "bank: .*float16"
    yield {**state, "bank.embeddings": torch.ones(SIZE)}, "bank: .*float32 .*20"
    yield {**state, "bank.embeddings": "no tensor"}, "bank: the embeddings are str"  # type: ignore[dict-item]
    yield {**state, "bank.seen": torch.tensor(-1)}, "bank: the snapshot's seen"


@pytest.mark.parametrize("used", [False, True])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(used: bool) -> None:
    _, criterion = trained(2)
    _, other = trained(int(used))
    before = other.state_dict()
    for state, message in damaged(criterion.state_dict()):
        with pytest.raises(RuntimeError, match=message):
            other.load_state_dict(state)
        same(other.state_dict(), before)
    if used:
        state = {**before, "bank.embeddings": before["bank.embeddings"][:, :3]}
        with pytest.raises(RuntimeError, match=r"\[20, 3\], this bank's torch.float64 \[20, 6\]"):
            other.load_state_dict(state)
    more = {**before, "bank.more": before["bank.seen"]}
    with pytest.raises(RuntimeError, match=r'Unexpected key.* "bank.more"'):
        other.load_state_dict(more)
    missing = other.load_state_dict({}, strict=False).missing_keys
    assert missing == ["bank.embeddings", "bank.labels", "bank.seen"]
    same(other.state_dict(), before)


def test_it_moves_and_is_cast_with_its_module() -> None:
    _, criterion = trained(3)
    before = criterion.state_dict()
    for moved in (criterion.cpu(), criterion.to("cpu", torch.float16), criterion.half(), criterion.bfloat16()):
        same(moved.state_dict(), before)
    with pytest.raises(wl.InputError, match="device 'meta'"):
        criterion.to("meta")
    fresh = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE)
    assert fresh.to("meta") is fresh
    for dtype, kept in ((torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64,) * 2):
        fresh.reset_queue()
        fresh(torch.eye(6, dtype=dtype), torch.arange(6) % 2)
        assert fresh.bank.held.embeddings.dtype == kept  # type: ignore[union-attr]


def test_labels_of_any_kind_by_a_relation() -> None:
    """Multi-hot labels, of which one in common makes a pair positive."""

    def share(one: Tensor, other: Tensor) -> Tensor:
        return (one[:, None] & other).any(2)

    model, draw = encoder(), torch.Generator().manual_seed(3)
    criterion = wl.MemoryCriterion(wl.Criterion("ms-loss", same=share), SIZE)
    loss, before = wl.losses.get("ms-loss"), None
    for x, _ in batches(2):
        labels = torch.rand(BATCH, 9, generator=draw) < 0.2
        found = gradients(criterion(model(x), labels), model)
        rows = normalize(model(x))
        known = (rows.detach(), labels)
        if before is not None:
            known = (torch.cat([before[0], known[0]]), torch.cat([before[1], known[1]]))
        together, own = share(labels, known[1]), torch.zeros(BATCH, len(known[0]), dtype=torch.bool)
        own[:, -BATCH:] = torch.eye(BATCH, dtype=torch.bool)
        memory = loss.value(wl.Pairs(rows @ known[0].T, together & ~own, ~together & ~own)).mean()
        batch = loss.value(wl.Pairs.from_embeddings(rows, labels, same=share)).mean()
        near(found, gradients(batch + memory, model))
        before = known
    other = wl.MemoryCriterion(wl.Criterion("ms-loss", same=share), SIZE)
    other.load_state_dict(criterion.state_dict())
    same(other.state_dict(), criterion.state_dict())


def test_it_begins_in_training_mode_with_its_momentum_encoder() -> None:
    """A copy of a model that was just evaluated would normalise its batches by what it has not yet seen."""
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6)).double()
    criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE, momentum_encoder(model.eval(), 0.9))
    model.train()
    (x, labels), *_ = batches(1)
    criterion(embeddings := model(x), labels, inputs=x)
    assert torch.allclose(criterion.bank.held.embeddings, normalize(embeddings))  # type: ignore[union-attr]


def test_keys_from_elsewhere_are_what_is_kept() -> None:
    criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE)
    (x, labels), (keys, _) = batches(2)
    keys.requires_grad_()
    value = criterion(x.requires_grad_(), labels, keys=keys)
    assert torch.allclose(criterion.bank.held.embeddings, normalize(keys))  # type: ignore[union-attr]
    value.backward()
    assert keys.grad is None


def test_wrong_ways() -> None:
    criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE)
    momentum = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE, nn.Linear(5, 5).double())
    (x, labels), *_ = batches(1)
    for make, message in [
        (lambda: wl.MemoryCriterion("ms-loss"), "criterion must be a Criterion.*not str"),  # type: ignore[arg-type]
        (lambda: wl.MemoryCriterion(wl.Criterion("ms-loss"), 0), "size must be a whole number of at least 1, not 0"),
        (lambda: wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE, 0.99), "torch.nn.Module, not float"),  # type: ignore[arg-type]
        (lambda: criterion(torch.cat([x, x, x]), torch.cat([labels] * 3)), "a batch of 24 does not fit a bank of 20"),
        (lambda: criterion(x, None), "labels"),
        (lambda: criterion(x, labels[:3]), "each row"),
        (lambda: criterion(math.nan * x, labels), "NaN"),
        (lambda: criterion(x, labels, keys=x[:3]), r"keys must be \[8, 5\].*not torch.float64 \[3, 5\]"),
        (lambda: criterion(x, labels, keys=x[:, :3]), r"keys must be \[8, 5\]"),
        (lambda: criterion(x, labels, keys=math.nan * x), "keys: a row is NaN"),
        (lambda: criterion(x, labels, inputs=x), "inputs are for a momentum encoder"),
        (lambda: momentum(x, labels), "wants inputs="),
        (lambda: momentum(x, labels, inputs=x, keys=x), "not both"),
        (lambda: criterion(x, labels, enqueue_mask=labels), r"enqueue_mask must be bool \[8\], not torch.int64 \[8\]"),
        (
            lambda: criterion(x, labels, enqueue_mask=torch.ones(3, dtype=torch.bool)),
            r"enqueue_mask must be \[8, ...\], one for each row",
        ),
        (
            lambda: criterion(x, labels, None, x, labels, enqueue_mask=labels > 0),
            "goes with embeddings and labels alone",
        ),
    ]:
        with pytest.raises(wl.InputError, match=message):
            make()
        assert len(criterion.bank) == len(momentum.bank) == 0
    criterion(x, labels)
    before = criterion.state_dict()
    with pytest.raises(wl.InputError, match=r"the bank holds \[n, 5\], not torch.float64 \[8, 3\]"):
        criterion(x[:, :3], labels)
    same(criterion.state_dict(), before)
