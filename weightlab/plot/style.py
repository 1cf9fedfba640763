"""How every figure looks: colours that the colour-blind tell apart, and sizes for a paper's column."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from weightlab.lazy import plt

__all__ = ["DASHES", "LINE", "NEGATIVE", "POSITIVE", "SERIES", "context"]

POSITIVE = "#0072B2"  # blue and vermilion of Okabe and Ito 2008
NEGATIVE = "#D55E00"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# one more than the colours, so that the eighth curve differs from the first in one of the two
DASHES = (
    "-",
    (0, (4, 1.5)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1)),
    (0, (7, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (1, 2)),
    (0, (9, 1, 3, 1)),
)
LINE = {"positive": "-", "negative": (0, (4, 1.5))}
_PARAMETERS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.8,
    "figure.constrained_layout.use": True,
    "text.usetex": False,  # labels of ours are written for matplotlib's own mathematics
    "text.parse_math": True,
    "savefig.dpi": 200,
    "svg.hashsalt": "weightlab",  # the same figure gives the same file
}


@contextmanager
def context() -> Iterator[None]:
    """Use the style inside a `with` block: `with style.context(): ...`.

    Make a figure of pyplot's before it: a notebook's first one switches on that figures are shown, among the rcParams
    that are all put back after the block. A character that the font lacks becomes a box without a warning each time.
    """
    with plt.rc_context(_PARAMETERS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        yield
