"""Training: configuration, loop, checkpoint, evaluation."""

from weightlab.train.config import TrainConfig
from weightlab.train.evaluation import TrainingError, embed_run, evaluate, evaluate_run
from weightlab.train.loop import train
from weightlab.train.result import TrainResult

__all__ = ["TrainConfig", "TrainResult", "TrainingError", "embed_run", "evaluate", "evaluate_run", "train"]
