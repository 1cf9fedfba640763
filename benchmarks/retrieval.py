"""How long retrieval metrics take at the size of Stanford Online Products, against faiss alone and another library;
with few large classes, against a product and topk; and for a sample of queries among many rows on disk.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import faiss
import numpy as np
import pandas as pd
import torch
import typer
from rich.console import Console
from torch import Tensor

from benchmarks.inputs import DIMENSIONS, clustered
from benchmarks.machine import describe_machine
from benchmarks.methods import LIBRARY, has_library
from benchmarks.output import Figures, output_folder
from benchmarks.timing import median_ratio, time_in_turns
from weightlab.cli.run import run
from weightlab.errors import check_whole
from weightlab.files import write_text
from weightlab.plot.tables import markdown
from weightlab.retrieval import evaluate
from weightlab.retrieval import measure as measure_retrieval
from weightlab.retrieval.nearest import faiss_threads

__all__ = ["ROWS", "Retrieval", "main", "make_rows", "measure", "report"]

ROWS, _CLASSES = 60_502, 11_316  # SOP's test images and their classes
_LEAST_ROWS, _MOST_ROWS = 1000, 1_000_000  # the time goes with their square
_SMALLEST_CLASS, _LARGEST_CLASS = 2, 12  # as in SOP
_SPREAD = 1.2  # at which some are found and some are not
_KS = (1, 10, 100)
_LARGE_ROWS, _LARGE_CLASSES, _LARGE_DIMENSIONS = 12_000, 6, 32
_MANY_DIMENSIONS, _MANY_QUERIES, _MANY_CLASS = 256, 10_000, 5
_PIECE = 1000  # rows at a time, where they are made or multiplied
_SECONDS, _LEAST, _MOST = 30.0, 2, 5
_FLAT, _EVALUATE, _CALCULATOR = "faiss IndexFlatIP", "weightlab.retrieval.evaluate", "AccuracyCalculator"

_app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@_app.command()
def retrieval(
    rows: Annotated[
        int, typer.Option(help="embeddings to search among each other; the default is SOP's test set")
    ] = ROWS,
    many: Annotated[
        int, typer.Option(help="embeddings on disk, 10,000 of which are searched among all; 0: none", min=0)
    ] = 0,
    figures: Figures = Path("figures"),
) -> None:
    """Seconds for recall and MAP@R, as ratios to faiss's search alone and to pytorch-metric-learning.

    Writes bench/retrieval.md.

    \b
    python -m benchmarks.retrieval
    python -m benchmarks.retrieval --rows 20000
    python -m benchmarks.retrieval --many 1000000
    """
    folder = output_folder(figures, "retrieval.md")
    with Console(stderr=True).status("starting") as status:
        if many:
            check_whole("many", many, _LEAST_ROWS, _MOST_ROWS)
        text = report(measure(rows, status.update))
        status.update(f"searching {_LARGE_ROWS:,} rows of {_LARGE_CLASSES} classes")
        text += f"\n{large_classes()}\n"
        if many:
            status.update(f"searching {many:,} rows for {_MANY_QUERIES:,}")
            text += f"\n{many_rows(many)}\n"
    write_text(folder / "retrieval.md", text)
    typer.echo(text, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit, as `run` says."""
    run(_app, "python -m benchmarks.retrieval", arguments)


@dataclass(frozen=True)
class Retrieval:
    """What was measured.

    table: method, seconds (median), to_faiss and to_library (ratios), R@1 and MAP@R found (or NaN).
    rows: how many embeddings.
    classes: how many classes they have.
    """

    table: pd.DataFrame
    rows: int
    classes: int


def make_rows(rows: int) -> tuple[Tensor, Tensor]:
    """Embeddings [rows, 128] and labels: as many classes as SOP has of so many images, of 2 to 12 rows each."""
    check_whole("rows", rows, _LEAST_ROWS, _MOST_ROWS)
    generator = torch.Generator().manual_seed(rows)
    classes = round(rows * _CLASSES / ROWS)
    room = _LARGEST_CLASS - _SMALLEST_CLASS
    more = torch.randperm(classes * room, generator=generator)[: rows - _SMALLEST_CLASS * classes] // room
    labels = torch.cat([torch.arange(classes).repeat(_SMALLEST_CLASS), more])
    labels = labels[torch.randperm(rows, generator=generator)]
    return clustered(labels, generator, _SPREAD), labels


def measure(rows: int = ROWS, say: Callable[[str], object] = print) -> Retrieval:
    """Time all three in turns, after a run of each on the fewest rows. Raises InputError outside 1,000 to 1,000,000."""
    embeddings, labels = make_rows(rows)
    with faiss_threads(torch.get_num_threads()):
        say("warming up")
        time_in_turns(_runs(*make_rows(_LEAST_ROWS), {}), seconds=0, least=1, most=1)
        say(f"searching {rows:,} × {rows:,}, several times")
        found: dict[str, dict[str, float]] = {}
        taken = time_in_turns(_runs(embeddings, labels, found), seconds=_SECONDS, least=_LEAST, most=_MOST)
    table = pd.DataFrame(
        {
            "method": name,
            "seconds": statistics.median(seconds),
            "to_faiss": median_ratio(seconds, taken[_FLAT]),
            "to_library": median_ratio(seconds, taken[_CALCULATOR]) if _CALCULATOR in taken else float("nan"),
            "R@1": found.get(name, {}).get("R@1", float("nan")),
            "MAP@R": found.get(name, {}).get("MAP@R", float("nan")),
        }
        for name, seconds in taken.items()
    )
    return Retrieval(table, rows, int(labels.max()) + 1)


