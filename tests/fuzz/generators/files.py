"""Files that commands are pointed to: features, runs, Python files; sound, damaged and hostile, as code of their bytes."""

from __future__ import annotations

from random import Random

from fuzz.case import Verdict
from fuzz.sandbox import STRANGER

__all__ = ["FEATURES", "LOSSES", "RUNS", "File", "python", "tables", "trained"]

File = tuple[str, dict[str, str | None], Verdict]  # what is typed, the files, and what is to be made of it

_GOOD, _ODD, _BAD = Verdict.good, Verdict.odd, Verdict.bad
_LABELS = "np.arange(5).repeat(4)"

# suffix, code, verdict
FEATURES: tuple[tuple[str, str, Verdict], ...] = (
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=3e4 * unit(0, 20, 8).numpy(), labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8, torch.float64).numpy() * 1e25, labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8, torch.float64).numpy() * 1e-30, labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8, torch.float16).numpy(), labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS}.astype(float))", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS}.astype(str))", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS}.astype(np.int8), more=np.ones(3))", _GOOD),
    (".npz", f"npz(embeddings=np.asfortranarray(unit(0, 20, 8).numpy()), labels={_LABELS})", _GOOD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy().astype('>f4'), labels={_LABELS}.astype('>i8'))", _ODD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS}.astype(np.uint64))", _ODD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS}.astype(np.uint64) + np.uint64(2**63))", _ODD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS} > 2)", _ODD),
    (".npz", "npz(embeddings=np.eye(4).repeat(5, 0).astype(int), labels=np.arange(4).repeat(5))", _ODD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels=np.array({_LABELS}.astype(str), dtype=object))", _ODD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS} + 0.5)", _BAD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels=np.where({_LABELS} == 1, nan, 1.0))", _BAD),
    (".npz", f"npz(embeddings=with_at(unit(0, 20, 8), (3, 1), nan).numpy(), labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=with_at(unit(0, 20, 8), (3, 1), inf).numpy(), labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=0 * unit(0, 20, 8).numpy(), labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=unit(0, 19, 8).numpy(), labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy()[0], labels={_LABELS})", _BAD),
    (".npz", "npz(embeddings=np.zeros((0, 8), np.float32), labels=np.zeros(0, int))", _BAD),
    (".npz", f"npz(embeddings=np.zeros((20, 0), np.float32), labels={_LABELS})", _BAD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.zeros(20, int))", _BAD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.arange(20))", _BAD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy())", _BAD),
    (".npz", "npz(labels=np.arange(3))", _BAD),
    (".npz", "npz()", _BAD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy() * 1j, labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=np.full((20, 8), 'x'), labels={_LABELS})", _BAD),
    (".npz", f"npz(embeddings=np.array([Evil()] * 20), labels={_LABELS})", _BAD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.array([Evil()] * 20))", _BAD),
    (".npz", f"npz(embeddings=np.zeros((20, 8), 'M8[s]'), labels={_LABELS})", _BAD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.zeros(20, 'M8[s]'))", _ODD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.array([b'a'] * 10 + [b'b'] * 10))", _ODD),
    (".npz", "npz(embeddings=unit(0, 20, 8).numpy(), labels=np.zeros(20, [('a', int)]))", _BAD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS})[:100]", _BAD),
    (".npz", f"npz(embeddings=unit(0, 20, 8).numpy(), labels={_LABELS})[:-40]", _BAD),
    (".npz", "b''", _BAD),
    (".npz", "b'PK\\x03\\x04' + b'\\0' * 60", _BAD),
    (".npz", "b'\\x93NUMPY\\x01\\x00'", _BAD),
    (".npz", "bytes(range(256))", _BAD),
    (".safetensors", f"safetensors(embeddings=unit(0, 20, 8), labels=torch.from_numpy({_LABELS}))", _GOOD),
    (
        ".safetensors",
        f"safetensors(embeddings=unit(0, 20, 8).bfloat16(), labels=torch.from_numpy({_LABELS}).int())",
        _GOOD,
    ),
    (".safetensors", f"safetensors(embeddings=unit(0, 20, 8), labels=torch.from_numpy({_LABELS}).double())", _GOOD),
    (".safetensors", f"safetensors(embeddings=unit(0, 20, 8), labels=torch.from_numpy({_LABELS}) > 1)", _ODD),
    (".safetensors", f"safetensors(embeddings=unit(0, 20, 8) * nan, labels=torch.from_numpy({_LABELS}))", _BAD),
    (".safetensors", "safetensors(a=torch.zeros(2))", _BAD),
    (".safetensors", "safetensors(embeddings=unit(0, 20, 8), labels=torch.zeros(20))[:60]", _BAD),
    (".safetensors", "b'\\xff' * 8 + b'{}'", _BAD),
    (".safetensors", "b''", _BAD),
    (".parquet", "b'PAR1'", _BAD),
    (".csv", "b'a,b\\n1,2\\n'", _BAD),
    (".npy", "b''", _BAD),
    ("", "b''", _BAD),
)

