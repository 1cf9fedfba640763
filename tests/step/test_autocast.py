"""Inside autocast, and from half-precision embeddings, a step is what it is in float32."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import weightlab as wl
from weightlab.assignment import functions
from weightlab.pairs import References
from weightlab.step import observe, surrogate_of_pairs

LABELS, REFERENCE_LABELS = torch.arange(64) % 16, torch.arange(300) % 16
ASSIGNED = ["constant", "step(0.1)", "easy(0.1)", "window(0, 0.5)", "linear", "power(3)", "exponential(10, 0.2)"]
ASSIGNED += ["sigmoid(20, 0.1)", "softmax(20)", "top(5)", "spline(-1:0, 0:0.3, 1:1)", "below(0.1)", "semihard(0.2)"]
LOW = [torch.bfloat16, torch.float16]


def rows(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(count, 32, generator=generator))


def both(value: Callable[[Tensor], Tensor], x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The gradient outside and inside autocast, where backward is called inside too."""
    found = []
    for enabled in (False, True):
        leaf = x.clone().requires_grad_()
        with torch.autocast("cpu", dtype, enabled=enabled):
            value(leaf).backward()
        assert leaf.grad is not None
        found.append(leaf.grad)
    return found[0], found[1]


def test_every_function_is_here() -> None:
    assert {text.partition("(")[0] for text in ASSIGNED} == set(functions.names())


@pytest.mark.parametrize("memory", [False, True], ids=["batch", "memory"])
@pytest.mark.parametrize("name", [*wl.losses.names(), *ASSIGNED])
def test_autocast_changes_nothing(name: str, memory: bool) -> None:
    references = References(rows(300, 1), REFERENCE_LABELS) if memory else None
    scales = ["raw"] if name in wl.losses.names() else ["raw", "mean", "mass"]
    for scale in scales:
        weighting = name if scale == "raw" else wl.assign("linear", name, scale)  # type: ignore[arg-type]
        for dtype in LOW:
            outside, inside = both(lambda x, w=weighting: wl.surrogate(w, x, LABELS, references), rows(64, 0), dtype)
            assert float(outside.abs().max()) > 0
            assert torch.equal(inside, outside)


@pytest.mark.parametrize("name", ["infonce(temperature=0.01)", "ms-loss"])
def test_every_other_way_in(name: str) -> None:
    """Criterion with and without references and a miner's choice, pairs at hand, masks, references with a gradient."""
    r, miner = rows(300, 1), (torch.arange(4), torch.arange(4) + 16, torch.arange(4) + 20)
    criterion = wl.Criterion(name)
    ways: list[Callable[[Tensor], Tensor]] = [
        lambda x: criterion(x, LABELS),
        lambda x: criterion(x, LABELS, None, r, REFERENCE_LABELS),
        lambda x: criterion(x, LABELS, miner),
        lambda x: surrogate_of_pairs(wl.losses.from_text(name), wl.Pairs.from_embeddings(x, LABELS)),
        lambda x: wl.losses.from_text(name).value(wl.Pairs.from_embeddings(x, LABELS)).sum(),
        lambda x: wl.surrogate(name, r[:64], LABELS, References(normalize(x), LABELS)),
    ]
    for way in ways:
        outside, inside = both(way, rows(64, 0), torch.bfloat16)
        assert float(outside.abs().max()) > 0
        assert torch.equal(inside, outside)
    with torch.autocast("cpu", torch.bfloat16):
        inside_mass = observe(name, rows(64, 0), LABELS).mass
        found = wl.decompose(name, points=5, draws=4)
    assert torch.equal(inside_mass, observe(name, rows(64, 0), LABELS).mass)
    assert found.curve.equals(wl.decompose(name, points=5, draws=4).curve)


def in_single(similarity: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """A loss of somebody's with products in float32."""
    s = similarity.float()
    mixed = s @ torch.eye(s.shape[1])
    return ((mixed * negative) ** 2).sum(1) - (mixed * positive).sum(1)


def test_others_losses_in_autocast() -> None:
    outside = wl.decompose(in_single, points=5, draws=4), wl.integrability(in_single, rectangles=3)
    compared = wl.compare(in_single, "ms-loss")
    with torch.autocast("cpu", torch.bfloat16):
        inside = wl.decompose(in_single, points=5, draws=4), wl.integrability(in_single, rectangles=3)
        assert wl.compare(in_single, "ms-loss").curves.equals(compared.curves)
    assert inside[0].curve.equals(outside[0].curve)
    assert inside[1] == outside[1]


@pytest.mark.parametrize("memory", [False, True], ids=["batch", "memory"])
@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("name", wl.losses.names())
def test_half_precision_embeddings_are_compared_in_float32(name: str, dtype: torch.dtype, memory: bool) -> None:
    """What an encoder under autocast yields: the step's numbers are those of these embeddings, only rounded at last."""
    low = rows(64, 0).to(dtype)
    references = References(rows(300, 1).to(dtype), REFERENCE_LABELS) if memory else None
    precise = References(rows(300, 1).to(dtype).float(), REFERENCE_LABELS) if memory else None
    leaf, exact = low.clone().requires_grad_(), low.float().requires_grad_()
    value, truth = wl.surrogate(name, leaf, LABELS, references), wl.surrogate(name, exact, LABELS, precise)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(truth.item(), rel=1e-6)
    value.backward()
    truth.backward()
    assert leaf.grad is not None
    assert exact.grad is not None
    assert leaf.grad.dtype == dtype
    assert torch.allclose(leaf.grad, exact.grad.to(dtype), rtol=1e-2, atol=1e-3 * float(exact.grad.abs().max()))


def test_a_criterion_normalises_half_precision_in_float32() -> None:
    x = (3 * rows(64, 0)).bfloat16()
    value = wl.Criterion("infonce(temperature=0.01)")(x, LABELS)
    assert float(value) == pytest.approx(float(wl.Criterion("infonce(temperature=0.01)")(x.float(), LABELS)), rel=1e-6)
    assert value.dtype == torch.float32


def test_second_derivatives_go_through_similarities() -> None:
    x = torch.nn.functional.normalize(torch.randn(4, 3, dtype=torch.float64)).requires_grad_()

    def squares(x: Tensor) -> Tensor:
        return (wl.Pairs.from_embeddings(x / x.norm(dim=1, keepdim=True), torch.arange(4) % 2).similarity ** 3).sum()

    assert torch.autograd.gradcheck(squares, x)
    assert torch.autograd.gradgradcheck(squares, x)
