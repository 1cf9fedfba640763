"""Training: configuration, loop, checkpoint, evaluation.

What is public here is imported when asked for, as all but the configuration needs torch, and a study's status does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightlab.train.config import TrainConfig
    from weightlab.train.evaluation import TrainingError, embed_run, evaluate, evaluate_run
    from weightlab.train.loop import train
    from weightlab.train.result import TrainResult

__all__ = ["TrainConfig", "TrainResult", "TrainingError", "embed_run", "evaluate", "evaluate_run", "train"]

_MODULES = {
    "TrainConfig": "config",
    "TrainResult": "result",
    "TrainingError": "evaluation",
    "embed_run": "evaluation",
    "evaluate": "evaluation",
    "evaluate_run": "evaluation",
    "train": "loop",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
