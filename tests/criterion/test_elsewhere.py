"""The criteria in other people's code: autocast, compiled and wrapped encoders, pytorch-metric-learning, Lightning."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners, reducers, testers, trainers
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

import weightlab as wl
from weightlab.memory import momentum_encoder

SIZE, BATCH = 40, 16


class CrossBatchMemory(pml.CrossBatchMemory):
    """The recipe in Criterion's docstring."""

    @staticmethod
    def supported_losses() -> list[str]:
        return ["Criterion"]


class SelfSupervisedLoss(pml.SelfSupervisedLoss):
    @staticmethod
    def supported_losses() -> list[str]:
        return ["Criterion"]


def data(rows: int = 64, seed: int = 0) -> TensorDataset:
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % 8
    return TensorDataset(torch.eye(8)[labels] + 0.5 * torch.randn(rows, 8, generator=draw), labels)


def encoder() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 6))


def criteria() -> dict[str, nn.Module]:
    return {
        "Criterion": wl.Criterion("ms-loss"),
        "MemoryCriterion": wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE),
        "CrossBatchMemory": CrossBatchMemory(wl.Criterion("ms-loss"), 6, SIZE),
    }


def steps(model: nn.Module, criterion: nn.Module, *, of: nn.Module | None = None) -> tuple[list[float], list[Tensor]]:
    """The values of some steps in a plain loop, and the parameters, those `of` another module, at their end."""
    trained = model if of is None else of
    optimizer, values = torch.optim.SGD(trained.parameters(), lr=0.1), []
    x, labels = data().tensors
    for rows in torch.arange(4 * BATCH).split(BATCH):
        value = criterion(model(x[rows]), labels[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    return values, [parameter.detach().clone() for parameter in trained.parameters()]


class Loss(nn.Module):
    """Encoder and criterion as one module, to be wrapped as one."""

    def __init__(self, model: nn.Module, criterion: nn.Module) -> None:
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """The loss."""
        value: Tensor = self.criterion(self.model(x), labels)
        return value


def same(found: tuple[list[float], list[Tensor]], truth: tuple[list[float], list[Tensor]]) -> None:
    assert found[0] == pytest.approx(truth[0], rel=1e-5)
    assert all(torch.allclose(mine, theirs, atol=1e-6) for mine, theirs in zip(found[1], truth[1], strict=True))


@pytest.mark.parametrize("name", criteria())
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_encoder(name: str, backend: str) -> None:
    truth = steps(encoder(), criteria()[name])
    torch.compiler.reset()
    same(steps(torch.compile(encoder(), backend=backend), criteria()[name]), truth)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # the compiler's, at any break
@pytest.mark.parametrize("name", ["Criterion", "MemoryCriterion"])
def test_a_compiled_step(name: str) -> None:
    """Encoder and criterion compiled as one: the graph breaks at the criterion, which stays as it is."""
    truth = steps(encoder(), criteria()[name])
    model, criterion = encoder(), criteria()[name]
    torch.compiler.reset()
    found = steps(nn.Identity(), torch.compile(Loss(model, criterion), backend="eager"), of=model)
    same(found, truth)


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("name", criteria())
def test_a_wrapped_encoder(name: str) -> None:
    truth = steps(encoder(), criteria()[name])
    same(steps(DistributedDataParallel(encoder()), criteria()[name]), truth)


@pytest.mark.usefixtures("one_process")
def test_encoder_and_criterion_wrapped_as_one() -> None:
    truth = steps(encoder(), criteria()["MemoryCriterion"])
    both = DistributedDataParallel(Loss(encoder(), criteria()["MemoryCriterion"]))
    same(steps(nn.Identity(), both, of=both), truth)
    assert "module.criterion.bank.seen" in both.state_dict()


@pytest.mark.parametrize("name", criteria())
def test_bfloat16_autocast(name: str) -> None:
    """The criterion of what the encoder gives there, in float32: nothing of it is lowered, nor what is kept."""
    model = encoder()
    inside, outside = criteria()[name], criteria()[name]
    x, labels = data().tensors
    for rows in torch.arange(4 * BATCH).split(BATCH):
        with torch.autocast("cpu", torch.bfloat16):
            embeddings = model(x[rows])
            value = inside(embeddings, labels[rows])
        assert embeddings.dtype == torch.bfloat16
        assert value.dtype == torch.float32
        leaf = embeddings.detach().float().requires_grad_()
        truth = outside(leaf, labels[rows])
        assert float(value.detach()) == pytest.approx(float(truth.detach()), rel=1e-6)
        found, wanted = torch.autograd.grad(value, embeddings)[0], torch.autograd.grad(truth, leaf)[0]
        assert torch.allclose(found.float(), wanted, rtol=2**-7, atol=1e-4 * float(wanted.abs().max()))
    if name == "MemoryCriterion":
        assert all(
            torch.equal(a, b) for a, b in zip(*(c.state_dict().values() for c in (inside, outside)), strict=True)
        )


@pytest.mark.parametrize("miner", [None, miners.TripletMarginMiner(0.2), miners.MultiSimilarityMiner()])
def test_inside_of_their_memory(miner: nn.Module | None) -> None:
    """Up to the reduction, the same as their own loss; a miner's choice included."""
    sums = {"distance": CosineSimilarity(), "reducer": reducers.SumReducer()}
    theirs = pml.CrossBatchMemory(pml.MultiSimilarityLoss(2, 50, 0.5, **sums), 6, SIZE, miner=miner)
    ours = CrossBatchMemory(wl.Criterion("ms-loss"), 6, SIZE, miner=miner)
    model = encoder()
    x, labels = data().tensors
    for rows in torch.arange(4 * BATCH).split(BATCH):
        found, truth = (
            torch.autograd.grad(loss(model(x[rows]), labels[rows]), list(model.parameters())) for loss in (ours, theirs)
        )
        for mine, its in zip(found, truth, strict=True):
            assert torch.allclose(mine * BATCH, its, rtol=1e-3, atol=1e-4 * float(its.abs().max()))


def test_their_memory_takes_losses_by_their_class() -> None:
    with pytest.raises(Exception, match="CrossBatchMemory not supported for Criterion"):
        pml.CrossBatchMemory(wl.Criterion("ms-loss"), 6, SIZE)


@pytest.mark.parametrize("symmetric", [True, False])
def test_inside_of_their_self_supervised_loss(symmetric: bool) -> None:
    sums = {"distance": CosineSimilarity(), "reducer": reducers.SumReducer()}
    theirs = pml.SelfSupervisedLoss(pml.MultiSimilarityLoss(2, 50, 0.5, **sums), symmetric=symmetric)
    ours = SelfSupervisedLoss(wl.Criterion("ms-loss"), symmetric=symmetric)
    x, y = (torch.randn(8, 6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    leaves = [x.requires_grad_(), y.requires_grad_()]
    found, truth = (torch.autograd.grad(loss(x, y), leaves) for loss in (ours, theirs))
    for mine, its in zip(found, truth, strict=True):
        assert torch.allclose(mine * (16 if symmetric else 8), its, rtol=1e-3, atol=1e-5)


class Views(TensorDataset):
    """(anchor, positive or negative, label), for their trainer of two streams."""

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        x, label = super().__getitem__(index)
        return x, 0.9 * x, label


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        yield


def their_trainer(kind: str, criterion: nn.Module, model: nn.Module, miner: bool) -> Any:  # noqa: ANN401
    cascaded = kind == "CascadedEmbeddings"
    sizes = {"embedding_sizes": [3, 3]} if cascaded else {}
    loss_funcs = {"metric_loss": criterion}
    if cascaded:
        loss_funcs = {"metric_loss_0": criterion, "metric_loss_1": copy.deepcopy(criterion)}
    if kind == "TrainWithClassifier":
        loss_funcs["classifier_loss"] = nn.CrossEntropyLoss()
    return getattr(trainers, kind)(
        models={"trunk": model},
        optimizers={"trunk_optimizer": torch.optim.SGD(model.parameters(), lr=0.1)},
        batch_size=BATCH,
        loss_funcs=loss_funcs,
        dataset=Views(*data().tensors) if kind == "TwoStreamMetricLoss" else data(),
        mining_funcs={f"tuple_miner{'_0' if cascaded else ''}": miners.MultiSimilarityMiner()} if miner else {},
        data_device=torch.device("cpu"),
        dataloader_num_workers=0,
        loss_weights=None,
        **sizes,
    )


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("miner", [False, True])
@pytest.mark.parametrize("name", criteria())
@pytest.mark.parametrize("kind", ["MetricLossOnly", "TrainWithClassifier", "CascadedEmbeddings", "TwoStreamMetricLoss"])
def test_in_their_trainers_and_testers(kind: str, name: str, miner: bool) -> None:
    model = encoder()
    criterion = criteria()[name]
    if kind == "CascadedEmbeddings" and name == "CrossBatchMemory":
        criterion = CrossBatchMemory(wl.Criterion("ms-loss"), 3, SIZE)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    trainer = their_trainer(kind, criterion, model, miner)
    trainer.train(num_epochs=2)
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    if name == "MemoryCriterion":
        rows = BATCH * (2 if kind == "TwoStreamMetricLoss" else 1)
        assert int(criterion.state_dict()["bank.seen"]) == 2 * 4 * rows
    if kind == "MetricLossOnly":
        tester = testers.GlobalEmbeddingSpaceTester(
            dataloader_num_workers=0,
            data_device=torch.device("cpu"),
            accuracy_calculator=AccuracyCalculator(include=("precision_at_1",), device=torch.device("cpu")),
        )
        accuracy = tester.test({"val": data(seed=1)}, 1, model)["val"]["precision_at_1_level0"]
        x, labels = data(seed=1).tensors
        rows = nn.functional.normalize(model(x).detach())
        assert accuracy == pytest.approx(wl.retrieval.evaluate(rows, labels)["R@1"])


@pytest.mark.usefixtures("quiet")
def test_their_trainers_step_is_the_plain_loops() -> None:
    """Without shuffling, the same values as the loop above."""
    model, criterion = encoder(), criteria()["MemoryCriterion"]
    trainer = their_trainer("MetricLossOnly", criterion, model, miner=False)
    trainer.sampler = torch.utils.data.SequentialSampler(trainer.dataset)
    trainer.train(num_epochs=1)
    truth = steps(encoder(), criteria()["MemoryCriterion"])
    same((truth[0], list(model.parameters())), truth)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("accumulate", [1, 2])
def test_in_lightning(accumulate: int, tmp_path: Path) -> None:
    """As in a plain loop; its checkpoint has the bank and the momentum encoder, and a module made anew takes them."""
    from lightning import pytorch as lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = encoder()
            momentum = momentum_encoder(self.model, 0.9)
            self.criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), SIZE, momentum)

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            value: Tensor = self.criterion(self.model(batch[0]), batch[1], inputs=batch[0])
            return value

        def validation_step(self, batch: list[Tensor], index: int) -> None:
            before = len(self.criterion.bank)
            self.log("value", self.criterion(self.model(batch[0]), batch[1]))
            assert len(self.criterion.bank) == before

        def optimizer_step(self, *given: Any, **named: Any) -> None:  # noqa: ANN401
            super().optimizer_step(*given, **named)
            self.criterion.momentum_encoder.update_parameters(self.model)  # type: ignore[operator, union-attr]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.model.parameters(), lr=0.1)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accumulate_grad_batches=accumulate,
        default_root_dir=tmp_path,
    )
    module = Module()
    trainer.fit(module, DataLoader(data(), BATCH), DataLoader(data(seed=1), BATCH))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    found = Module.load_from_checkpoint(tmp_path / "last.ckpt")
    state, truth = found.state_dict(), module.state_dict()
    assert int(state["criterion.bank.seen"]) == 4 * BATCH
    plain = Module()
    optimizer, (x, labels) = plain.configure_optimizers(), data().tensors
    for number, rows in enumerate(torch.arange(4 * BATCH).split(BATCH), start=1):
        (plain.training_step([x[rows], labels[rows]], 0) / accumulate).backward()
        if number % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
            plain.criterion.momentum_encoder.update_parameters(plain.model)  # type: ignore[operator, union-attr]
    for name, value in plain.state_dict().items():
        assert torch.allclose(state[name], value, atol=1e-6), name
    assert state.keys() == truth.keys()
    assert all(torch.equal(state[name], truth[name]) for name in truth)
