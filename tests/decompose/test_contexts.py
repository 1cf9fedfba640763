"""Contexts: what they are made of is looked at where they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from weightlab import InputError, contexts
from weightlab.decompose.contexts import Drawn, Measured, Normal, RandomDirections, Sample

HALF = Normal(0.5, 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.5, 0), "std must be above 0"),
        (lambda: Normal(0.5, -1.0), "std must be above 0"),
        (lambda: Normal(float("nan"), 0.1), "mean must be finite"),
        (lambda: Normal("0.5", 0.1), "mean must be a number"),
        (lambda: Normal(2, 0.1), r"mean=2.0 with std=0.1 has almost nothing in \[-1, 1\]"),
        (lambda: Normal(-10, 1), "almost nothing"),
        (lambda: RandomDirections(1), "dimensions must be a whole number of at least 2"),
        (lambda: RandomDirections(2.5), "dimensions must be"),
        (
            lambda: Sample(torch.zeros(2), torch.zeros(2, 2)),
            r"positive must be a floating-point tensor \[contexts, pairs\]",
        ),
        (lambda: Sample(torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.int64)), "negative must be a floating-point"),
        (lambda: Sample(torch.zeros(2, 2), torch.zeros(3, 2)), "positive has 2 contexts, negative 3"),
        (lambda: Sample(torch.full((1, 1), 2.0), torch.zeros(1, 1)).pairs, "similarity runs from 0 to 2"),
        (lambda: Drawn("x", HALF, 0.5), "negative must be a distribution, Normal or RandomDirections, not float"),
        (lambda: Drawn("x", HALF, HALF, 0, 3), "positives must be a whole number"),
        (lambda: Drawn("x", HALF, HALF, 2, 2.5), "negatives must be a whole number"),
        (lambda: contexts.get(None), "a context's name must be a text, not NoneType"),
        (lambda: contexts.get("trained").sample(0), "count must be a whole number of 1 to"),
        (lambda: contexts.get("trained").sample(2.5), "count must be"),
        (lambda: contexts.get("trained").sample(2, -1), "seed must be a whole number of at least 0"),
        (lambda: Measured("x", np.eye(4), [0, 0, 1, 1]).sample(2, "1"), "seed must be"),
        (lambda: Measured("x", np.eye(4), [0, 0, 1, 1], 0), "positives must be"),
    ],
)
def test_what_is_no_context(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("normal", [Normal(0, 1e-6), Normal(1.5, 0.1), Normal(-4, 0.5), Normal(0, 1e6), HALF])
def test_normals_lie_within_their_cut(normal: Normal) -> None:
    found = normal.quantile(np.linspace(0, 1, 101))
    assert np.isfinite(found).all()
    assert -1 <= found.min() <= found.max() <= 1
    assert (np.diff(found) >= 0).all()


def test_a_measured_context_of_any_type() -> None:
    rows, labels = torch.eye(6).double(), [0, 0, 1, 1, 2, 2]
    expected = Measured("x", rows, torch.tensor(labels), 2, 3).sample(4)
    for given in (rows.numpy(), rows.tolist(), rows.clone().requires_grad_(), rows.half()):
        found = Measured("x", given, np.array(labels, dtype=float), 2, 3).sample(4)
        assert torch.equal(found.positive, expected.positive)
        assert torch.equal(found.negative, expected.negative)
        assert not found.positive.requires_grad
