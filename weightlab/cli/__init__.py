"""The command line: one file a group of commands, no logic of its own."""

from weightlab.cli.app import main

__all__ = ["main"]
