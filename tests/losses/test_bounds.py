"""Every parameter has a stated range, at whose ends weights, values and gradients are finite, and none beyond it."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

from weightlab import InputError, losses
from weightlab.losses import Loss
from weightlab.losses.ranked_list import _PushExponent
from weightlab.pairs import Pairs
from weightlab.testing import random_pairs

PARAMETERS = [(loss, name) for loss in losses.ALL for name in losses.ranges(loss)]
LARGEST_HALF = torch.finfo(torch.float16).max
PUBLISHED = [  # A Metric Learning Reality Check for SOP, XBM, and the papers
    *("contrastive(pos_margin=0.959, neg_margin=0.868)", "triplet(margin=0.0451)", "infonce(temperature=0.0002)"),
    *("ms-loss(alpha=8.49, beta=57.38, base=0.41)", "ms-loss(alpha=15.94, beta=156.6, base=0.72, mining_margin=0.34)"),
    *("margin(beta=1.107, alpha=0.092)", "circle(m=0.25, gamma=256)", "circle(m=0.4, gamma=80)", "n-pair(scale=5000)"),
    *("circle(gamma=1024)", "supcon(temperature=0.07)", "siglip(scale=117.33, bias=-12.93)", "tuplet-margin(scale=64)"),
    "hard-negative-contrastive(temperature=0.5, beta=2, tau_plus=0.1)",
]


def corners(loss: type[Loss]) -> list[Loss]:
    """With each parameter at either end of its range, alone and together with the others."""
    found = losses.ranges(loss)
    alone = [{name: end} for name, ends in found.items() for end in ends]
    together = [dict(zip(found, ends, strict=True)) for ends in itertools.product(*found.values())]
    return [loss(**settings) for settings in (*alone, *together)]


def contexts() -> list[Pairs]:
    """Random ones, and all pairs of a sign at one of −1, 0 and 1."""
    poles = torch.tensor([[p] * 3 + [n] * 9 for p in (-1.0, 0.0, 1.0) for n in (-1.0, 0.0, 1.0)])
    positive = (torch.arange(12) < 3).expand(9, 12)
    return [
        random_pairs(0, 8, 20, special=0.5),
        random_pairs(1, 8, 3),
        random_pairs(2, 4, 1),
        Pairs(poles, positive, ~positive),
    ]


def check_finite(loss: Loss, pairs: Pairs, dtype: torch.dtype) -> None:
    similarity = pairs.similarity.to(dtype).requires_grad_()
    value = loss.value(Pairs(similarity, pairs.positive, pairs.negative))
    weights = loss.weights(Pairs(similarity.detach(), pairs.positive, pairs.negative))
    (gradient,) = torch.autograd.grad(value.sum(), similarity)
    weight = torch.maximum(weights.positive.abs(), weights.negative.abs())
    assert bool(value.isfinite().all()), (loss, dtype)
    assert bool(weight.isfinite().all()), (loss, dtype)
    if dtype is not torch.float16 or float(weight.max()) <= LARGEST_HALF:
        assert bool(gradient.isfinite().all()), (loss, dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("loss", losses.ALL)
def test_all_is_finite_at_the_ends_of_the_ranges(loss: type[Loss], dtype: torch.dtype) -> None:
    for corner in corners(loss):
        for pairs in contexts():
            check_finite(corner, pairs, dtype)


@pytest.mark.parametrize("loss", losses.ALL)
def test_all_is_finite_with_many_pairs(loss: type[Loss]) -> None:
    similarity = torch.rand(1, 30_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    similarity[0, :40] = torch.tensor([-1.0, 1.0]).repeat(20)
    positive = torch.arange(30_000)[None] < 4
    for corner in corners(loss):
        check_finite(corner, Pairs(similarity, positive, ~positive), torch.float32)


@pytest.mark.parametrize(("loss", "name"), PARAMETERS)
def test_beyond_its_range_a_parameter_is_refused(loss: type[Loss], name: str) -> None:
    low, high = losses.ranges(loss)[name]
    beyond = [math.nextafter(low, -math.inf), math.nextafter(high, math.inf), -1e300, 1e300, 10**400, -(10**5000)]
    for value in [*beyond, math.nan, math.inf, "1", [1.0], True, 1j]:
        with pytest.raises(InputError, match=rf"{name} must be") as caught:
            loss(**{name: value})
        assert len(str(caught.value)) < 200
    if low > 0:
        for tiny in (5e-324, 1e-320, 0.0):
            with pytest.raises(InputError, match=rf"{name} must be at least {low:g}"):
                loss(**{name: tiny})


@pytest.mark.parametrize(("loss", "name"), PARAMETERS)
def test_its_range_is_in_the_docstring(loss: type[Loss], name: str) -> None:
    superscripts = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
    match = re.search(rf"^    [\w, ]*\b{name}\b[\w, ]*:[^\n]*? in \[(.+?), (.+?)\]", str(loss.__doc__), re.MULTILINE)
    assert match is not None, f"{loss.__name__} does not state the range of {name}"
    found = [re.sub(r"10(?=[⁰-⁹⁻²³¹])", "1e", end).translate(superscripts) for end in match.groups()]
    assert tuple(map(float, found)) == losses.ranges(loss)[name]


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_settings_are_within(text: str) -> None:
    assert bool(losses.from_text(text).value(random_pairs(0, 4, 9, dtype=torch.float32)).isfinite().all())


def test_parameters_are_plain_floats() -> None:
    """What torch can multiply by, whatever number was given."""
    for beta in (40, np.float32(40), np.int64(40), Fraction(40)):
        loss = losses.MultiSimilarity(beta=beta)  # type: ignore[arg-type]
        assert type(loss.beta) is float
        assert loss == losses.MultiSimilarity(beta=40.0)
    assert losses.MultiSimilarity().mining_margin is None


@pytest.mark.parametrize("scale", [0.0, 5e-324, 1e-320])
def test_a_scale_that_float32_holds_as_0_reaches_as_0(scale: float) -> None:
    level = torch.tensor([0.0, 1.0, -1.0])
    assert _PushExponent(1.2, scale).reach(level).tolist() == pytest.approx([1 - 1.2**2 / 2] * 3, abs=1e-5)
