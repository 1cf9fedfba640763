"""Random contexts for the tests: uneven numbers of positives and negatives, anchors with none, ties, exact ±1."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from weightlab.pairs import Pairs

SPECIAL = np.array([-1.0, 0.0, 0.3, 0.4, 0.5, 0.6, 1.0])  # ±1, margins of the losses, and so ties at a margin


def random_pairs(
    seed: int, anchors: int, references: int, special: float = 0.2, dtype: torch.dtype = torch.float64
) -> Pairs:
    """Anchors whose share of positives varies from none to all; a share `special` of values is from SPECIAL."""
    rng = np.random.default_rng(seed)
    shape = (anchors, references)
    centre = rng.uniform(-1, 1, (anchors, 1))
    values = np.clip(centre + rng.normal(0, rng.choice([0.05, 0.3, 1.0]), shape), -1, 1)
    values = np.where(rng.random(shape) < special, rng.choice(SPECIAL, shape), values)
    kind = rng.random(shape)
    share = rng.choice([0.0, 0.1, 0.4, 1.0], (anchors, 1))
    positive = kind < share
    negative = (kind >= share) & (rng.random(shape) < rng.choice([0.0, 0.5, 1.0], (anchors, 1), p=[0.15, 0.3, 0.55]))
    return Pairs(torch.from_numpy(values).to(dtype), torch.from_numpy(positive), torch.from_numpy(negative))


@st.composite
def contexts(draw: st.DrawFn) -> Pairs:
    """Hypothesis shapes the contexts; their values come from a seed that it draws."""
    return random_pairs(
        seed=draw(st.integers(0, 2**32 - 1)),
        anchors=draw(st.integers(1, 8)),
        references=draw(st.sampled_from([1, 2, 3, 7, 20])),
        special=draw(st.sampled_from([0.0, 0.2, 0.9])),
    )
