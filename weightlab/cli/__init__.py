"""The command line: one file a group of commands, no logic of its own."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run a command of weightlab and exit, as `weightlab.cli.run.run` says."""
    try:  # Ctrl-C is answered from here on: what the commands import takes half a second
        from weightlab.cli.app import app
        from weightlab.cli.run import run
    except KeyboardInterrupt:
        sys.exit("weightlab: stopped")  # exit code 1
    run(app, "weightlab", arguments)
