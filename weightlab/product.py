"""Cosine similarities as a product that autocast leaves alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from weightlab.precision import exact, wide

__all__ = ["cosines", "product"]


def cosines(anchors: Tensor, references: Tensor) -> Tensor:
    """a_i · r_j, [B, R], of rows of length 1, [B, D] and [R, D], in the anchors' type, float32 at least.

    Differentiable any number of times. Autocast lowers neither the product nor its derivatives, which are products too,
    made wherever `backward` is called.
    """
    anchors = wide(anchors)
    return product(anchors, references.to(anchors.dtype).T)


class _Product(torch.autograd.Function):
    """A·B, whose derivatives G·Bᵀ and Aᵀ·G are such products themselves."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(a, b)
        with exact():
            return a @ b

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:  # noqa: ANN401
        (a, b), (gradient,) = ctx.saved_tensors, gradients
        by_a, by_b = ctx.needs_input_grad
        return product(gradient, b.T) if by_a else None, product(a.T, gradient) if by_b else None


def product(a: Tensor, b: Tensor) -> Tensor:
    """A·B, differentiable any number of times, which autocast leaves alone."""
    of_both: Tensor = _Product.apply(a, b)  # type: ignore[no-untyped-call]
    return of_both
