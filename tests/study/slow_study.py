"""A study of slow trials in a process of its own, to be killed: python slow_study.py SPEC RUNS."""

import sys
from functools import partial
from pathlib import Path

from fake_training import slow
from rich.console import Console

from weightlab.study.run import run
from weightlab.study.spec import read
from weightlab.study.workers import run_trials

if __name__ == "__main__":
    try:
        run(
            read(Path(sys.argv[1])),
            "quick",
            slow,
            runner=partial(run_trials, jobs=2),
            runs=Path(sys.argv[2]),
            console=Console(stderr=True),
        )
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(1)
