"""python -m fuzz --seed 0 --commands 1000 --calls 5000: what `make fuzz` runs; exit code 1 where any case fails.

--only "command 17" or --only "call 17" runs that case alone and shows it.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import platformdirs

_MEMORY = 12 << 30  # bytes of address space: a case that asks for more is told so, and the machine lives on


def main() -> int:
    """Run the cases and print what came of them."""
    options = _options()
    # the user's own glyphs are only read: each case has a home of its own
    os.environ.setdefault("WEIGHTLAB_CACHE", platformdirs.user_cache_dir("weightlab"))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    import matplotlib as mpl
    import torch
    from rich.console import Console

    mpl.use("agg")
    torch.set_num_threads(1)
    from fuzz import report
    from fuzz.run import Tally, calls, commands

    # its own copy of the stream: a case has another one in its place
    with open(os.dup(1), "w", encoding="utf-8") as stream:
        console = Console(file=stream, soft_wrap=True)
        tally = Tally()
        kind, _, number = (options.only or "").partition(" ")
        runs: tuple[tuple[str, Callable[[Tally, int, Iterable[int]], None], int], ...] = (
            ("command", commands, options.commands),
            ("call", calls, options.calls),
        )
        for name, run, count in runs:
            numbers = [int(number)] if kind == name else [] if kind else range(count)
            with _shown(console, numbers, f"{name}s, seed {options.seed}") as tracked:
                run(tally, options.seed, tracked)
        report.show(tally, options.seed, console)
    return 1 if tally.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Odd input to every command and call.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--only", metavar="'command 17'")
    return parser.parse_args()


@contextmanager
def _shown(console: object, numbers: Iterable[int], what: str) -> Iterator[Iterable[int]]:
    """The numbers, with a bar on a terminal; a line elsewhere."""
    from rich.console import Console
    from rich.progress import track

    assert isinstance(console, Console)
    if console.is_terminal:
        yield track(numbers, what, console=console)
        return
    console.print(what, highlight=False)
    yield numbers


if __name__ == "__main__":
    sys.exit(main())
