"""weightlab: see, assign and study the pair weights of deep metric learning losses."""

from weightlab import losses
from weightlab.assignment import Assignment, assign
from weightlab.decompose import (
    Comparison,
    Context,
    Decomposition,
    Integrability,
    Recomposed,
    compare,
    decompose,
    integrability,
    recompose,
)
from weightlab.errors import InputError
from weightlab.pairs import Pairs, PairWeights, Weighting

__all__ = [
    "Assignment",
    "Comparison",
    "Context",
    "Decomposition",
    "InputError",
    "Integrability",
    "PairWeights",
    "Pairs",
    "Recomposed",
    "Weighting",
    "assign",
    "compare",
    "decompose",
    "integrability",
    "losses",
    "recompose",
]
__version__ = "0.1.0"
