"""Encoders: images to L2-normalised embeddings, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from weightlab.errors import InputError, check_whole, reason, shown, unknown
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "check", "names"]

_MOST_SIZE = 2**31 - 1  # channels: far beyond any memory, and within what torch counts
_MOST_SEED = 2**64 - 1  # torch takes no more


def _cnn(channels: int, width: int, dimensions: int) -> nn.Module:
    from weightlab.models.cnn import CNN  # a module's class needs torch at once

    return CNN(channels, width, dimensions)


def _linear(features: int, width: int, dimensions: int) -> nn.Module:
    from weightlab.models.linear import Linear

    return Linear(features, dimensions)


_MODELS: dict[str, Callable[[int, int, int], nn.Module]] = {"cnn": _cnn, "linear": _linear}
_ON_FEATURES = ("linear",)


def names() -> list[str]:
    """Every encoder's name."""
    return sorted(_MODELS)


def check(name: str) -> None:
    """Raise InputError unless there is an encoder `name`."""
    if name not in names():  # whatever it is: not everything can be a key
        raise unknown("model", name, _MODELS)


def build(
    name: str, *, shape: Sequence[int] = (1, 24, 24), width: int = 32, dimensions: int = 64, seed: int = 0
) -> nn.Module:
    """The encoder `name`: float32 [n, *shape] to L2-normalised [n, dimensions].

    shape: of one row's input, (channels, height, width in pixels). width: channels of its first layer, which the others
    are multiples of. The same `seed` gives the same initial weights; torch's own random state stays as it was. Raises
    InputError for an unknown name, a number below 1 or one that memory can't hold.
    """
    check(name)
    if name in _ON_FEATURES and len(shape) != 1:
        raise InputError(f"{name} takes features, [dimensions], not rows of shape {list(shape)}")
    if name not in _ON_FEATURES and len(shape) != 3:
        hint = "; for features there are linear and mlp" if len(shape) == 1 else ""
        raise InputError(f"{name} takes images, [channels, height, width], not rows of shape {list(shape)}{hint}")
    sizes = (("channels", shape[0]), ("width", width), ("dimensions", dimensions))
    channels, width, dimensions = (check_whole(what, value, 1, _MOST_SIZE) for what, value in sizes)
    seed = check_whole("seed", seed, 0, _MOST_SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return _MODELS[name](channels, width, dimensions)
        except (RuntimeError, MemoryError) as error:
            raise InputError(
                f"can't build '{name}' of width {shown(width)} and {shown(dimensions)} dimensions: {reason(error)}"
            ) from error
