"""Training on a data set that was made in Python."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from weightlab.data import Dataset, Draw, Split
from weightlab.errors import InputError
from weightlab.train import TrainConfig, checkpoint, embed_run, evaluate, evaluate_run, train

CONFIG = TrainConfig(steps=3, width=4, dimensions=8, memory=64, memory_start=1, batch=8, per_class=2, seed=1)


@dataclass(frozen=True, eq=False)
class Noise:
    """Images of noise around one of each class."""

    labels: Tensor
    shape: tuple[int, ...] = (3, 9, 11)
    slow: bool = False

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        made = []
        for row in index.tolist():
            generator = torch.Generator().manual_seed(int(self.labels[row]))
            made.append(torch.rand(self.shape, generator=generator))
        noise = 0 if draw is None else 0.1 * torch.rand(1, generator=torch.Generator().manual_seed(draw.step))
        return torch.stack(made) * 0.9 + noise


def split(classes: int, categories: Tensor | None = None) -> Split:
    labels = torch.arange(classes).repeat_interleave(4)
    return Split(labels, Noise(labels), categories)


MINE = Dataset("mine", split(12), split(6), ks=(1, 3), notes=("made of noise",))


def test_a_run_on_it_has_its_name_and_its_protocol(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        result = train(CONFIG, dataset=MINE, out=tmp_path)
    assert caplog.messages == ["made of noise"]
    assert list(result.metrics) == ["R@1", "R@3", "MAP@R"]
    assert checkpoint.read_config(tmp_path).data == "given:mine"
    assert evaluate_run(tmp_path, MINE) == result.metrics
    assert embed_run(tmp_path, MINE)[0].shape == (24, 8)
    for ask in (evaluate_run, embed_run):
        with pytest.raises(InputError, match="'mine' was given in Python: hand it over again"):
            ask(tmp_path)


def test_a_run_on_it_goes_on(tmp_path: Path) -> None:
    losses: dict[int, float] = {}

    def stop(step: int, loss: float) -> None:
        losses[step] = loss
        if step == 2:
            raise KeyboardInterrupt

    whole: dict[int, float] = {}
    train(CONFIG, dataset=MINE, on_step=whole.__setitem__)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, dataset=MINE, on_step=stop, out=tmp_path)
    train(CONFIG, dataset=MINE, on_step=losses.__setitem__, out=tmp_path)
    assert losses == whole
    with pytest.raises(InputError, match="holds a run of another configuration"):
        train(CONFIG, dataset=Dataset("other", MINE.train, MINE.test), out=tmp_path)


def test_batches_are_spread_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    categories = torch.arange(12).repeat_interleave(4) // 6
    seen: list[Tensor] = []
    rows = split(12, categories)

    def watched(index: Tensor, draw: Draw | None = None) -> Tensor:
        seen.append(categories[index])
        return Noise(rows.labels)(index, draw)

    watched.shape, watched.slow = (3, 9, 11), False  # type: ignore[attr-defined]
    mine = Dataset("mine", Split(rows.labels, watched, categories), MINE.test)
    train(CONFIG.model_copy(update={"spread": "within"}), dataset=mine)
    assert [len(some.unique()) for some in seen] == [1] * 3
    with pytest.raises(InputError, match="batches within categories need data that have them"):
        train(CONFIG.model_copy(update={"spread": "within"}), dataset=MINE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": torch.tensor([0, 2])}, "labels must be numbered from 0 without gaps"),
        ({"labels": torch.tensor([[0, 1]])}, "labels must be whole numbers"),
        ({"labels": torch.tensor([], dtype=torch.int64)}, "labels: there are no rows"),
        ({"categories": torch.tensor([0])}, "categories must be 2, one for each row, not 1"),
        ({"is_query": torch.tensor([1, 0])}, "is_query must be a bool tensor"),
        ({"is_gallery": torch.tensor([False, False])}, "no row is in the gallery"),
        ({"is_query": torch.tensor([False, False])}, "no row is a query"),
        ({"paths": ["a"]}, "paths must be 2, one for each row, not 1"),
        ({"class_names": ["a"]}, "labels are of 2 numbers, their names 1"),
    ],
)
def test_a_split_that_does_not_fit_itself(changes: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"labels": torch.tensor([0, 1]), "inputs": Noise(torch.tensor([0, 1]))}
    with pytest.raises(InputError, match=message):
        Split(**(given | changes))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Directions:
    """Vectors of the plane, by their angles in degrees."""

    angles: Tensor
    shape: tuple[int, ...] = (2,)
    slow: bool = False

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        angles = self.angles[index].deg2rad()
        return torch.stack([angles.cos(), angles.sin()], dim=1)


def test_queries_are_searched_in_the_gallery_alone() -> None:
    """Among all rows the first two find each other; in the gallery (60° and 10°) each query's class is the farther."""
    rows = Directions(torch.tensor([0.0, 1, 60, 10, 100]))
    labels = torch.tensor([0, 0, 0, 1, 1])
    is_query = torch.tensor([True, True, False, False, True])
    everywhere = evaluate(torch.nn.Identity(), Split(labels, rows), ks=(1, 2))
    apart = evaluate(torch.nn.Identity(), Split(labels, rows, is_query=is_query, is_gallery=~is_query), ks=(1, 2))
    assert everywhere["R@1"] == 0.4
    assert apart == {"R@1": 0, "R@2": 1, "MAP@R": 0}
