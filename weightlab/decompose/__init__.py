"""The decomposition engine: any pair-wise loss becomes its weight functions."""

from weightlab.decompose.comparison import Comparison, compare
from weightlab.decompose.contexts import Context
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.engine import decompose
from weightlab.decompose.integrable import Integrability, integrability
from weightlab.decompose.recomposition import Recomposed, recompose

__all__ = [
    "Comparison",
    "Context",
    "Decomposition",
    "Integrability",
    "Recomposed",
    "compare",
    "decompose",
    "integrability",
    "recompose",
]
