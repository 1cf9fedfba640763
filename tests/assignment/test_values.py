"""Weights at the ends of every number's range, alone, in sums and products: right by their logarithms, or refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp
from torch import Tensor

import weightlab as wl
from weightlab.assignment import functions, parse
from weightlab.pairs import References, Sign

Log = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]  # s, mask, positives, direction


def spline(text: str) -> Log:
    x, y = np.array([[float(part) for part in point.split(":")] for point in text.split(",")]).T
    return lambda s, mask, positive, d: np.log(np.maximum(PchipInterpolator(x, y)(s.clip(x[0], x[-1])), 0))


def band(gap: float, depth: float) -> Log:
    def log(s: np.ndarray, mask: np.ndarray, positive: np.ndarray, d: int) -> np.ndarray:
        least = np.where(positive, s, np.inf).min(1, keepdims=True)
        floor = np.full_like(least, -np.inf) if math.isinf(depth) else least - np.float32(depth)
        return np.log(((s < least - np.float32(gap)) & (s > floor)) * 1.0)

    return log


def hardest(k: int) -> Log:
    def log(s: np.ndarray, mask: np.ndarray, positive: np.ndarray, d: int) -> np.ndarray:
        rank = np.argsort(np.argsort(np.where(mask, -d * s, np.inf), axis=1, kind="stable"), axis=1, kind="stable")
        return np.log((rank < k) * 1.0)

    return log


def softmax(b: float) -> Log:
    def log(s: np.ndarray, mask: np.ndarray, positive: np.ndarray, d: int) -> np.ndarray:
        x = np.where(mask, d * b * s, -np.inf)
        x = x - np.where(mask.any(1, keepdims=True), x.max(1, keepdims=True), 0)  # the sum is lost beside 10³⁰
        total = logsumexp(x, axis=1, keepdims=True)
        return np.where(np.isfinite(total), x - np.where(np.isfinite(total), total, 0), -np.inf)

    return log


def linear(k: float) -> Log:
    return lambda s, mask, positive, d: k * np.log((1 + d * s) / 2) if k else 0 * s


def threshold(keep: Callable[[np.ndarray], np.ndarray]) -> Log:
    return lambda s, mask, positive, d: np.log(keep(d * s) * 1.0)


SPLINES = ["-1:1e30, -0.999999:0, 0.3:1e-300, 0.300001:1e30", "-1:0, 0.2:1e-30, 1:1e30", "0:0, 1:0"]
LOGS: dict[str, Log] = {
    "constant(1e30)": lambda s, mask, positive, d: 0 * s + math.log(1e30),
    "constant(1e-300)": lambda s, mask, positive, d: 0 * s + math.log(1e-300),
    "constant(0)": lambda s, mask, positive, d: 0 * s - np.inf,
    "step(-1)": lambda s, mask, positive, d: np.log((s > -1 if d > 0 else s < -1) * 1.0),
    "easy(1)": lambda s, mask, positive, d: np.log((s <= 1 if d > 0 else s >= 1) * 1.0),
    "window(-1, 1)": lambda s, mask, positive, d: np.log((np.abs(s) < 1) * 1.0),
    "linear": linear(1),
    "power(0)": linear(0),
    "power(1000)": linear(1000),
    "exponential(0, 1)": lambda s, mask, positive, d: 0 * s,
    "exponential(40, -1)": lambda s, mask, positive, d: d * 40 * (s + 1),
    "exponential(40, 1)": lambda s, mask, positive, d: d * 40 * (s - 1),
    "sigmoid(0, 0)": lambda s, mask, positive, d: 0 * s + math.log(0.5),
    "sigmoid(1000, 0.75)": lambda s, mask, positive, d: -np.logaddexp(0, -d * 1000 * (s - 0.75)),
    "sigmoid(1e30, 0.26)": lambda s, mask, positive, d: -np.logaddexp(0, -d * 1e30 * (s - 0.26)),
    "softmax(0)": softmax(0),
    "softmax(150)": softmax(150),
    "softmax(1e30)": softmax(1e30),
    "top(1)": hardest(1),
    "top(1e9)": hardest(10**9),
    "below(0)": band(0, math.inf),
    "below(2)": band(2, math.inf),
    "semihard(1e-6)": band(0, 1e-6),
    "semihard(2)": band(0, 2),
    **{f"spline({points})": spline(points) for points in SPLINES},
}
SCALES = ["raw", "mean", "mass"]
PRECISE = 2e-5  # of float32: b(s − t) up to 150 is rounded to 10⁻⁵


def data(dtype: torch.dtype) -> wl.Pairs:
    """Anchors from all easy to all hard, without ties; with exact −1 and 1; the last without positives."""
    generator = torch.Generator().manual_seed(3)
    centre, width = (
        torch.tensor([-0.9, -0.5, 0, 0.5, 0.9, 0])[:, None],
        torch.tensor([0.1, 0.3, 1, 0.3, 0.1, 1])[:, None],
    )
    s = (centre + width * (2 * torch.rand(6, 24, generator=generator) - 1)).clamp(-1, 1)
    s[2, 4:6] = torch.tensor([-1.0, 1.0])
    positive = torch.zeros(6, 24, dtype=torch.bool)
    positive[:5, :4] = True
    s = s.to(dtype)
    for row in s:  # half precision makes ties, which `top` would pick among
        assert dtype is not torch.float32 or len(row.unique()) == len(row)
    return wl.Pairs(s, positive, ~positive)


def truth(logs: np.ndarray, mask: np.ndarray, scale: str) -> np.ndarray:
    logs = np.where(mask, logs, -np.inf)
    if scale == "mass":
        most = logs.max(1, keepdims=True)
        logs = logs - np.where(np.isfinite(most), most, 0)
        total = logsumexp(logs, axis=1, keepdims=True)
        return np.exp(logs - np.where(np.isfinite(total), total, 0))
    count = np.maximum((logs > -np.inf).sum(1, keepdims=True), 1) if scale == "mean" else 1
    return np.exp(logs) / count


def log_of(names: tuple[str, ...], mark: str, pairs: wl.Pairs, sign: Sign) -> np.ndarray:
    s, positive = pairs.similarity.double().numpy(), pairs.positive.numpy()
    d, mask = (1, pairs.negative.numpy()) if sign == "negative" else (-1, positive)
    with np.errstate(all="ignore"):
        parts = [LOGS[name](s, mask, positive, d) for name in names]
        return sum(parts[1:], parts[0]) if mark == "*" else np.logaddexp.reduce(parts)


def largest(logs: np.ndarray, mask: np.ndarray) -> float:
    return float(np.where(mask, logs, -np.inf).max())


def test_every_function_is_here() -> None:
    assert {name.partition("(")[0] for name in LOGS} == set(functions.names())


def check(names: tuple[str, ...], mark: str, scale: str, dtype: torch.dtype) -> bool:
    """Right for either sign, or refused; whether it was refused."""
    pairs, text = data(dtype), f" {mark} ".join(names)
    one_sided = parse(text).negatives_only
    try:
        rule = wl.assign("constant" if one_sided else text, text, scale)  # type: ignore[arg-type]
    except wl.InputError as error:
        assert scale != "mass"
        assert "reaches 1e+" in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
        return True
    weights = rule.weights(pairs)
    for sign in ("negative",) if one_sided else ("negative", "positive"):
        found, mask = getattr(weights, sign), getattr(pairs, sign).numpy()
        wanted = truth(log_of(names, mark, pairs, sign), mask, scale)  # type: ignore[arg-type]
        assert found.dtype == torch.float32
        assert bool(found.isfinite().all()), text
        limit = PRECISE * wanted.max(1, keepdims=True) + 1e-37
        assert (np.abs(found.double().numpy() - wanted) <= limit).all(), (text, sign, scale)
    return False


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", LOGS)
def test_alone(name: str, scale: str) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        if dtype is torch.float32 or "top" not in name:
            refused = check((name,), "*", scale, dtype)
            assert refused == (name in ("exponential(40, -1)", "exponential(40, 1)") and scale != "mass")


@pytest.mark.parametrize("mark", ["*", "+"])
@pytest.mark.parametrize("scale", SCALES)
def test_any_two(mark: str, scale: str) -> None:
    refused = 0
    for names in itertools.combinations_with_replacement(LOGS, 2):
        # a factor of a softmax is counted as float32 has it
        vanishing = (
            mark == "*" and scale == "mean" and "power(1000)" in names and any("softmax" in name for name in names)
        )
        if sum("top" in name for name in names) < 2 and not vanishing:
            refused += check(names, mark, scale, torch.float32)
    assert (refused == 0) == (scale == "mass")


@pytest.mark.parametrize("scale", SCALES)
def test_three_factors_whose_parts_overflow(scale: str) -> None:
    for names in [
        ("constant(1e30)", "constant(1e30)", "constant(1e-300)"),
        ("constant(1e-300)", "power(1000)", "exponential(40, -1)"),
        ("constant(0)", "exponential(40, -1)", "exponential(40, -1)"),
    ]:
        check(names, "*", scale, torch.float32)


def exact_rows(count: int, seed: int) -> Tensor:
    """Rows of ±1/8 in 64 dimensions: cosines are whole 32ths, so that float32 has them exactly."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(2, (count, 64), generator=generator) * 2 - 1) / 8.0


