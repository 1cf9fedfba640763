"""Nearest neighbours and retrieval metrics."""

from weightlab.retrieval.metrics import evaluate
from weightlab.retrieval.nearest import neighbours

__all__ = ["evaluate", "neighbours"]
