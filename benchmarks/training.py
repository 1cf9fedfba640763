"""What a training run costs beyond a bare PyTorch loop with the same encoder, batches and step."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from rich.console import Console
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.machine import describe_machine
from benchmarks.output import Figures, output_folder
from benchmarks.timing import median_ratio, time_in_turns
from weightlab import data, models
from weightlab.cli.run import run
from weightlab.data import Dataset, Draw, Split
from weightlab.errors import check_whole
from weightlab.files import write_atomically, write_text
from weightlab.plot.tables import markdown
from weightlab.train import TrainConfig, train

__all__ = ["bare_loop", "config_of", "few_tested", "main", "make_features", "measure", "report"]

_ROWS, _FEATURES, _CLASS_SIZE = 20_000, 512, 10  # rows to train on
_TESTED = 200  # rows: an evaluation that takes no time
_CASES = (("features", "raw"), ("features", "mass"), ("glyphs", "mass"))
_MEMORY = 8192
_ROUNDS = 7
_MOST_STEPS = 100_000

_app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@_app.command()
def training(
    steps: Annotated[int, typer.Option(help="of a run on features; a third as many on glyphs")] = 300,
    rounds: Annotated[int, typer.Option(help="how often each is run, in turns")] = _ROUNDS,
    figures: Figures = Path("figures"),
) -> None:
    """Seconds of a training run, on features and on glyphs, and of a bare PyTorch loop that does the same step.

    Writes bench/training.md and bench/training.csv.

    \b
    python -m benchmarks.training
    python -m benchmarks.training --steps 1000
    OMP_NUM_THREADS=1 python -m benchmarks.training --rounds 3
    """
    check_whole("steps", steps, 1, _MOST_STEPS)
    check_whole("rounds", rounds, 1, _MOST_STEPS)
    folder = output_folder(figures, "training.md", "training.csv")
    with Console(stderr=True).status("training") as status:
        table = measure(steps, rounds, status.update)
    text = report(table)
    write_text(folder / "training.md", text)
    write_atomically(folder / "training.csv", lambda path: table.to_csv(path, index=False))
    typer.echo(text, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit, as `run` says."""
    run(_app, "python -m benchmarks.training", arguments)


