"""The decomposition engine: any pair-wise loss becomes its weight functions."""

from weightlab.decompose.contexts import Context
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.engine import decompose

__all__ = ["Context", "Decomposition", "decompose"]
