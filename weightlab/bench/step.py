"""How long a training step's weights × references → gradient takes, and how much memory, against other ways."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from weightlab.bench.inputs import BATCH, CLASS_SIZE, DIMENSIONS, Inputs, make_inputs
from weightlab.bench.machine import describe_machine
from weightlab.bench.memory import extra_memory
from weightlab.bench.methods import LIBRARY, PRODUCTS, WEIGHTLAB, Method, has_library, methods
from weightlab.bench.timing import median_ratio, time_in_turns
from weightlab.errors import InputError
from weightlab.plot.tables import markdown

__all__ = ["Measured", "measure", "report", "sizes"]

_SMALLEST, _PAPER = 10, 55_000  # 2^10 references; half of SOP's training images, the size that goals are set at
_SECONDS, _LEAST, _MOST = 1.0, 2, 21  # of a method at a size: seconds in all, runs at least and at most
_WARM_UP = 2


@dataclass(frozen=True)
class Measured:
    """What was measured.

    times: method, loss, references, seconds (median), ratio (to the two products, median over rounds), runs.
    memory: method, loss, references, mebibytes. detail: the number of references that the second table is about.
    hard: the share of negatives above 0.5 there.
    """

    times: pd.DataFrame
    memory: pd.DataFrame
    detail: int
    hard: float
    device: str


def sizes(max_power: int) -> list[int]:
    """Numbers of references: 2^10, 2^12, … up to 2^max_power, and 55,000 if that lies between."""
    if max_power < _SMALLEST:
        raise InputError(f"max-power must be at least {_SMALLEST}, not {max_power}")
    powers = [1 << power for power in range(_SMALLEST, max_power + 1, 2)]
    return sorted([*powers, _PAPER]) if powers[-1] > _PAPER else powers


def measure(max_power: int = 20, device: str = "cpu", say: Callable[[str], object] = print) -> Measured:
    """Time every method at every size, then measure memory at 55,000 references and, of weightlab's, at the most.

    say: told what is being done. Raises InputError for a device that is not there, or a max_power below 10.
    """
    place, every, compared = _device(device), sizes(max_power), methods()
    detail = _PAPER if _PAPER in every else every[-1]
    times = []
    for size in every:
        say(f"timing {size:,} references")
        times.append(_time(compared, make_inputs(size, place), warm_up=size == every[0]))
    memory = []
    for size in dict.fromkeys([detail, every[-1]]):
        inputs = make_inputs(size, place)
        asked = [method for method in compared if method.fits(size) and (size == detail or method.name == WEIGHTLAB)]
        for row in _memory(asked, inputs):
            say(f"memory with {size:,} references: {row['method']} {row['loss']}")
            memory.append(row)
    hard = make_inputs(detail, place).share_above(0.5)
    return Measured(pd.concat(times, ignore_index=True), pd.DataFrame(memory), detail, hard, _describe(place))


def report(measured: Measured) -> str:
    """Everything in Markdown: the machine, ratios by size, and the table at one size with the extra memory."""
    detail = f"{measured.detail:,}"
    most = int(measured.times["references"].max())
    head = (
        f"The step: {BATCH} anchors × M references of {DIMENSIONS} dimensions → gradient of the anchors, float32.\n"
        f"{measured.device}.\n\n"
        f"Medians of {_LEAST} to {_MOST} runs in turns (A B C A B C …), as ratios within a turn to two products,\n"
        "`anchors @ references.T @ references`.\n\n"
        f"Embeddings around class centres, about {CLASS_SIZE} references a class; {100 * measured.hard:.1f} % of the\n"
        f"negatives lie above 0.5 (M = {detail}). The bank does not hold the anchors themselves."
    )
    memory = (
        f"M = {detail}. Extra memory: peak during a step less what is held before, in MiB, each in a process of its own"
        + (f"; for weightlab with {most:,} references too." if most > measured.detail else ".")
    )
    return "\n\n".join([head, _ratios(measured.times), *_notes(most), memory, _details(measured)]) + "\n"


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"unknown device '{name}': use cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be cpu or cuda, not {name}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name}: torch finds no CUDA device here, use cpu")
    return device


def _describe(device: torch.device) -> str:
    return (
        f"{torch.cuda.get_device_name(device)}; {describe_machine()}" if device.type == "cuda" else describe_machine()
    )


def _time(compared: Sequence[Method], inputs: Inputs, *, warm_up: bool) -> pd.DataFrame:
    """A row for each method that fits."""
    device, size = inputs.anchors.device, len(inputs.references)
    finish = (lambda: torch.cuda.synchronize(device)) if device.type == "cuda" else (lambda: None)
    fitting = {method.title: method for method in compared if method.fits(size)}
    runs = {title: method.prepare(inputs) for title, method in fitting.items()}
    if warm_up or device.type == "cuda":  # on a GPU each size may have kernels of its own
        time_in_turns(runs, seconds=0, least=_WARM_UP, most=_WARM_UP, finish=finish)
    taken = time_in_turns(runs, seconds=_SECONDS, least=_LEAST, most=_MOST, finish=finish)
    return pd.DataFrame(
        {
            "method": method.name,
            "loss": method.loss,
            "references": size,
            "seconds": statistics.median(taken[title]),
            "ratio": median_ratio(taken[title], taken[PRODUCTS]),
            "runs": len(taken[title]),
        }
        for title, method in fitting.items()
    )


def _memory(compared: Sequence[Method], inputs: Inputs) -> Iterator[dict[str, object]]:
    measured = extra_memory([method.prepare for method in compared], inputs)
    for method, mebibytes in zip(compared, measured, strict=True):
        size = len(inputs.references)
        yield {"method": method.name, "loss": method.loss, "references": size, "mebibytes": mebibytes}


def _ratios(times: pd.DataFrame) -> str:
    """A row a method, a column a size; of the yardstick itself the milliseconds."""
    every = sorted(times["references"].unique())
    columns = ["M", "", *(f"{size:,}" for size in every)]
    rows = []
    for (name, loss), part in times.groupby(["method", "loss"], sort=False):
        by_size = part.set_index("references")
        is_yardstick = name == PRODUCTS
        cells = [
            (f"{1000 * by_size['seconds'][size]:.3g} ms" if is_yardstick else f"{by_size['ratio'][size]:.2f}")
            if size in by_size.index
            else "–"
            for size in every
        ]
        rows.append([str(name), str(loss), *cells])
    return markdown(columns, rows, right=columns[2:])


def _notes(most: int) -> list[str]:
    """What is missing, and why."""
    skipped = [f"{method.title} above {method.largest:,}" for method in methods() if not method.fits(most)]
    notes = [f"–: not run, for it takes gigabytes ({'; '.join(skipped)})."] if skipped else []
    if not has_library():
        notes.append(f"{LIBRARY} is not installed, so its rows are missing.")
    return notes


def _details(measured: Measured) -> str:
    """At one size: milliseconds, ratios to the products and to pytorch-metric-learning's same loss, extra memory."""
    at_size = measured.times[measured.times["references"] == measured.detail]
    most = int(measured.times["references"].max())
    library = at_size[at_size["method"] == LIBRARY].set_index("loss")["ratio"].to_dict()
    library["step(0.5)"] = library.get("contrastive", float("nan"))  # the same weights
    extra = {(row.method, row.loss, row.references): f"{row.mebibytes:.0f}" for row in measured.memory.itertuples()}
    columns = ["", "loss", "ms", "to the products", f"to {LIBRARY}", "extra MiB"]
    columns += [f"with {most:,}"] if most > measured.detail else []
    rows = []
    for name, loss, seconds, ratio in zip(
        *(at_size[key] for key in ("method", "loss", "seconds", "ratio")), strict=True
    ):
        theirs = ratio / library[loss] if loss in library else float("nan")
        mebibytes = [extra.get((name, loss, size), "–") for size in dict.fromkeys([measured.detail, most])]
        to_theirs = "–" if theirs != theirs else f"{theirs:.2f}"
        rows.append([name, loss, f"{1000 * seconds:.3g}", f"{ratio:.2f}", to_theirs, *mebibytes])
    return markdown(columns, rows, right=columns[2:])
