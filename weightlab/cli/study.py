"""weightlab study: run a study, and see what it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from weightlab.cli.group import Group
from weightlab.cli.options import Format, again
from weightlab.cli.printing import print_rows, records
from weightlab.cli.run import Stopped
from weightlab.errors import InputError
from weightlab.files import check_folder, exists

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
Data = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="other data than the study's: folder:PATH, ...; see weightlab data list. Its results are kept apart",
    ),
]
Runs = Annotated[Path, typer.Option(help="the folder of all runs")]
Figures = Annotated[Path, typer.Option(help="the folder of all figures; a study has its own in there")]
Output = Annotated[Format, typer.Option("--format", help="json and csv print every column, and nothing else")]


@app.command()
def run(
    context: typer.Context,
    study: Study,
    jobs: Jobs = 2,
    size: Size = "quick",
    data: Data = None,
    runs: Runs = Path("runs"),
    figures: Figures = Path("figures"),
) -> None:
    """Run what is missing of a study, print its table and write its report.

    Each finished trial is kept at once: after Ctrl-C or kill, the same command goes on where it was.

    \b
    weightlab study run studies/negatives.toml --jobs 2
    weightlab study run negatives --size full
    weightlab study run negatives --data folder:photos
    """
    from weightlab.study.report import Report, write
    from weightlab.study.run import run as run_study
    from weightlab.study.workers import run_trials
    from weightlab.train import train

    spec = _read(study, size, data)
    _check(spec, size, runs, figures)
    _say_notes(spec, size, runs)
    try:
        failures = run_study(
            spec, size, train, runner=partial(run_trials, jobs=jobs), runs=runs, console=Console(stderr=True)
        )
    except KeyboardInterrupt:
        raise Stopped(f"finished trials are kept, and the same command goes on: {again(context)}") from None
    report = Report.load(spec, size, runs)
    _print_report(report)
    _say_written(write(report, figures))
    if failures:
        _say(f"{len(failures)} failed, as said above; the same command tries again: {again(context)}")
        raise typer.Exit(1)


@app.command()
def status(study: Study, size: Size = "quick", data: Data = None, runs: Runs = Path("runs")) -> None:
    """Print how many trials of each arm are finished.

    \b
    weightlab study status negatives
    """
    from weightlab.study.run import status as study_status

    spec = _read(study, size, data)
    _check_runs(runs)
    rows = study_status(spec, size, runs)
    _say_notes(spec, size, runs)
    print_rows(rows)


@app.command()
def table(
    study: Study,
    size: Size = "quick",
    data: Data = None,
    runs: Runs = Path("runs"),
    output: Output = Format.table,
) -> None:
    """Print the table of the finished trials: mean ± half of the 95 % interval, in percent.

    \b
    weightlab study table negatives
    weightlab study table negatives --format csv > negatives.csv
    """
    report = _report(_read(study, size, data), size, runs)
    if output is Format.table:
        _print_report(report)
    else:
        print_rows(records(report.table), output)


@app.command()
def plot(
    study: Study,
    size: Size = "quick",
    data: Data = None,
    runs: Runs = Path("runs"),
    figures: Figures = Path("figures"),
) -> None:
    """Draw each arm's weight curves beside its recall: figure.png and figure.svg.

    \b
    weightlab study plot negatives                     # into figures/negatives
    """
    from weightlab.study.report import write_figure

    spec = _read(study, size, data)
    _check_figures(spec, size, figures)
    _say_written(write_figure(_report(spec, size, runs), figures))


@app.command()
def report(
    study: Study,
    size: Size = "quick",
    data: Data = None,
    runs: Runs = Path("runs"),
    figures: Figures = Path("figures"),
) -> None:
    """Write everything: table.md, table.csv, figure.png and figure.svg.

    \b
    weightlab study report negatives                   # into figures/negatives
    weightlab study report negatives --size full       # into figures/negatives-full
    """
    from weightlab.study.report import write

    spec = _read(study, size, data)
    _check_figures(spec, size, figures)
    _say_written(write(_report(spec, size, runs), figures))


def _read(study: str, size: str, data: str | None) -> StudySpec:
    """The study, which has that size; on other data where they are given."""
    from weightlab.study.spec import find, read

    spec = read(find(study))
    spec.size(size)
    return spec if data is None else spec.on(data)


def _check(spec: StudySpec, size: str, runs: Path, figures: Path) -> None:
    """Before anything trains: raise InputError for what would fail after it."""
    from weightlab.study.checks import check_trials
    from weightlab.study.report import rehearse
    from weightlab.study.run import missing
    from weightlab.study.storage import Storage

    check_folder(Storage.of(runs, spec, size).folder, "--runs")
    _check_figures(spec, size, figures)
    if left := missing(spec, size, runs):
        for note in check_trials(left, spec.metric):
            _say(note)
        rehearse(spec, size)


def _check_figures(spec: StudySpec, size: str, figures: Path) -> None:
    from weightlab.study.report import FILES, folder

    check_folder(folder(figures, spec, size), "--figures", FILES)


def _check_runs(runs: Path) -> None:
    """Where results are only read, no folder is an empty one, but a file is none."""
    if exists(runs) and not runs.is_dir():
        raise InputError(f"--runs {runs} is a file, not a folder")


def _report(spec: StudySpec, size: str, runs: Path) -> Report:
    from weightlab.study.report import Report

    _check_runs(runs)
    _say_notes(spec, size, runs)
    return Report.load(spec, size, runs)


def _say_notes(spec: StudySpec, size: str, runs: Path) -> None:
    """What lies among the results and does not count."""
    from weightlab.study.storage import Storage
    from weightlab.study.trial import trials

    for note in Storage.of(runs, spec, size).notes(trials(spec, size)):
        _say(note)


def _print_report(report: Report) -> None:
    """Drawn on a terminal, Markdown elsewhere, as every table is."""
    console = Console()
    if not console.is_terminal:
        typer.echo(report.text)
        return
    print_rows(report.summary, right=list(report.summary[0])[1:])
    console.print()
    console.print(report.paragraph, markup=False, highlight=False)


def _say_written(paths: Sequence[Path]) -> None:
    for path in paths:
        _say(f"wrote {path}")


def _say(line: str) -> None:
    typer.echo(line, err=True)
