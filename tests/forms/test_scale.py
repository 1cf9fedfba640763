"""What weights are divided by, in closed cases."""

from __future__ import annotations

import math

import pytest
import torch

from weightlab.forms import Scale
from weightlab.forms.scale import divided, size_of

WEIGHTS = [1.0, -1.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("scale", "size", "expected"),
    [
        ("raw", 1, [1, -1, 2, 0]),
        ("mean", 3, [1 / 3, -1 / 3, 2 / 3, 0]),  # three are not 0
        ("mass", 4, [1 / 4, -1 / 4, 1 / 2, 0]),  # by Σ |w|, not by Σ w = 2
    ],
)
def test_closed_cases(scale: Scale, size: float, expected: list[float]) -> None:
    weight = torch.tensor(WEIGHTS, dtype=torch.float64)
    found = size_of(weight, scale)
    assert found.item() == size
    torch.testing.assert_close(divided(weight, found), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", ["raw", "mean", "mass"])
@pytest.mark.parametrize("shape", [(0,), (5,), (2, 3), (2, 3, 0)])
def test_all_zero_stays_zero(scale: Scale, shape: tuple[int, ...]) -> None:
    weight = torch.zeros(shape)
    size = size_of(weight, scale)
    assert size.shape == shape[:-1]
    assert size.dtype == weight.dtype
    assert torch.equal(divided(weight, size[..., None]), weight)


@pytest.mark.parametrize("scale", ["raw", "mean", "mass"])
def test_each_row_has_its_own_size(scale: Scale) -> None:
    weight = torch.tensor([WEIGHTS, [0, 0, 0, 0], [0.5, 0, 0, 0]], dtype=torch.float64)
    sizes = {
        "raw": [1, 1, 1],
        "mean": [sum(w != 0 for w in row) for row in weight.tolist()],
        "mass": [math.fsum(map(abs, row)) for row in weight.tolist()],
    }
    size = size_of(weight, scale)
    assert size.tolist() == sizes[scale]
    for row, own, whole in zip(weight, divided(weight, size[:, None]), size, strict=True):
        assert torch.equal(own, divided(row, whole))
