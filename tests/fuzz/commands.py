"""Running a command line: in this process, or now and then in one of its own."""

from __future__ import annotations

import itertools
import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuzz import names
from fuzz.case import Command, Outcome
from fuzz.sandbox import TimeUpError, bounded, captured, environment, folder, listing, where

import weightlab
from weightlab.cli import main
from weightlab.study.spec import read
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.train import TrainResult

__all__ = ["run_command"]

SECONDS = 20.0  # of processor time
_MOST_TRIALS = 40
_ROOT = Path(weightlab.__file__).resolve().parents[1]
_WORDS = {name: getattr(names, name) for name in names.__all__}


def run_command(command: Command) -> Outcome:
    """Run it in a fresh folder that holds its files, and see what it does."""
    with folder() as root, ExitStack() as stack:
        stack.enter_context(
            environment({"HOME": str(root / "home"), "COLUMNS": "80", "FORCE_COLOR": None, **command.environment})
        )
        _write(command)
        before = listing(root)
        code, out, err, escaped = (_in_process if command.shell is None else _in_shell)(command)
        after = listing(root)
        signs = (("+", after.keys() - before.keys()), ("-", before.keys() - after.keys()))
        left = [f"{sign}{path}" for sign, paths in signs for path in sorted(paths)]
        left += [f"*{path}" for path in sorted(before.keys() & after.keys()) if before[path] != after[path]]
        return Outcome(code, out.replace(str(root), "ROOT"), err.replace(str(root), "ROOT"), escaped, tuple(left))


def _write(command: Command) -> None:
    """The folder's files, and the results of the studies in it."""
    for name, code in command.files.items():
        path = Path(name)
        (path.parent if code is not None else path).mkdir(parents=True, exist_ok=True)
        if code is not None:
            path.write_bytes(eval(code, dict(_WORDS)))
    if command.finished:
        for path in sorted(Path("studies").glob("*.toml")) if Path("studies").is_dir() else []:
            for runs in _folders(command):
                _finish(path, Path(runs))


def _folders(command: Command) -> list[str]:
    """Where the command may look for results."""
    words = [*command.arguments, ""]
    given = [after for word, after in itertools.pairwise(words) if word == "--runs"]
    return ["runs", *given, *(word.removeprefix("--runs=") for word in words if word.startswith("--runs="))]


def _finish(path: Path, runs: Path) -> None:
    """Results for all trials of a study that is a sound one, so that a command need not train."""
    random = np.random.default_rng(0)
    try:
        spec = read(path)
        for size in spec.sizes:
            wanted = trials(spec, size)
            for trial in wanted[:_MOST_TRIALS]:
                metrics = {name: float(random.random()) for name in ("R@1", "R@10", "R@100", "MAP@R")}
                Storage.of(runs, spec, size).save(trial, TrainResult(metrics, 1.0))
    except (Exception, RecursionError):  # the command is to say what is wrong with it
        return


def _in_process(command: Command) -> tuple[int | None, str, str, str | None]:
    code: int | None = None
    escaped = None
    arguments, modules, paths = sys.argv, set(sys.modules), list(sys.path)
    with captured() as read_streams:
        try:
            with bounded(SECONDS):
                sys.argv = ["weightlab", *command.arguments]
                main(list(command.arguments))
            escaped = "main returns"
        except SystemExit as ended:
            code = _code(ended.code)
        except BaseException as error:
            escaped = _escaped(error)
        finally:
            sys.argv = arguments
            sys.path[:] = paths
            _forget(set(sys.modules) - modules)
            _restore()
        out, err = read_streams()
    return code, out, err, escaped


def _code(code: Any) -> int:
    """As Python has it: None is 0, a text is printed and is 1."""
    if code is None:
        return 0
    return code if isinstance(code, int) else 1


def _escaped(error: BaseException) -> str:
    if isinstance(error, TimeUpError):
        return f"time is up in {where(error)}"
    return f"{type(error).__name__} in {where(error)}"


def _forget(modules: set[str]) -> None:
    """Modules that were imported from the case's folder."""
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None or not Path(file).is_absolute() or "weightlab-fuzz-" in file:
            sys.modules.pop(name, None)


def _restore() -> None:
    """What a case's own code may have set, and what ends with a process."""
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def _in_shell(command: Command) -> tuple[int | None, str, str, str | None]:
    words = [sys.executable, "-m", "weightlab", *command.arguments]
    line = (command.shell or "{}").replace("{}", shlex.join(words))
    variables = {**os.environ, "PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, stdin=subprocess.DEVNULL, env=variables, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return None, "", "", "time is up in a process of its own"
    out, err = (text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
    return (141 if done.returncode == 141 else done.returncode), out, err, None
