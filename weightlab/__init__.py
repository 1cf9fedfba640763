"""weightlab: see, assign and study the pair weights of deep metric learning losses.

wl.decompose, wl.compare, wl.recompose, wl.integrability: from losses to weight functions, and back.
wl.losses, wl.assign, wl.contexts: what there is to decompose, to train with, and to decompose it in.
wl.diagnose: what one's own embeddings say about losses, margins and labels.
wl.surrogate, wl.MemoryBank, wl.Criterion, wl.MemoryCriterion: a training step's gradient, against a memory, in loops of
one's own.
wl.train, wl.retrieval: whole runs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from weightlab import losses
from weightlab.assignment import Assignment, as_weighting, assign
from weightlab.decompose import (
    Comparison,
    Context,
    Decomposition,
    Integrability,
    Recomposed,
    Subject,
    compare,
    contexts,
    integrability,
    recompose,
)
from weightlab.errors import InputError
from weightlab.pairs import Pairs, PairWeights, References, Weighting

if TYPE_CHECKING:
    from weightlab import data, forms, memory, models, retrieval, step, testing, train
    from weightlab.criterion import Criterion, MemoryCriterion
    from weightlab.decompose import decompose
    from weightlab.diagnose import diagnose
    from weightlab.memory import MemoryBank
    from weightlab.step import surrogate
else:
    from weightlab import decompose, forms  # the package `decompose`, which can be called

__all__ = [
    "Assignment",
    "Comparison",
    "Context",
    "Criterion",
    "Decomposition",
    "InputError",
    "Integrability",
    "MemoryBank",
    "MemoryCriterion",
    "PairWeights",
    "Pairs",
    "Recomposed",
    "References",
    "Subject",
    "Weighting",
    "as_weighting",
    "assign",
    "compare",
    "contexts",
    "data",
    "decompose",
    "diagnose",
    "forms",
    "integrability",
    "losses",
    "memory",
    "models",
    "recompose",
    "retrieval",
    "step",
    "surrogate",
    "testing",
    "train",
]
__version__ = "0.1.0"

_PACKAGES = (
    "data",
    "diagnose",  # which can be called, as `decompose` can
    "memory",
    "models",
    "retrieval",
    "step",
    "testing",
    "train",
)  # these need torch: imported when used
_FROM = {
    "Criterion": "weightlab.criterion",
    "MemoryBank": "weightlab.memory",
    "MemoryCriterion": "weightlab.criterion",
    "surrogate": "weightlab.step",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the package holds)
    if name in _PACKAGES:
        return importlib.import_module(f"weightlab.{name}")
    if name in _FROM:
        return getattr(importlib.import_module(_FROM[name]), name)
    raise AttributeError(f"module 'weightlab' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PACKAGES, *_FROM])
