"""The weight functions: one file each, holding its weights, its integral, its ranges and its text.

A new function is a file here and its class in `ALL` below; the grammar, recomposition and tests find it there.
"""

from __future__ import annotations

from weightlab.assignment.function import WeightFunction
from weightlab.assignment.functions.below import Below
from weightlab.assignment.functions.combined import Product, Sum
from weightlab.assignment.functions.constant import Constant
from weightlab.assignment.functions.custom import Custom
from weightlab.assignment.functions.easy import Easy
from weightlab.assignment.functions.exponential import Exponential
from weightlab.assignment.functions.linear import Linear
from weightlab.assignment.functions.power import Power
from weightlab.assignment.functions.semihard import SemiHard
from weightlab.assignment.functions.sigmoid import Sigmoid
from weightlab.assignment.functions.softmax import Softmax
from weightlab.assignment.functions.spline import Spline
from weightlab.assignment.functions.step import Step
from weightlab.assignment.functions.top import Top
from weightlab.assignment.functions.window import Window

__all__ = [
    "ALL",
    "Below",
    "Constant",
    "Custom",
    "Easy",
    "Exponential",
    "Linear",
    "Power",
    "Product",
    "SemiHard",
    "Sigmoid",
    "Softmax",
    "Spline",
    "Step",
    "Sum",
    "Top",
    "Window",
    "names",
]

ALL: tuple[type[WeightFunction], ...] = (
    Constant,
    Step,
    Easy,
    Window,
    Linear,
    Power,
    Exponential,
    Sigmoid,
    Softmax,
    Top,
    Spline,
    Below,
    SemiHard,
)


def names() -> list[str]:
    """The names of all weight functions that a text can call, in the order of the design."""
    return [function.name for function in ALL]
