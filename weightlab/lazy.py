"""The heavy packages, imported when first used, so that `weightlab losses` and `--help` answer at once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["np", "pd", "plt", "sympy", "torch"]


class _Deferred:
    """Stands for a module and imports it at the first attribute that is asked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the module holds)
        value = getattr(importlib.import_module(self._module), name)
        setattr(self, name, value)  # the next look-up is an ordinary attribute
        return value


if TYPE_CHECKING:
    import matplotlib.pyplot as plt
    import numpy as np
    import pandas as pd
    import sympy
    import torch
else:
    np = _Deferred("numpy")
    pd = _Deferred("pandas")
    plt = _Deferred("matplotlib.pyplot")
    sympy = _Deferred("sympy")
    torch = _Deferred("torch")
