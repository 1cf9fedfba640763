"""Direct weight functions, how they are written as text, and Assignment."""

from weightlab.assignment.assignment import Assignment, Scale, assign
from weightlab.assignment.functions import (
    Constant,
    Easy,
    Exponential,
    Linear,
    Power,
    Product,
    Side,
    Sigmoid,
    Softmax,
    Spline,
    Step,
    Sum,
    Top,
    WeightFunction,
    Window,
)
from weightlab.assignment.text import parse

__all__ = [
    "Assignment",
    "Constant",
    "Easy",
    "Exponential",
    "Linear",
    "Power",
    "Product",
    "Scale",
    "Side",
    "Sigmoid",
    "Softmax",
    "Spline",
    "Step",
    "Sum",
    "Top",
    "WeightFunction",
    "Window",
    "assign",
    "parse",
]
