"""Running a command line: its exit code, and how an error is said in one line."""

from __future__ import annotations

import sys

import typer
from typer.exceptions import Abort, TyperException

from weightlab.errors import InputError

__all__ = ["run"]


def run(app: typer.Typer, name: str, arguments: list[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 a run failed or was stopped, 2 bad input, with one line on standard error.

    name: what is typed to start it. arguments: without them, the process's own.
    """
    try:
        code = app(arguments, prog_name=name, standalone_mode=False)
    except (InputError, TyperException) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        code = _say(name, message or f"give a command; see {name} --help", 2)
    except (KeyboardInterrupt, Abort):
        code = _say(name, "stopped", 1)
    except (RuntimeError, OSError) as error:
        code = _say(name, f"failed: {error}", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _say(name: str, message: str, code: int) -> int:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    print(f"{name}:", " ".join(lines), file=sys.stderr)
    return code