def report(measured: Retrieval) -> str:
    """The table in Markdown, with the machine and what each does."""
    rows = measured.rows
    head = (
        f"Retrieval: {rows:,} rows of {DIMENSIONS} dimensions against all others, {measured.classes:,} classes.\n"
        f"{describe_machine()}, faiss {faiss.__version__} with as many threads.\n\n"
        f"{_EVALUATE}: R@{{1, 10, 100}} and MAP@R. {_FLAT}: its search alone, k = {max(_KS) + 1}."
    )
    library = (
        f"{_CALCULATOR} of {LIBRARY}: precision_at_1 and mean_average_precision_at_r, with\n"
        "k = max_bin_count (the largest class), the least that MAP@R needs. Its default, k = all references, would\n"
        f"hold {12 * rows**2 / 1e9:,.1f} GB of neighbours and distances alone."
        if has_library()
        else f"{LIBRARY} is not installed, so its row is missing."
    )
    note = f"Medians of {_LEAST} to {_MOST} runs in turns (A B C A B C …), as ratios within a turn."
    return "\n\n".join([f"{head}\n{library}\n{note}", _table(measured.table)]) + "\n"


def large_classes(rows: int = _LARGE_ROWS) -> str:
    """What few large classes take on one thread, as a line: the ratio to a product and topk, as deep as R."""
    generator = torch.Generator().manual_seed(rows)
    labels = torch.arange(rows) % _LARGE_CLASSES
    centres = torch.randn(_LARGE_CLASSES, _LARGE_DIMENSIONS, generator=generator)
    noise = 1.5 * torch.randn(rows, _LARGE_DIMENSIONS, generator=generator)
    embeddings = torch.nn.functional.normalize(centres[labels] + noise)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs: dict[str, Callable[[], object]] = {
            "ours": lambda: evaluate(embeddings, labels, _KS),
            "topk": lambda: [
                (some @ embeddings.T).topk(rows // _LARGE_CLASSES, dim=1) for some in embeddings.split(_PIECE)
            ],
        }
        taken = time_in_turns(runs, seconds=0, least=_LEAST, most=_LEAST)
    finally:
        torch.set_num_threads(threads)
    return (
        f"Few large classes, {rows:,} × {_LARGE_DIMENSIONS} in {_LARGE_CLASSES}, one thread: {_EVALUATE} "
        f"{statistics.median(taken['ours']):.2f} s, {median_ratio(taken['ours'], taken['topk']):.2f} of "
        "a product and topk."
    )


def many_rows(rows: int, queries: int = _MANY_QUERIES) -> str:
    """What a sample of queries takes among so many rows on disk, and how much memory, as a line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, _MANY_DIMENSIONS))
        random, labels = np.random.default_rng(rows), np.arange(rows) // _MANY_CLASS
        for first in range(0, rows, _MANY_CLASS * _PIECE):
            own = labels[first : first + _MANY_CLASS * _PIECE]
            some = random.standard_normal((own[-1] - own[0] + 1, _MANY_DIMENSIONS))[own - own[0]]
            some += _SPREAD * random.standard_normal(some.shape)
            made[first : first + len(some)] = some / np.linalg.norm(some, axis=1, keepdims=True)
        made.flush()
        del made
        embeddings = np.load(path, mmap_mode="r")
        begun = time.perf_counter()
        found = measure_retrieval(embeddings, labels, ks=_KS, queries=queries)
        seconds = time.perf_counter() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    value, low, high = found.table.loc[0, ["value", "low", "high"]]
    return (
        f"{found.queries:,} of {found.eligible:,} rows × {_MANY_DIMENSIONS}, on disk, searched among all: "
        f"weightlab.retrieval.measure took {seconds:.1f} s, R@1 {value:.4f} [{low:.4f}, {high:.4f}]; the process held "
        f"{most:.2f} GiB at most, what lies on disk and was read included."
    )


def _runs(embeddings: Tensor, labels: Tensor, found: dict[str, dict[str, float]]) -> dict[str, Callable[[], object]]:
    """What is timed; the metrics go into `found`."""
    runs: dict[str, Callable[[], object]] = {
        _FLAT: partial(_search, embeddings, max(_KS) + 1),
        _EVALUATE: lambda: found.update({_EVALUATE: evaluate(embeddings, labels, _KS)}),
    }
    if has_library():
        runs[_CALCULATOR] = lambda: found.update({_CALCULATOR: _calculate(embeddings, labels)})
    return runs


def _search(embeddings: Tensor, k: int) -> object:
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings.numpy())
    return index.search(embeddings.numpy(), k)


def _calculate(embeddings: Tensor, labels: Tensor) -> dict[str, float]:
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    names = {"precision_at_1": "R@1", "mean_average_precision_at_r": "MAP@R"}
    calculator = AccuracyCalculator(include=tuple(names), k="max_bin_count", device=torch.device("cpu"))
    return {names[name]: value for name, value in calculator.get_accuracy(embeddings, labels).items()}


def _table(table: pd.DataFrame) -> str:
    columns = ["", "seconds", "to faiss", f"to {_CALCULATOR}", "R@1", "MAP@R"]
    rows = [
        [str(name), f"{seconds:.2f}", *("–" if value != value else f"{value:.{digits}f}" for value, digits in cells)]
        for name, seconds, *values in table.itertuples(index=False)
        for cells in [list(zip(values, (2, 2, 4, 4), strict=True))]
    ]
    return markdown(columns, rows, right=columns[1:])


if __name__ == "__main__":
    main()
