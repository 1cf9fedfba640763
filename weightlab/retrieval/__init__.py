"""Nearest neighbours and retrieval metrics."""

from weightlab.retrieval.metrics import evaluate
from weightlab.retrieval.neighbours import neighbours

__all__ = ["evaluate", "neighbours"]