# changes to the files of a run: name → code, None for a file that is missing
RUNS: tuple[tuple[dict[str, str | None], Verdict], ...] = (
    ({}, _GOOD),
    ({"metrics.json": None, "history.csv": None, "state.safetensors": None}, _ODD),
    ({"config.json": None}, _BAD),
    ({"config.json": "b''"}, _BAD),
    ({"config.json": "b'{}'"}, _ODD),
    ({"config.json": "b'[]'"}, _BAD),
    ({"config.json": "b'[' * 100000"}, _BAD),
    ({"config.json": "b'\\xff\\xfe'"}, _BAD),
    ({"config.json": "run_file('config.json')[:-20]"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"steps\": 1', b'\"steps\": 1e400')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"width\": 2', b'\"width\": 3')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"width\": 2', b'\"width\": ' + b'9' * 31)"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"width\": 2', b'\"width\": NaN')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'glyphs', b'../../glyphs')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'glyphs', b'os:system')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"cnn\"', b'\"\\\\u001b[31m\"')"}, _BAD),
    (
        {
            "config.json": "run_file('config.json').replace(b'\"loss\": null', b'\"loss\": \"os:system(\\'touch CANARY\\')\"')"
        },
        _BAD,
    ),
    ({"config.json": "run_file('config.json').replace(b'\"loss\": null', b'\"loss\": \"sys:exit(0)\"')"}, _BAD),
    ({"config.json": "run_file('config.json').replace(b'\"seed\": 0', b'\"seed\": 0, \"more\": 1')"}, _BAD),
    ({"model.safetensors": "b''"}, _BAD),
    ({"model.safetensors": "run_file('model.safetensors')[:200]"}, _BAD),
    ({"model.safetensors": "b'\\0' * 200"}, _BAD),
    ({"model.safetensors": "safetensors(a=torch.zeros(2))"}, _BAD),
)
# those that only `--resume` looks at
_STATES: tuple[tuple[dict[str, str | None], Verdict], ...] = (
    ({"state.safetensors": "run_file('state.safetensors')[:300]"}, _BAD),
    ({"state.safetensors": "b''"}, _BAD),
    ({"state.safetensors": "safetensors(a=torch.zeros(2))"}, _BAD),
    ({"state.safetensors": "safetensors(**{'run.step': torch.tensor(-1), 'run.history': torch.zeros(0)})"}, _BAD),
)

