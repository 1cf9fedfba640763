"""How long a training step's weights × references → gradient takes, and how much memory, against other ways."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from benchmarks.inputs import Inputs, make_inputs
from benchmarks.machine import describe_machine
from benchmarks.memory import extra_memory
from benchmarks.methods import PRODUCTS, WEIGHTLAB, Method, methods
from benchmarks.timing import median_ratio, time_in_turns
from weightlab.errors import InputError, check_whole

__all__ = ["LEAST_RUNS", "MOST_RUNS", "StepTimes", "check_device", "measure", "sizes"]

_SMALLEST, _LARGEST, _PAPER = (
    10,
    24,
    55_000,
)  # 2^10 references; 2^24, which take 8 GiB; half of SOP's training images, the size that goals are set at
_SECONDS, LEAST_RUNS, MOST_RUNS = 1.0, 2, 21  # of a method at a size: seconds in all, runs at least and at most
_WARM_UP = 2


@dataclass(frozen=True)
class StepTimes:
    """What was measured.

    times: method, loss, references, seconds (median), ratio (to the two products, median over rounds), runs.
    memory: method, loss, references, mebibytes (extra, at the peak of a step).
    detail: the number of references that memory is of, for all methods.
    hard: the share of negatives above 0.5 there.
    machine: what it ran on.
    """

    times: pd.DataFrame
    memory: pd.DataFrame
    detail: int
    hard: float
    machine: str


def sizes(max_power: int) -> list[int]:
    """Numbers of references: 2^10, 2^12, … up to 2^max_power, and 55,000 if that lies between."""
    check_whole("max-power", max_power, _SMALLEST, _LARGEST)
    powers = [1 << power for power in range(_SMALLEST, max_power + 1, 2)]
    return sorted([*powers, _PAPER]) if powers[-1] > _PAPER else powers


def measure(max_power: int = 20, device: str = "cpu", say: Callable[[str], object] = print) -> StepTimes:
    """Time every method at every size, then measure memory at 55,000 references and, of weightlab's, at the most.

    say: told what is being done. Raises InputError for a device that is not there, or a max_power outside 10 to 24.
    """
    place, every, compared = check_device(device), sizes(max_power), methods()
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
    return StepTimes(pd.concat(times, ignore_index=True), pd.DataFrame(memory), detail, hard, describe_machine(place))


def check_device(name: str) -> torch.device:
    """The device of that name. Raises InputError for one that is neither a processor nor a GPU that is there."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"unknown device '{name}': use cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be cpu or cuda, not {name}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {name}: torch finds {torch.cuda.device_count()} CUDA devices here")
    return device


def _time(compared: Sequence[Method], inputs: Inputs, *, warm_up: bool) -> pd.DataFrame:
    """A row for each method that fits."""
    device, size = inputs.anchors.device, len(inputs.references)
    finish = (lambda: torch.cuda.synchronize(device)) if device.type == "cuda" else (lambda: None)
    fitting = {method.title: method for method in compared if method.fits(size)}
    runs = {title: method.prepare(inputs) for title, method in fitting.items()}
    if warm_up or device.type == "cuda":  # on a GPU each size may have kernels of its own
        time_in_turns(runs, seconds=0, least=_WARM_UP, most=_WARM_UP, finish=finish)
    taken = time_in_turns(runs, seconds=_SECONDS, least=LEAST_RUNS, most=MOST_RUNS, finish=finish)
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
