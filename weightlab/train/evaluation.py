"""Evaluation: retrieval among the images of classes that training has not seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from weightlab import data, retrieval
from weightlab.data.split import Split
from weightlab.errors import RunError
from weightlab.files import AnyPath, as_path
from weightlab.train import checkpoint

__all__ = ["TrainingError", "channels", "embed", "embed_run", "evaluate", "evaluate_run"]


class TrainingError(RunError):
    """A run that can't go on, in one line."""


@torch.no_grad()
def embed(model: nn.Module, split: Split, batch: int = 512) -> Tensor:
    """The embeddings of a split's images as they are stored, [N, D]."""
    model.eval()
    return torch.cat([model(split.images(index)) for index in torch.arange(len(split)).split(batch)])


def evaluate(model: nn.Module, split: Split) -> dict[str, float]:
    """{"R@1", "R@10", "R@100", "MAP@R"} of the split's images against each other, self excluded; fractions.

    Raises TrainingError where an embedding is not finite.
    """
    embeddings = embed(model, split)
    if not bool(embeddings.isfinite().all()):
        raise TrainingError("the encoder's embeddings are not finite: lower the learning rate or the scale")
    return retrieval.evaluate(embeddings, split.labels)


def evaluate_run(folder: AnyPath) -> dict[str, float]:
    """`evaluate` of the run in a folder, on the classes it was set to be tested on.

    Raises InputError where the folder holds no run that is done.
    """
    return evaluate(*_model_and_test(folder))


def embed_run(folder: AnyPath) -> tuple[Tensor, Tensor]:
    """The embeddings [N, D] that a run gives the images it is tested on, and their labels [N].

    Raises InputError where the folder holds no run that is done.
    """
    model, test = _model_and_test(folder)
    return embed(model, test), test.labels


def _model_and_test(given: AnyPath) -> tuple[nn.Module, Split]:
    folder = as_path("folder", given)
    config = checkpoint.read_config(folder)
    test = data.load(config.data, size=config.size, validation=config.validation).test
    return checkpoint.load_model(folder, channels(test)), test


def channels(split: Split) -> int:
    """How many channels the split's images have."""
    return split.images(torch.tensor([0])).shape[1]