# functions of a Python file: body, arguments, verdict
LOSSES: tuple[tuple[str, str, Verdict], ...] = (
    ("return (similarity**2 * negative).sum(1)", "similarity, positive, negative", _GOOD),
    ("return (similarity * negative).sum(1) - (similarity * positive).sum(1)", "similarity, positive, negative", _GOOD),
    ("return (pairs.similarity.exp() * pairs.negative).sum()", "pairs", _GOOD),
    ("return s.clamp(min=0)", "s", _GOOD),
    (f"print({STRANGER!r}); return s.clamp(min=0)", "s", _ODD),
    ("raise KeyError", "s", _BAD),
    ("raise RuntimeError('\\x1b[31m' + 'x' * 20000)", "similarity, positive, negative", _BAD),
    ("raise SystemExit(0)", "similarity, positive, negative", _BAD),
    ("import sys; sys.exit(3)", "s", _BAD),
    ("raise KeyboardInterrupt", "s", _ODD),
    ("return None", "similarity, positive, negative", _BAD),
    ("return similarity.detach().sum(1)", "similarity, positive, negative", _BAD),
    ("return similarity.sum() * float('nan')", "similarity, positive, negative", _BAD),
    ("return similarity.log().sum(1)", "similarity, positive, negative", _BAD),
    ("return s * float('inf')", "s", _BAD),
    ("return mine(s)", "s", _BAD),
    ("return similarity.sum(0)", "similarity, positive, negative", _BAD),
    ("return 1", "", _BAD),
    ("return 1", "a, b, c, d, e, f, g", _BAD),
    ("similarity.data.zero_(); return (similarity**2 * negative).sum(1)", "similarity, positive, negative", _ODD),
    ("return (similarity * torch.rand(1)).sum(1)", "similarity, positive, negative", _ODD),
    (
        "torch.set_default_dtype(torch.float64); return (similarity**2 * negative).sum(1)",
        "similarity, positive, negative",
        _ODD,
    ),
    ("yield 1", "similarity, positive, negative", _BAD),
)
_FILES: tuple[tuple[str, Verdict], ...] = (
    ("b'def mine(:'", _BAD),
    ("b''", _BAD),
    ("b'\\0\\0'", _BAD),
    ("b'\\xff\\xfe mine'", _BAD),
    ("b'mine = 3'", _BAD),
    ("b'import sys; sys.exit(0)'", _BAD),
    ("b'raise SystemExit'", _BAD),
    ("b'raise KeyboardInterrupt'", _ODD),
    (f'b"""print({STRANGER!r})\\nclass mine:\\n    pass"""', _BAD),
    ("b'class mine:\\n    def __init__(self):\\n        self.x = {}[1]'", _BAD),
    ("b'import no_such_module'", _BAD),
    ("b'(' * 5000", _BAD),
    ("b'class mine:\\n    def weights(self, pairs):\\n        return None'", _BAD),
)


def tables(random: Random, folder: str = "") -> File:
    """A file of embeddings."""
    suffix, code, verdict = random.choice(FEATURES)
    path = f"{folder}e{suffix}"
    return path, {path: code}, verdict


def trained(random: Random, *, resumed: bool = False) -> File:
    """The folder of a run."""
    changes, verdict = random.choice((*RUNS, *_STATES) if resumed else RUNS)
    if resumed and "model.safetensors" in changes:
        verdict = Verdict.odd  # it may be made again
    names = ("config.json", "model.safetensors", "metrics.json", "history.csv", "state.safetensors")
    files: dict[str, str | None] = {f"runs/a/{name}": f"run_file('{name}')" for name in names}
    for name, code in changes.items():
        del files[f"runs/a/{name}"]
        if code is not None:
            files[f"runs/a/{name}"] = code
    return "runs/a", files, verdict


def python(random: Random) -> File:
    """A Python file with a loss of one's own, and the path of it."""
    path = random.choice(("mine.py", "mine.py", "random.py", "l (1)/my.py", "a\u00e9.py", "sub/torch.py"))
    if random.random() < 0.7:
        body, arguments, verdict = random.choice(LOSSES)
        return f"{path}:mine", {path: f"mine({body!r}, {arguments!r})"}, verdict
    code, verdict = random.choice(_FILES)
    name = random.choice(("mine", "mine", "minee", "mine()", "mine(1)", "", "__builtins__", "torch"))
    return f"{path}:{name}", {path: code}, verdict
