"""What a CPU build of torch lacks for torchvision's wheel from PyPI, which needs CUDA's libraries.

Its operators are then missing, and `import torchvision`, so timm too, fails. With two of them declared, which nothing
here calls, it does not.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

_DECLARED: list[torch.library.Library] = []  # they are there for as long as it is


def declare() -> None:
    """Once a process, before anything imports torchvision."""
    if _DECLARED or _loads():
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _DECLARED.append(library)


def _loads() -> bool:
    """Whether nothing is to be done: torchvision has its operators, or is not there."""
    found = find_spec("torchvision")
    if found is None or found.origin is None:
        return True  # whatever needs it will say so
    try:
        torch.ops.load_library(Path(found.origin).parent / "_C.so")
    except OSError:
        return False
    return True
