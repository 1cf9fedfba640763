"""Diagnosis: what one's own embeddings say about classes, labels, losses and margins.

The package can be called: `weightlab.diagnose(embeddings, labels)` is `weightlab.diagnose.engine.diagnose`, and so the
name that users call does not hide the package.
"""

import sys
from types import ModuleType
from typing import Any

from weightlab.diagnose.diagnosis import Diagnosis
from weightlab.diagnose.engine import DEFAULTS, diagnose
from weightlab.diagnose.estimate import Estimate
from weightlab.diagnose.finding import Finding

__all__ = ["DEFAULTS", "Diagnosis", "Estimate", "Finding", "diagnose"]


class _Callable(ModuleType):
    __call__: Any = staticmethod(diagnose)
    __wrapped__ = staticmethod(diagnose)  # what `help` and `inspect.signature` show


sys.modules[__name__].__class__ = _Callable
__doc__ = f"{diagnose.__doc__}\n\n{__doc__}"  # what `wl.diagnose?` and `help(wl.diagnose)` show
