"""A class of one's own as an encoder, by its import path or file: my_models.py:Net(width=3)."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from weightlab.errors import InputError, describe
from weightlab.foreign.guarded import guarded
from weightlab.foreign.imported import ImportPath, Sought, arguments, construct, find, kind_of
from weightlab.literals import Literal
from weightlab.models.kind import Wanted

__all__ = ["Own", "build", "check"]

_LENT = ("shape", "dimensions")  # what a class is told if its arguments have these names


class Own(nn.Module):
    """Others' encoder: its embeddings, L2-normalised, whether it has done so or not.

    Whatever it prints goes to standard error, whatever it raises becomes an InputError.

    name: as messages have it.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.network, self.name = network, name

    def forward(self, inputs: Tensor) -> Tensor:
        """The embeddings of the inputs."""
        with guarded(f"{self.name} fails"):
            embeddings = self.network(inputs)
        if not isinstance(embeddings, Tensor) or embeddings.ndim != 2 or len(embeddings) != len(inputs):
            raise InputError(
                f"{self.name} gives {describe(embeddings)} for inputs {list(inputs.shape)}: it must give embeddings, "
                "a tensor of floats [n, dimensions]"
            )
        return nn.functional.normalize(embeddings.float(), dim=1)


def check(text: str) -> None:
    """Raise InputError unless `text` names a class of encoders and arguments that it takes; it is only imported."""
    path, target = _found(text)
    positional, named = arguments(path, _ENCODER, words=True)
    _check_arguments(path, target, positional, _with_lent(target, positional, named, dict.fromkeys(_LENT)))


def build(text: str, wanted: Wanted, seed: int) -> nn.Module:
    """The encoder that `text` names, its embeddings L2-normalised.

    Its class is called with the arguments in the brackets, literals only, and with `shape`, of one row's input, and
    `dimensions`, of the embedding, where it has arguments of these names and they are not given. Random numbers of
    torch, numpy and Python start from `seed`. It is then tried on two inputs.

    Raises InputError where it fails, or gives anything but finite floats [n, dimensions] with a gradient; where it has
    nothing to train, or what can't be copied or saved.
    """
    path, target = _found(text)
    positional, named = arguments(path, _ENCODER, words=True)
    named = _with_lent(target, positional, named, {"shape": wanted.shape, "dimensions": wanted.dimensions})
    _check_arguments(path, target, positional, named)
    numbers = random.getstate(), np.random.get_state()  # noqa: NPY002 (others' code draws from it)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        network = construct(target, path, positional, named)
        model = Own(network, path.place)
        _try(model, wanted)
    finally:
        random.setstate(numbers[0])
        np.random.set_state(numbers[1])  # noqa: NPY002
    return model


def _found(text: str) -> tuple[ImportPath, type[nn.Module]]:
    path, target = find(text, _ENCODER)
    if not inspect.isclass(target):
        raise InputError(f"{path.place} is {kind_of(target)}: an encoder is given as its class, a torch.nn.Module")
    if not issubclass(target, nn.Module):
        raise InputError(f"{path.place} is a class of no encoders: it must be a torch.nn.Module")
    return path, target


def _with_lent(
    target: type, positional: list[Literal], named: Mapping[str, Literal], lent: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments by name, with those that are lent where the class takes them and has not been given them."""
    names = list(_signature(target).parameters)
    taken = [*names[: len(positional)], *named]
    return {**named, **{name: value for name, value in lent.items() if name in names and name not in taken}}


def _check_arguments(path: ImportPath, target: type, positional: list[Literal], named: Mapping[str, Any]) -> None:
    with guarded(f"{path.source}:{path.title}"):
        _signature(target).bind(*positional, **named)


def _signature(target: type) -> inspect.Signature:
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):  # of a class that does not say
        anything = inspect.Parameter("arguments", inspect.Parameter.VAR_POSITIONAL)
        return inspect.Signature([anything, inspect.Parameter("named", inspect.Parameter.VAR_KEYWORD)])


def _try(model: Own, wanted: Wanted) -> None:
    """On two inputs, as in evaluation, which leaves running means as they are."""
    with guarded(f"{model.name} fails"):
        model.eval()
    with torch.enable_grad():
        found = model(torch.rand(2, *wanted.shape))
    if not bool(found.isfinite().all()):
        raise InputError(f"{model.name} gives embeddings that are not finite")
    if found.shape[1] != wanted.dimensions:
        raise InputError(
            f"{model.name} gives embeddings of {found.shape[1]} dimensions, not {wanted.dimensions}: "
            f"pass --dimensions {found.shape[1]}"
        )
    if not any(each.requires_grad for each in model.parameters()):
        raise InputError(f"{model.name} has no parameter to train")
    if not found.requires_grad:
        raise InputError(f"{model.name} gives embeddings without a gradient (a detach, no_grad?)")
    with guarded(f"{model.name} can't be copied and saved"):
        state = copy.deepcopy(model.train()).state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise InputError(f"{model.name} has a state that is no tensor and can't be saved: {', '.join(others)}")


def _could_be_encoder(found: object) -> bool:
    return inspect.isclass(found) and issubclass(found, nn.Module)


_ENCODER = Sought(
    what="model",
    could_be=_could_be_encoder,
    lacking="no class that is a torch.nn.Module",
    form="package.module:Class(argument=literal) or file.py:Class",
    example="(width=3)",
)
