"""The `weightlab` command: its groups, and how an error is said in one line."""

from __future__ import annotations

import sys

import typer
from typer.exceptions import Abort, TyperException

from weightlab.cli import bench, compare, data, decompose, losses, study, train
from weightlab.cli.group import Group
from weightlab.errors import InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="weightlab",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="See, assign and study the pair weights of deep metric learning losses.",
    epilog="Begin with: weightlab decompose ms-loss --plot",
)
app.command("losses")(losses.losses)
app.command("decompose")(decompose.decompose)
app.command("compare")(compare.compare)
app.command("train")(train.train)
app.command("evaluate")(train.evaluate)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 a run failed or was stopped, 2 bad input, with one line on standard error."""
    try:
        code = app(arguments, prog_name="weightlab", standalone_mode=False)
    except (InputError, TyperException) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        code = _say(message or "give a command; see weightlab --help", 2)
    except (KeyboardInterrupt, Abort):
        code = _say("stopped", 1)
    except (RuntimeError, OSError) as error:
        code = _say(f"failed: {error}", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _say(message: str, code: int) -> int:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    print("weightlab:", " ".join(lines), file=sys.stderr)
    return code
