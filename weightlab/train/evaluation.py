"""Evaluation: retrieval among the images of classes that training has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from weightlab import data, retrieval
from weightlab.data.ahead import ahead
from weightlab.data.split import Dataset, Split
from weightlab.errors import RunError
from weightlab.files import AnyPath, as_path
from weightlab.train import checkpoint
from weightlab.train.config import TrainConfig

__all__ = ["TrainingError", "embed", "embed_run", "evaluate", "evaluate_run", "load_data"]


_MOST_ROWS, _MOST_NUMBERS = 512, 2**24  # that are embedded at a time; the numbers are 64 MB, 111 images of 224 pixels


class TrainingError(RunError):
    """A run that can't go on, in one line."""


@torch.no_grad()
def embed(model: nn.Module, split: Split) -> Tensor:
    """The embeddings of a split's rows as they are, without augmentation: [N, D], on the CPU."""
    model.eval()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    batch = max(1, min(_MOST_ROWS, _MOST_NUMBERS // math.prod(split.inputs.shape)))
    parts = torch.arange(len(split)).split(batch)
    inputs = ahead(lambda number: split.inputs(parts[number]), range(len(parts)), slow=split.inputs.slow)
    return torch.cat([model(some.to(device)).cpu() for some in inputs])


def evaluate(model: nn.Module, split: Split, ks: Sequence[int] = (1, 10, 100)) -> dict[str, float]:
    """{"R@1", …, "MAP@R"} of the split's queries in its gallery, self excluded; fractions.

    Raises TrainingError where an embedding is not finite.
    """
    embeddings = embed(model, split)
    if not bool(embeddings.isfinite().all()):
        raise TrainingError("the encoder's embeddings are not finite: lower the learning rate or the scale")
    return retrieval.evaluate(embeddings, split.labels, ks, is_query=split.is_query, is_gallery=split.is_gallery)


def evaluate_run(folder: AnyPath, dataset: Dataset | None = None) -> dict[str, float]:
    """`evaluate` of the run in a folder, on the classes it was set to be tested on; dataset: on the test rows of this.

    Raises InputError where the folder holds no run that is done.
    """
    model, dataset = _model_and_data(folder, dataset)
    return evaluate(model, dataset.test, dataset.ks)


def embed_run(folder: AnyPath, dataset: Dataset | None = None) -> tuple[Tensor, Tensor]:
    """The embeddings [N, D] that a run gives the rows it is tested on, and their labels [N]; dataset: of this one.

    Raises InputError where the folder holds no run that is done.
    """
    model, dataset = _model_and_data(folder, dataset)
    return embed(model, dataset.test), dataset.test.labels


def load_data(config: TrainConfig) -> Dataset:
    """The data set of a run's configuration, as it is set to be loaded. Raises InputError as `data.load` does."""
    return data.load(
        config.data,
        size=config.size,
        augment=config.augment,
        validation=config.validation,
        skip_damaged=config.skip_damaged,
    )


def _model_and_data(given: AnyPath, dataset: Dataset | None) -> tuple[nn.Module, Dataset]:
    folder = as_path("folder", given)
    config = checkpoint.read_config(folder)
    dataset = load_data(config) if dataset is None else dataset
    return checkpoint.load_model(folder, dataset.test.inputs.shape), dataset
