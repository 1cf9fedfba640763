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
    """Whether torchvision has its operators."""
    found = find_spec("torchvision")
    assert found is not None, "pip install 'weightlab[test]'"
    assert found.origin is not None
    try:
        torch.ops.load_library(Path(found.origin).parent / "_C.so")
    except OSError:
        return False
    return True
