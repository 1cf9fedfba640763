"""Small pictures for tests of data sets: each is a function of its number, and all differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["draw", "folder_of"]


def draw(path: Path, number: int = 0, size: tuple[int, int] = (20, 16), **options: Any) -> Path:  # noqa: ANN401
    """A picture of width × height pixels at `path`, whose suffix says the format; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(values).save(path, **options)
    return path


def folder_of(root: Path, classes: int = 6, images: int = 3, part: str = "") -> Path:
    """A folder a class, c0, c1, …, with images 0.png, 1.png, … in it."""
    for row in range(classes * images):
        draw(root / part / f"c{row // images}" / f"{row % images}.png", row)
    return root
