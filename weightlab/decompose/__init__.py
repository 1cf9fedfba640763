"""The decomposition engine: any pair-wise loss becomes its weight functions.

The package can be called: `weightlab.decompose("ms-loss")` is `weightlab.decompose.decompose("ms-loss")`, and so the
name that users call does not hide the package, nor `import weightlab.decompose.contexts`.
"""

import sys
from types import ModuleType
from typing import Any

from weightlab.decompose.comparison import Comparison, compare
from weightlab.decompose.contexts import Context
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.engine import decompose
from weightlab.decompose.integrable import Integrability, integrability
from weightlab.decompose.recomposed import Recomposed
from weightlab.decompose.recomposition import recompose
from weightlab.decompose.subject import Subject

__all__ = [
    "Comparison",
    "Context",
    "Decomposition",
    "Integrability",
    "Recomposed",
    "Subject",
    "compare",
    "decompose",
    "integrability",
    "recompose",
]


class _Callable(ModuleType):
    __call__: Any = staticmethod(decompose)
    __wrapped__ = staticmethod(decompose)  # what `help` and `inspect.signature` show


sys.modules[__name__].__class__ = _Callable
__doc__ = f"{decompose.__doc__}\n\n{__doc__}"  # what `wl.decompose?` and `help(wl.decompose)` show
