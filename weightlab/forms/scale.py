"""How the weights of an anchor's pairs of one sign are scaled together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Scale", "divided", "part_of_size", "size_of"]

Scale = Literal["raw", "mean", "mass"]


def size_of(weight: Tensor, scale: Scale) -> Tensor:
    """What weights of the last dimension, [..., R], are divided by, [...]: 1, how many are not 0, or Σ |w|."""
    if scale == "raw":
        return weight.new_ones(weight.shape[:-1])
    return (weight != 0).sum(-1).to(weight.dtype) if scale == "mean" else weight.abs().sum(-1)


def part_of_size(weight: Tensor, scale: Scale) -> Tensor:
    """What each weight adds to that by which "mean" or "mass" divide it: 1 where it is not 0, or |w|."""
    return weight.abs() if scale == "mass" else (weight != 0).to(weight.dtype)


def divided(weight: Tensor, size: Tensor) -> Tensor:
    """weight / size, and the weight as it is (0) where the size is 0."""
    return weight / torch.where(size > 0, size, 1)
