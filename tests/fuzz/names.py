"""The words in which cases are written: their code is evaluated with these, and says so in reports.

To try one by hand: `from fuzz.names import *`, with tests/ on the path.
"""

from __future__ import annotations

import collections
import decimal
import fractions
import io
import json
import math
import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

import weightlab as wl
from weightlab.data.features import read_features
from weightlab.study.spec import read as read_study

__all__ = ["Path", "collections", "decimal", "fractions", "math", "nan", "nn", "np", "os", "pathlib", "torch", "wl"]
__all__ += [
    "Evil",
    "Loss",
    "bank",
    "mine",
    "npz",
    "one_hot",
    "run_file",
    "safetensors",
    "similarities",
    "unit",
    "with_at",
]
__all__ += [
    "batch_of_sampler",
    "criterion_of",
    "enqueued",
    "gradient_of_surrogate",
    "looked_up",
    "observed",
    "restored",
    "weights_of",
]
__all__ += ["compared", "config_of", "drawn", "made", "measured", "read_features", "read_study"]
__all__ += ["features_of", "inf", "run_folder", "study_of"]

nan, inf = math.nan, math.inf

TINY = (
    '{"size": 8, "width": 2, "dimensions": 4, "steps": 1, "memory": 8, "memory_start": 0, "batch": 4, "per_class": 2}'
)


def unit(seed: int, rows: int, dimensions: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random directions."""
    drawn = torch.randn(rows, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1).to(dtype)


def one_hot(labels: Sequence[int], dimensions: int) -> Tensor:
    """Rows of the unit matrix: similarities of exactly 0 and 1."""
    return torch.eye(dimensions)[list(labels)]


def similarities(seed: int, rows: int, columns: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Anywhere between −1 and 1."""
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(rows, columns, generator=generator, dtype=torch.float64) - 1).to(dtype)


def with_at(values: Tensor, where: tuple[int, ...], value: float) -> Tensor:
    """A copy with one value replaced."""
    changed = values.detach().clone()
    if changed.numel():
        changed[where] = value
    return changed


def bank(
    capacity: int, dimensions: int, batches: Sequence[Sequence[int]] = (), dtype: torch.dtype = torch.float32
) -> wl.MemoryBank:
    """A memory bank with batches of these labels in it."""
    made = wl.MemoryBank(capacity, dimensions, dtype=dtype)
    for number, labels in enumerate(batches):
        made.enqueue(unit(1000 + number, len(labels), dimensions), torch.tensor(list(labels), dtype=torch.int64))
    return made


class Evil:
    """Makes the file CANARY when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch CANARY",)


class Loss(nn.Module):
    """A loss on embeddings, as others write it."""

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        similarity = embeddings @ embeddings.T
        return similarity[labels[:, None] != labels].exp().sum()


def gradient_of_surrogate(
    weighting: Any,
    anchors: Any,
    labels: Any,
    references: Any = None,
    reference_labels: Any = None,
) -> tuple[Tensor, Tensor | None]:
    """The surrogate and its gradient by the anchors, where they can have one."""
    leaf = _leaf(anchors)
    value = wl.surrogate(weighting, leaf, labels, _references(references, reference_labels))
    return value.detach(), _back(value, leaf)


def observed(
    weighting: Any,
    anchors: Any,
    labels: Any,
    references: Any = None,
    reference_labels: Any = None,
    bins: Any = 40,
) -> Any:
    """The observation of a step."""
    return wl.step.observe(weighting, anchors, labels, _references(references, reference_labels), bins=bins)


def criterion_of(**given: Any) -> tuple[Tensor, Tensor | None]:
    """A criterion's value and its gradient by the embeddings."""
    settings = {name: given.pop(name) for name in ("weighting", "positive", "negative", "scale") if name in given}
    leaf = _leaf(given.pop("embeddings"))
    value = wl.Criterion(**settings)(leaf, given.pop("labels"), **given)
    return value.detach(), _back(value, leaf)


