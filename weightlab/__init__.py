"""weightlab: see, assign and study the pair weights of deep metric learning losses."""

from weightlab import losses
from weightlab.assignment import Assignment, assign
from weightlab.decompose import Context, Decomposition, decompose
from weightlab.errors import InputError
from weightlab.pairs import Pairs, PairWeights, Weighting

__all__ = [
    "Assignment",
    "Context",
    "Decomposition",
    "InputError",
    "PairWeights",
    "Pairs",
    "Weighting",
    "assign",
    "decompose",
    "losses",
]
__version__ = "0.1.0"