def measure(steps: int, rounds: int, say: Callable[[str], object] = print) -> pd.DataFrame:
    """A row a case: data, scale, steps, rounds, bare and weightlab (seconds, medians), and the rounds' median ratio."""
    found = []
    with tempfile.TemporaryDirectory(prefix="weightlab-bench-") as folder:
        features = data.load(f"features:{make_features(Path(folder, 'features.safetensors'))}")
        for name, scale in _CASES:
            say(f"training on {name} at scale {scale}")
            dataset = features if name == "features" else few_tested(data.load(name))
            config = config_of(name, scale, steps if name == "features" else max(1, steps // 3))
            runs: dict[str, Callable[[], object]] = {
                "bare": partial(bare_loop, config, dataset),
                "ours": partial(train, config, dataset=dataset),
            }
            time_in_turns(runs, seconds=0, least=1, most=1)  # so that threads and their buffers are there
            taken = time_in_turns(runs, seconds=math.inf, least=rounds, most=rounds)
            found.append(
                {
                    "data": name,
                    "scale": scale,
                    "steps": config.steps,
                    "rounds": rounds,
                    "bare": statistics.median(taken["bare"]),
                    "weightlab": statistics.median(taken["ours"]),
                    "ratio": median_ratio(taken["ours"], taken["bare"]),
                }
            )
    return pd.DataFrame(found)


def report(table: pd.DataFrame) -> str:
    """The table in Markdown, with the machine."""
    head = (
        f"Training runs: on features, {_ROWS:,} × {_FEATURES}, a linear head of 64 dimensions; on glyphs of 24 × 24 a\n"
        "cnn of width 32. Memory 8,192, momentum 0.99, batch 64 = 16 × 4, positive constant, negative step(0.5),\n"
        f"AdamW, float32; start and evaluation of {_TESTED} rows included, records and checkpoints not. Against a\n"
        f"PyTorch loop with the same encoder and batches that holds all pairs at once.\n{describe_machine()}.\n\n"
        f"Medians of {int(table['rounds'].iloc[0])} rounds in turns (A B A B …); the ratio is the median of the\n"
        "rounds' ratios."
    )
    rows = [
        [
            str(name),
            str(scale),
            f"{1000 * bare / steps:.3g}",
            f"{1000 * ours / steps:.3g}",
            f"{steps / ours:.0f}",
            f"{ratio:.2f}",
        ]
        for name, scale, steps, bare, ours, ratio in table[
            ["data", "scale", "steps", "bare", "weightlab", "ratio"]
        ].to_numpy()
    ]
    columns = ["data", "scale", "bare, ms a step", "weightlab, ms a step", "weightlab, steps a second", "ratio"]
    return f"{head}\n\n{markdown(columns, rows, right=columns[2:])}\n"


def config_of(name: str, scale: str, steps: int) -> TrainConfig:
    """The run."""
    model = "linear" if name == "features" else "cnn"
    settings = {"model": model, "scale": scale, "steps": steps, "memory_start": 0, "memory": _MEMORY, "record": 0}
    return TrainConfig.checked(settings)


def make_features(path: Path) -> Path:
    """Rows around class centres, ten a class; the last 200 rows are for test."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(_ROWS + _TESTED) // _CLASS_SIZE
    centres, noise = (
        normalize(torch.randn(count, _FEATURES, generator=generator)) for count in (int(labels[-1]) + 1, len(labels))
    )
    save_file({"embeddings": normalize(centres[labels] + 0.8 * noise), "labels": labels}, path)
    return path


def few_tested(dataset: Dataset) -> Dataset:
    """With a test of its first 200 rows."""
    test = dataset.test
    labels = torch.unique(test.labels[:_TESTED], return_inverse=True)[1]
    return replace(dataset, test=Split(labels, test.inputs))


def bare_loop(config: TrainConfig, dataset: Dataset) -> list[float]:
    """The same run with nothing but PyTorch and NumPy, all pairs at once; the loss of each step."""
    labels, inputs = dataset.train.labels, dataset.train.inputs
    rows = inputs(torch.arange(len(labels))) if config.model == "linear" else None  # in memory as they are
    order = np.argsort(labels.numpy(), kind="stable")
    of_class = np.split(order, np.flatnonzero(np.diff(labels.numpy()[order])) + 1)
    encoder = models.build(
        config.model, shape=inputs.shape, width=config.width, dimensions=config.dimensions, seed=config.seed
    )
    slow = deepcopy(encoder).requires_grad_(False)
    optimizer = torch.optim.AdamW(encoder.parameters(), weight_decay=config.weight_decay)
    size = int(config.memory)
    bank, bank_labels = torch.zeros(size, config.dimensions), torch.zeros(size, dtype=torch.int64)
    anchors, rise, history = torch.arange(config.batch), config.rise, []
    for step in range(config.steps):
        random = np.random.default_rng((config.seed, step))
        classes = random.choice(len(of_class), config.batch // config.per_class, replace=False)
        index = np.concatenate([random.choice(of_class[each], config.per_class, replace=False) for each in classes])
        batch = inputs(torch.from_numpy(index), Draw(config.seed, step)) if rows is None else rows[index]
        wanted = labels[index]
        x = encoder(batch)
        loss = _loss(config, x @ x.T, wanted[:, None] == wanted, anchors)
        with torch.no_grad():
            keys = slow(batch)
        own = (anchors + step * config.batch) % len(bank)
        bank[own], bank_labels[own] = keys, wanted
        filled = min((step + 1) * config.batch, len(bank))
        same = wanted[:, None] == bank_labels[:filled]
        loss = loss + _loss(config, x @ bank[:filled].T, same, own)
        rate = (step + 1) / rise
        if step >= rise:
            rate = 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, config.steps - rise)))
        optimizer.param_groups[0]["lr"] = config.learning_rate * rate
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for its, new in zip(slow.parameters(), encoder.parameters(), strict=True):
                its.lerp_(new, 1 - config.momentum if step else 1.0)
            for kept, found in zip(slow.buffers(), encoder.buffers(), strict=True):
                kept.copy_(found)
        history.append(loss.item())
    return history


def _loss(config: TrainConfig, similarity: Tensor, same: Tensor, own: Tensor) -> Tensor:
    """Σ w⁻ S − Σ w⁺ S of the anchors, on average, with constant positive weights and 1[S > 0.5] for negatives."""
    with torch.no_grad():
        push = (~same & (similarity > 0.5)).float()
        pull = same.float()
        pull[torch.arange(len(own)), own] = 0
        if config.scale == "mass":
            push = push / push.sum(1, keepdim=True).clamp(min=1)
            pull = pull / pull.sum(1, keepdim=True).clamp(min=1)
        weight = push - pull
    return (weight * similarity).sum() / len(similarity)


if __name__ == "__main__":
    main()
