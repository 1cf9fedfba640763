"""Nearest neighbours and retrieval metrics."""

from weightlab.retrieval.chosen import Examples, examples
from weightlab.retrieval.evaluation import Evaluation, measure
from weightlab.retrieval.metrics import evaluate
from weightlab.retrieval.nearest import neighbours

__all__ = ["Evaluation", "Examples", "evaluate", "examples", "measure", "neighbours"]
