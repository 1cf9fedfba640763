"""What is given in place of a good value: code, with {x} where the good one stands."""

from __future__ import annotations

import re
from random import Random

from fuzz.case import Argument, Verdict
from fuzz.generators.texts import NASTY

__all__ = ["NOTHING", "spoiled"]

NOTHING = ("None", "'x'", "object()", "{{}}", "b''", "lambda: 1", "[]", "int")

# kind → (what is to be refused, what may be refused, what is as good)
_POOLS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "unit": (
        ("2 * {x}", "0 * {x}", "{x} * nan", "with_at({x}, (0, 0), nan)", "with_at({x}, (-1, -1), inf)", "{x}[:, 0]", "{x}[None]",
         "{x}.int()", "{x} > 0", "{x}.to(torch.complex64)", "{x}[:, :0]", "{x}.to_sparse()", "{x}.to('meta')", "{x}[:-1]",
         "{x}.tolist()[:-1]", "{x}.numpy().astype(str)", "torch.cat([{x}, {x}])", "1.05 * {x}", "3",
         "torch.quantize_per_tensor({x}, 0.01, 0, torch.qint8)", *NOTHING),
        ("{x}.numpy()", "{x}.tolist()", "{x}.half()", "{x}.bfloat16()", "{x}.numpy().astype(float)", "np.float16({x}.numpy())",
         "{x}.numpy()[:, ::-1]", "{x}[:0]", "{x}[:1]", "1.005 * {x}", "{x}.numpy().astype('>f4')", "np.ma.array({x}.numpy())", "{x}.numpy().astype(object)"),
        ("{x}.clone().requires_grad_()", "nn.Parameter({x})", "{x}.T.contiguous().T", "{x}.repeat(2, 1)[: len({x})]", "{x}.double().float()"),
    ),
    "free": (  # of any length but 0
        ("0 * {x}", "{x} * nan", "with_at({x}, (0, 0), inf)", "{x}[:, 0]", "{x}[None]", "{x}.int()", "{x} > 0", "{x}.to(torch.complex64)",
         "{x}[:, :0]", "{x}.to_sparse()", "{x}.to('meta')", "{x}[:-1]", "3", *NOTHING),
        ("{x}.numpy()", "{x}.tolist()", "{x}.half()", "{x}.bfloat16()", "1e38 * {x}", "1e-38 * {x}", "1e-45 * {x}", "{x}[:0]", "with_at({x}, (0, 0), 1e30)"),
        ("2 * {x}", "1e-10 * {x}", "1e10 * {x}", "nn.Parameter({x})", "{x}.T.contiguous().T"),
    ),
    "labels": (
        ("{x}[:-1]", "{x}[None]", "{x} + 0.5", "{x} * nan", "torch.full({x}.shape, inf)", "{x}.to(torch.complex64)", "{x}.to('meta')",
         "{x}.to_sparse()", "torch.cat([{x}, {x}])", "{x}[0]", "3", "{x}.double() + 1e300", *NOTHING),
        ("{x}.int()", "{x}.to(torch.uint8)", "{x}.double()", "{x}.half()", "{x} > 0", "{x}.numpy().astype(str)", "[str(i) for i in {x}.tolist()]",
         "{x}.numpy().astype(object)", "{x}.numpy().astype(np.uint64)", "{x} - 2**63", "{x} + (2**63 - 1 - {x}.max())", "tuple({x}.tolist())",
         "iter({x}.tolist())", "{x}.requires_grad_(False)", "{x}.numpy().astype('M8[s]')"),
        ("{x}.clone()", "-{x}", "{x} * 10**12", "{x}.repeat(2)[: len({x})]"),
    ),
    "similarity": (
        ("{x} + 2", "-3 * {x} + 2.5", "{x} * nan", "with_at({x}, (0, 0), nan)", "with_at({x}, (0, 0), -inf)", "{x}[0]", "{x}[None]", "{x}.int()",
         "{x}.to(torch.complex64)", "{x}.to_sparse()", "{x}.to('meta')", "{x}[:, :-1]", "3", *NOTHING),
        ("{x}.numpy()", "{x}.tolist()", "{x}.half()", "{x}.bfloat16()", "{x}[:0]", "{x}.T", "1.01 * {x}"),
        ("{x}.clone().requires_grad_()", "{x}.float()", "{x}.T.contiguous().T", "0 * {x}", "{x}.sign()"),
    ),
    "mask": (
        ("nn.functional.pad({x}.int(), (0, 1)).bool()", "{x}[None]", "{x}[0, 0]", "{x}.to('meta')", "{x}.to_sparse()", "3", "{x} * nan", *NOTHING),
        ("{x}[:, :-1]", "torch.ones_like({x})", "{x}.numpy()", "{x}.tolist()", "{x}.int()", "{x}.float()", "{x}[:1]", "{x}.T", "~{x}"),
        ("{x}.clone()", "torch.zeros_like({x})"),
    ),
    "shape": (
        ("3", "None", "()", "(8, 8)", "'abc'", "(1, 8, nan)", "(1.5, 8, 8)", "(-1, 8, 8)", "(0, 8, 8)", "(10**31, 8, 8)", "[[1], 8, 8]", "object()"),
        ("{x} + {x}", "{x}[:2]", "torch.tensor({x})", "np.array({x})", "(2**31 - 1, 8, 8)"),
        ("list({x})", "tuple({x})"),
    ),
    "whole": (
        ("-1", "1.5", "nan", "inf", "'1'", "None", "[1]", "-10**31", "-2**63", "1j", "'x'", "torch.ones(2)", "np.ones(2)", "object()", "10**31"),
        ("0", "True", "10**18", "2**63", "2**64", "2**31", "float({x})", "np.int64({x})", "np.uint8({x})", "torch.tensor({x})", "np.array({x})", "np.float32({x})",
         "fractions.Fraction({x})", "decimal.Decimal({x})"),
        ("int({x})",),
    ),
    "number": (
        ("nan", "inf", "-inf", "'x'", "None", "[]", "1j", "'0.5'", "torch.ones(2)", "np.array([0.5])", "object()", "torch.tensor(nan)", "np.float64('nan')"),
        ("0", "-1", "1e308", "-1e308", "1e-320", "1e38", "-0.0", "10**400", "10**31", "True", "decimal.Decimal('0.5')", "fractions.Fraction(1, 2)",
         "torch.tensor(0.5)", "np.array(0.5)", "2**1023"),
        ("np.float32({x})", "np.float64({x})"),
    ),
    "text": (("None", "3", "b'x'", "[]", "object()", "nan", "Path('x')", "''"), tuple(map(repr, NASTY)), ()),
    "weighting": (
        ("None", "3", "b'x'", "[]", "object()", "nan", "''", "'ms-los'", "'step('", "'step(nan)'", "'ms-loss(beta=[])'", "'ms-loss(beta=-1)'", "int", "wl.losses.Triplet",
         "lambda s: s * nan", "lambda s: None", "lambda s: s.sum()", "lambda s: s.mean() + s", "lambda s: 1 / 0", "'step(0.5) +'", "'(' * 5000", "'1' * 400",
         "'ms-loss(beta=1or 2)'", "'ms-loss(beta=' + '9' * 400 + ')'", "'sum'", "{x}, {x}"),
        ("lambda s: s.clone()", "lambda s: s * 0", "lambda s: s.log()", "lambda s: s.float()", "lambda s: s.numpy()", "torch.sin", "torch.relu", "abs", "len",
         "nn.ReLU()", "Loss()", "wl.assign('constant', 'step(0.5)')", "'power(1000)'", "'exponential(40, -1) * exponential(40, -1)'", "'exponential(1e308, 0)'",
         "'constant(1e308)'", "'constant(1e38) * constant(1e38)'", "'sigmoid(1e38, 0)'", "'softmax(1e38)'", "'top(' + '9' * 31 + ')'", "'spline(-1:0, 1:1e308)'",
         "'infonce(temperature=1e-320)'", "'ms-loss(beta=1e308)'", "'circle(gamma=1e38)'", "lambda pairs: pairs.similarity.exp().sum(1)",
         "lambda similarity, positive, negative: (similarity * negative).sum(1)"),
        (),
    ),
    "context": (
        ("None", "3", "'erly'", "'random:'", "'random:1'", "'random:1e3'", "'run:x'", "'file:x'", "[]", "object()", "''", "'random:' + '9' * 31", "wl.contexts.Drawn"),
        ("'random:2'", "'random:999999'", "'random:' + chr(0x663)", "' trained'"),
        ("'random'", "'early'", "wl.contexts.get('trained', 2, 5)"),
    ),
    "context_name": (
        ("None", "3", "'erly'", "'random:'", "'random:1'", "'random:1e3'", "'run:x'", "'file:x'", "[]", "object()", "''", "wl.contexts.get('trained')"),
        ("'random:2'", "'random:999999'", "'random:' + chr(0x663)", "' trained'"),
        ("'random'", "'early'"),
    ),
}  # fmt: skip


def spoiled(random: Random, kind: str, good: str, bad: tuple[str, ...], odd: tuple[str, ...]) -> Argument:
    """Something else in place of a good value of a kind; `bad` and `odd` are the target's own."""
    pools = _POOLS.get(kind, ((), (), ()))
    choices = (
        (0.5, Verdict.bad, tuple(each for each in (*pools[0], *bad) if each not in odd)),
        (0.9, Verdict.odd, (*pools[1], *odd)),
        (1.0, Verdict.good, pools[2]),
    )
    roll = random.random()
    verdict, pool = next((verdict, pool) for limit, verdict, pool in choices if roll < limit)
    if not pool:
        return Argument(good)
    code = random.choice(pool)
    if re.search("[<>*+-]", good):
        good = f"({good})"
    return Argument(code.replace("{{}}", "{}").replace("{x}", good) if pool is not _POOLS["text"][1] else code, verdict)
