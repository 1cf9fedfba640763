"""Made-up embeddings: clusters that are as they should be, and with a known fault."""

from __future__ import annotations

import numpy as np


def clusters(classes: int, each: int, dimensions: int, spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows about random centres, float32 [n, D] of length 1, and their labels. spread: of a row; the centres' is 1."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(classes, dimensions)))
    labels = np.repeat(np.arange(classes), each)
    noise = random.normal(size=(len(labels), dimensions)) / np.sqrt(dimensions)
    return unit(centres[labels] + spread * noise), labels


def shuffled(labels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """With the labels of a share of the rows handed on from one of them to the next."""
    some = np.random.default_rng(seed).choice(len(labels), round(share * len(labels)), replace=False)
    out = labels.copy()
    out[some] = np.roll(labels[some], 1)
    return out


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
