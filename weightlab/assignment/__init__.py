"""Direct weight functions, how they are written as text, and Assignment."""

from weightlab.assignment import functions
from weightlab.assignment.assignment import Assignment, Scale, as_weighting, assign
from weightlab.assignment.function import Side, WeightFunction
from weightlab.assignment.functions import *  # noqa: F403 (each of them, so that none is forgotten here)
from weightlab.assignment.given import Weighable, as_function, as_part
from weightlab.assignment.text import parse

__all__ = [
    "Assignment",
    "Scale",
    "Side",
    "Weighable",
    "WeightFunction",
    "as_function",
    "as_part",
    "as_weighting",
    "assign",
    "parse",
]
__all__ += functions.__all__
