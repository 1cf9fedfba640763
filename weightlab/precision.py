"""Similarities and weights at full precision, also where autocast would lower them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["exact", "wide"]

_DEVICES = ("cpu", "cuda", "mps", "xpu")  # where torch has autocast without another package


@contextmanager
def exact() -> Iterator[None]:
    """Inside, or in a function that it decorates, autocast lowers nothing, whatever the device."""
    lowering = [device for device in _DEVICES if torch.is_autocast_enabled(device)]
    if not lowering:  # a step passes here a dozen times
        yield
        return
    with ExitStack() as stack:
        for device in lowering:
            stack.enter_context(torch.autocast(device, enabled=False))
        yield


def wide(x: Tensor) -> Tensor:
    """x in float32 at least: half precision keeps 8 or 11 bits of a product, and overflows in sums over thousands."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
