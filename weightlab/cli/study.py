"""weightlab study: run a study, and see what it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from weightlab.cli.group import Group
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows, records

if TYPE_CHECKING:  # the commands import what they need: --help answers at once
    from weightlab.study.report import Report
    from weightlab.study.spec import StudySpec

__all__ = ["app"]

app = typer.Typer(
    name="study",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Run studies: arms × seeds of training runs that put a claim to the test.",
    epilog="Begin with: weightlab study run studies/negatives.toml --jobs 2",
)

Study = Annotated[str, typer.Argument(metavar="STUDY", help="a TOML file, or the name of one in studies/")]
Jobs = Annotated[int, typer.Option(min=1, help="trials at a time, each with one thread")]
Size = Annotated[str, typer.Option(help="one of the sizes in the study's file")]
Runs = Annotated[Path, typer.Option(help="the folder of all runs")]
Figures = Annotated[Path, typer.Option(help="the folder of all figures; a study has its own in there")]
Output = Annotated[Format, typer.Option("--format", help="json and csv print every column, and nothing else")]


@app.command()
def run(
    study: Study,
    jobs: Jobs = 2,
    size: Size = "quick",
    runs: Runs = Path("runs"),
    figures: Figures = Path("figures"),
) -> None:
    """Run what is missing of a study, print its table and write its report.

    Each finished trial is kept at once: after Ctrl-C or kill, the same command goes on where it was.

    \b
    weightlab study run studies/negatives.toml --jobs 2
    weightlab study run negatives --size full
    """
    from weightlab.study.report import Report, write
    from weightlab.study.run import run as run_study
    from weightlab.study.workers import run_trials
    from weightlab.train import train

    spec = _read(study)
    try:
        failures = run_study(
            spec, size, train, runner=partial(run_trials, jobs=jobs), runs=runs, console=Console(stderr=True)
        )
    except KeyboardInterrupt:
        _say(f"stopped; finished trials are kept: weightlab study run {study} --size {size} goes on from there")
        raise typer.Exit(1) from None
    report = Report.load(spec, size, runs)
    _print_report(report)
    _say_written(write(report, figures))
    if failures:
        _say(f"{len(failures)} failed, as said above; the same command tries again")
        raise typer.Exit(1)


@app.command()
def status(study: Study, size: Size = "quick", runs: Runs = Path("runs")) -> None:
    """Print how many trials of each arm are finished.

    \b
    weightlab study status negatives
    """
    from weightlab.study.run import status as study_status

    print_rows(study_status(_read(study), size, runs))


@app.command()
def table(study: Study, size: Size = "quick", runs: Runs = Path("runs"), output: Output = Format.table) -> None:
    """Print the table of the finished trials: mean ± half of the 95 % interval, in percent.

    \b
    weightlab study table negatives
    weightlab study table negatives --format csv > negatives.csv
    """
    report = _report(study, size, runs)
    if output is Format.table:
        _print_report(report)
    else:
        print_rows(records(report.table), output)


@app.command()
def plot(study: Study, size: Size = "quick", runs: Runs = Path("runs"), figures: Figures = Path("figures")) -> None:
    """Draw each arm's weight curves beside its recall: figure.png and figure.svg.

    \b
    weightlab study plot negatives                     # into figures/negatives
    """
    from weightlab.study.report import write_figure

    _say_written(write_figure(_report(study, size, runs), figures))


@app.command()
def report(study: Study, size: Size = "quick", runs: Runs = Path("runs"), figures: Figures = Path("figures")) -> None:
    """Write everything: table.md, table.csv, figure.png and figure.svg.

    \b
    weightlab study report negatives                   # into figures/negatives
    weightlab study report negatives --size full       # into figures/negatives-full
    """
    from weightlab.study.report import write

    _say_written(write(_report(study, size, runs), figures))


def _read(study: str) -> StudySpec:
    from weightlab.study.spec import find, read

    return read(find(study))


def _report(study: str, size: str, runs: Path) -> Report:
    from weightlab.study.report import Report

    return Report.load(_read(study), size, runs)


def _print_report(report: Report) -> None:
    print_rows(report.summary, right=list(report.summary[0])[1:])
    console = Console()
    console.print()
    console.print(report.paragraph, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _say_written(paths: Sequence[Path]) -> None:
    for path in paths:
        _say(f"wrote {path}")


def _say(line: str) -> None:
    typer.echo(line, err=True)