def enqueued(bank: wl.MemoryBank, embeddings: Any, labels: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The slots that a batch took, and what the bank has there; a bank that refuses it is as it was."""
    before = bank.state()
    try:
        slots = bank.enqueue(embeddings, labels)
    except ValueError:
        if any(not torch.equal(before[name], value) for name, value in bank.state().items()):
            raise AssertionError("the bank was written to by a batch that it refused") from None
        raise
    return slots, bank.embeddings[slots], bank.labels[slots]


def looked_up(bank: wl.MemoryBank, labels: Any, own: Any) -> wl.References:
    """The bank's entries as references of a batch with these labels."""
    return bank.references(labels, own)


def restored(bank: wl.MemoryBank, **changes: Any) -> tuple[Tensor, Tensor]:
    """What a bank holds after it was restored from its own state with some parts changed."""
    state = bank.state()
    for name, change in changes.items():
        if change is not None:
            state[name] = change(state[name])
    bank.restore(state)
    return bank.embeddings, bank.labels


def batch_of_sampler(step: Any = 0, **settings: Any) -> Tensor:
    """A batch of a sampler."""
    return wl.data.PKSampler(**settings).batch_at(step)


def weights_of(weighting: Any, pairs: wl.Pairs) -> tuple[wl.PairWeights, Tensor | None]:
    """The weights of pairs, and the value where there is one."""
    value = value_of(weighting)
    return wl.as_weighting(weighting).weights(pairs), value(pairs) if value is not None else None


def value_of(weighting: Any) -> Callable[[wl.Pairs], Tensor] | None:
    """The value of a loss or of what recomposes to one; None of anything else."""
    if isinstance(weighting, str) and weighting.partition("(")[0].strip() in wl.losses.names():
        weighting = wl.losses.from_text(weighting)
    return weighting.value if isinstance(weighting, wl.losses.Loss | wl.Recomposed) else None


def _references(references: Any, labels: Any) -> Any:
    return None if references is None and labels is None else wl.References(references, labels)


def _leaf(values: Any) -> Any:
    plain = isinstance(values, Tensor) and values.is_floating_point() and values.layout is torch.strided
    return values.detach().clone().requires_grad_() if plain and not values.is_quantized else values


def _back(value: Tensor, leaf: Any) -> Tensor | None:
    if not isinstance(leaf, Tensor) or not leaf.requires_grad or not value.requires_grad:
        return None
    value.backward()
    return leaf.grad


def npz(**arrays: Any) -> bytes:
    """The bytes of a .npz file; what is no array of numbers or texts is pickled."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def safetensors(**tensors: Tensor) -> bytes:
    """The bytes of a .safetensors file."""
    return save({name: tensor.contiguous() for name, tensor in tensors.items()})


def mine(body: str, arguments: str = "similarity, positive, negative") -> bytes:
    """The bytes of a Python file with a loss `mine` in it."""
    return f"import torch\n\ndef mine({arguments}):\n    {body}\n".encode()


def run_file(name: str) -> bytes:
    """A file of a small run that is done: config.json, model.safetensors, metrics.json, …"""
    return _run()[name]


def run_folder(**changed: bytes | None) -> Path:
    """The folder of that run with files replaced, or missing (None); dots in their names are underscores."""
    folder = Path(tempfile.mkdtemp(dir="."))
    for name, content in _run().items():
        content = changed.get(name.replace(".", "_"), content)
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def features_of(content: bytes, suffix: str = ".npz") -> Path:
    """The path of a file that holds this."""
    path = Path(f"features{suffix}")
    path.write_bytes(content)
    return path


def study_of(text: str) -> Path:
    """The path of a study that says this."""
    path = Path("study.toml")
    path.write_bytes(text.encode(errors="surrogateescape"))
    return path


@cache
def _run() -> dict[str, bytes]:
    from weightlab.train import TrainConfig, train

    settings = json.loads(TINY)
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        train(TrainConfig.checked(settings), out=Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def compared(a: Any, b: Any, **settings: Any) -> wl.Comparison:
    """Two weightings, compared."""
    return wl.compare(a, b, **settings)


def drawn(name: Any, positives: Any = 3, negatives: Any = 64, *, count: int = 1, seed: int = 0) -> Any:
    """A sample of a named context."""
    return wl.contexts.as_context(wl.contexts.get(name, positives, negatives)).sample(count, seed)


def measured(*, count: int = 1, seed: int = 0, **settings: Any) -> Any:
    """A sample of a measured context."""
    return wl.contexts.Measured(**settings).sample(count, seed)


def made(kind: Any, **settings: Any) -> Any:
    """A weight function of a kind."""
    return kind(**settings)


def config_of(**settings: Any) -> Any:
    """A checked configuration of a run."""
    return wl.train.TrainConfig.checked(settings)