@pytest.mark.parametrize("scale", SCALES)
def test_the_walk_gives_the_same_gradient(scale: str) -> None:
    """Against the logarithms; the memory in one product, embeddings in float32 and bfloat16."""
    anchors, references = exact_rows(5, 0), exact_rows(120, 1)
    labels, reference_labels = torch.arange(5), torch.arange(120) % 7
    positive = labels[:, None] == reference_labels
    pairs = wl.Pairs(anchors @ references.T, positive, ~positive)
    names = [name for name in LOGS if "top" not in name]
    for each in [(name,) for name in names] + [(name, "power(1000)") for name in names]:
        text = " * ".join(each)
        one_sided = parse(text).negatives_only
        try:
            rule = wl.assign("constant" if one_sided else text, text, scale)  # type: ignore[arg-type]
        except wl.InputError:
            assert scale != "mass"
            continue
        logs = {"positive": 0 * pairs.similarity.double().numpy()} if one_sided else {}
        for sign in {"positive", "negative"} - logs.keys():
            logs[sign] = log_of(each, "*", pairs, sign)  # type: ignore[arg-type]
        push, pull = (truth(logs[sign], getattr(pairs, sign).numpy(), scale) for sign in ("negative", "positive"))
        wanted = (push - pull) @ references.double().numpy() / 5
        for bank in (references, references.bfloat16()):
            leaf = anchors.clone().requires_grad_()
            value = wl.surrogate(rule, leaf, labels, References(bank, reference_labels))
            value.backward()
            assert bool(value.isfinite())
            assert leaf.grad is not None
            scale_of = (push.sum(1) + pull.sum(1))[:, None] / 5
            gap = np.abs(leaf.grad.double().numpy() - wanted)
            assert (gap <= PRECISE * scale_of + 1e-37).all(), (text, scale)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("constant(1e39)", r"constant's c must be at least 0 and at most 1e\+30, not 1e\+39"),
        ("sigmoid(1e31, 0)", "sigmoid's b must be .* at most 1e.30"),
        ("softmax(1e300)", "softmax's b must be .* at most 1e.30"),
        ("top(1e10)", r"top's k must be at least 1 and at most 1e\+09"),
        ("power(1001)", "power's k must be .* at most 1000"),
        ("spline(0:1, 1:1e31)", "spline's y must be .* at most 1e.30"),
        ("spline(0:1, 1e-9:2, 1:0)", "points must be 1e-06 apart"),
        ("below(-0.1)", "below's m must be at least 0 and at most 2, not -0.1"),
        ("below(2.1)", "below's m must be"),
        ("semihard(0)", r"semihard's m must be above 0 and at most 2, not 0\.0"),
        ("top(1) + top(3)", "can hold one top"),
        ("(top(1) + linear) * (constant + top(2))", "can hold one top"),
    ],
)
def test_what_is_out_of_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(wl.InputError, match=message) as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_a_function_of_ones_own_keeps_to_what_sums_can_hold() -> None:
    with pytest.raises(wl.InputError, match=r"finite weights up to 1e\+30, not 1e\+38"):
        wl.assign("constant", lambda s: 1e38 * (s > 0.5))
    signed = wl.assign("constant", lambda s: s - 0.3, "mass")  # below 0 is a weight like any other …
    assert bool(signed.weights(data(torch.float32)).negative.isfinite().all())
    steep = parse("power(1000)")
    product = wl.assign("constant", functions.Product((steep, functions.Custom(lambda s: s - 0.3))), "mass")
    with pytest.raises(wl.InputError, match="weights below 0"):  # … but has no logarithm
        product.weights(data(torch.float32))


def test_closed_cases() -> None:
    """What the issue found: a product at mass that was NaN, and powers that were subnormal."""
    s = torch.tensor([[0.9, 1.0, -0.999, -0.998]])
    positive = torch.zeros(1, 4, dtype=torch.bool)
    pairs = wl.Pairs(s, positive, ~positive)
    found = wl.assign("constant", "exponential(40, -1) * exponential(40, -1)", "mass").weights(pairs).negative
    share = 1 / (1 + math.exp(-80 * (1 - float(s[0, 0]))))
    assert found[0, :2].tolist() == pytest.approx([1 - share, share], rel=1e-5)
    easy = wl.Pairs(s[:, 2:], positive[:, 2:], ~positive[:, 2:])
    found = wl.assign("constant", "power(1000)", "mass").weights(easy).negative
    ratio = ((1 + float(s[0, 2])) / (1 + float(s[0, 3]))) ** 1000
    assert found[0].tolist() == pytest.approx([ratio, 1], rel=1e-5, abs=1e-30)
    equal = wl.assign("constant", "power(1000) * constant(1e-300)", "mass")
    same = wl.Pairs(torch.full((1, 4), -0.999), positive, ~positive)
    assert equal.weights(same).negative.tolist() == [[0.25] * 4]
