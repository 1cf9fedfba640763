"""How much memory a step takes beyond its inputs, measured in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.inputs import Inputs, make_inputs

__all__ = ["extra_memory"]

Prepare = Callable[[Inputs], Callable[[], object]]
_WARM_UP = 256  # references


def extra_memory(steps: Sequence[Prepare], inputs: Inputs) -> Iterator[float]:
    """For each step: peak memory during one run, less what is held just before, in MiB.

    On a processor the peak is of the process's resident memory, on a GPU of what torch has allocated. Each step gets a
    fresh process, in which a run on 256 references comes first, so that libraries, threads and their buffers are there.
    steps: picklable functions that make a step of its inputs.
    """
    device = inputs.anchors.device
    with tempfile.TemporaryDirectory(prefix="weightlab-bench-") as folder:
        for name, tensor in _tensors(inputs).items():
            np.save(Path(folder, f"{name}.npy"), tensor.cpu().numpy())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
            for step in steps:
                yield processes.submit(_measure, step, folder, str(device), torch.get_num_threads()).result()


def _measure(prepare: Prepare, folder: str, device_name: str, threads: int) -> float:
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    prepare(make_inputs(_WARM_UP, device))()
    # after the warm-up, and straight from files: nothing on the way may reach a peak above what then stays
    inputs = Inputs(**{name: _load(Path(folder, f"{name}.npy"), device) for name in Inputs.__dataclass_fields__})
    run = prepare(inputs)
    _reset_peak(device)
    before = _peak(device)
    run()
    return (_peak(device) - before) / 2**20


def _tensors(inputs: Inputs) -> dict[str, torch.Tensor]:
    return {name: getattr(inputs, name) for name in Inputs.__dataclass_fields__}


def _load(path: Path, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.load(path)).to(device)


def _reset_peak(device: torch.device) -> None:
    """Forget what was held before for a while only, as by the making of a bank; where it can't be, it is counted."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak(device: torch.device) -> int:
    """Bytes at most, so far."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage: on Linux a process inherits that maximum from the one that started it
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
