"""Random contexts as Hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from weightlab.pairs import Pairs
from weightlab.testing import random_pairs


@st.composite
def contexts(draw: st.DrawFn) -> Pairs:
    """Hypothesis shapes the contexts; their values come from a seed that it draws."""
    return random_pairs(
        seed=draw(st.integers(0, 2**32 - 1)),
        anchors=draw(st.integers(1, 8)),
        references=draw(st.sampled_from([1, 2, 3, 7, 20])),
        special=draw(st.sampled_from([0.0, 0.2, 0.9])),
    )
