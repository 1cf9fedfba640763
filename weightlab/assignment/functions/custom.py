"""A weight function of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightlab.assignment.function import LARGEST, Side, WeightFunction
from weightlab.errors import InputError, describe, reason
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.pairs import Sign


@dataclass(frozen=True)
class Custom(WeightFunction):
    """w = any function of the similarity: `Custom(lambda s: s * (s > 0.5))`; the same for either sign.

    function: similarities in [−1, 1], a tensor of any shape, to weights of that shape, each of its own similarity
        alone.

    Weights beyond ±10³⁰ are refused, and weights are as precise as what the function makes of float32 similarities.
    Two are equal where the function is the same. There is no text that reads back as one.
    Raises InputError for a function that fails, gives something else, or looks at the other similarities.
    """

    function: Callable[[Tensor], Tensor]

    name: ClassVar[str] = "custom"

    def __post_init__(self) -> None:
        s = torch.linspace(-1, 1, 9, dtype=torch.float64)
        together = self._weights(s, torch.ones_like(s).bool())
        mixed = torch.tensor([4, 8, 1, 6, 0, 3, 7, 2, 5])
        # the last lacks both ends, and the middle is not its mean: a sum, a mean or a maximum of all would show
        for part in (mixed, torch.arange(9).view(3, 3), torch.arange(1, 5)):
            alone, near = self._weights(s[part], torch.ones_like(part).bool()), 1e-9 * float(together.abs().max())
            if not torch.allclose(alone, together[part], rtol=1e-6, atol=near):
                raise InputError(
                    f"{self} must give a similarity the same weight whatever the others are, and each time"
                )

    def __call__(self, s: Tensor, side: Side) -> Tensor:
        """What the function gives, in the type of s. Raises InputError as the class does."""
        return self._weights(s, side.mask)

    def log(self, s: Tensor, side: Side) -> Tensor:
        """log w. Raises InputError for a weight below 0."""
        weights = self(s.double(), side)
        if bool((weights[side.mask] < 0).any()):
            raise InputError(
                f"{self} gives weights below 0: beside functions that float32 can't hold, it must give at least 0"
            )
        return weights.clamp(min=0).log()

    def span(self, sign: Sign) -> tuple[float, float]:
        """Of the similarities from −1 to 1 by hundredths."""
        s = torch.linspace(-1, 1, 201, dtype=torch.float64)
        sizes = self._weights(s, torch.ones_like(s).bool()).abs()
        sizes = sizes[sizes > 0].log()
        return (float(sizes.min()), float(sizes.max())) if len(sizes) else (0.0, -math.inf)

    def __str__(self) -> str:
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def _weights(self, s: Tensor, mask: Tensor) -> Tensor:
        inside = s.clamp(-1, 1)  # a cosine may stray past ±1 by rounding; and a copy, should the function write in it
        try:
            found = self.function(inside)
        except Exception as error:
            raise InputError(f"{self} failed for similarities {list(s.shape)}: {reason(error)}") from error
        if not isinstance(found, torch.Tensor) or found.shape != s.shape or found.is_complex():
            raise InputError(
                f"{self} must give real weights {list(s.shape)}, as the similarities, not {describe(found)}"
            )
        # a copy, as the caller may write in it and the function may keep or repeat what it gave
        weights = found.to(s.device, s.dtype, copy=True, memory_format=torch.contiguous_format)
        wrong = mask & ~(weights.abs() <= LARGEST)
        if bool(wrong.any()):
            at, bad = float(inside[wrong][0]), float(weights[wrong][0])
            raise InputError(
                f"{self} must give finite weights up to {LARGEST:g}, not {bad:g} for the similarity {at:g}"
            )
        return weights
