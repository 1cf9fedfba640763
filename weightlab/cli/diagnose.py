"""weightlab diagnose: what one's own embeddings say about losses, margins and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.figures import Out, Plot, check_figure, folder_of, slug, write_figure
from weightlab.cli.options import Format
from weightlab.cli.printing import print_json, print_rows, records
from weightlab.cli.retrieval import Data, Seed
from weightlab.errors import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

    from weightlab.decompose import Subject
    from weightlab.diagnose import Diagnosis
    from weightlab.train.embedded import Embedded

__all__ = ["diagnose"]

_LISTED = 5  # pairs, and rows, of each table of candidates
_THRESHOLDS = 12  # rows, between all negatives and none


def diagnose(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FEATURES|RUN",
            help="a file of embeddings: x.npz, x.safetensors, x.parquet, x.npz(embeddings=X, labels=y); or the folder "
            "of a run that is done, for the classes that it is tested on",
        ),
    ],
    losses: Annotated[
        list[str] | None,
        typer.Option(
            "--loss",
            metavar="TEXT",
            help="a loss as for decompose; again for more [default: a run's own; of a file contrastive, triplet, "
            "ms-loss]",
        ),
    ] = None,
    data: Data = None,
    seed: Seed = 0,
    plot: Plot = False,
    out: Out = None,
    output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table,
) -> None:
    """Which loss, which margin, and why training stands still: what embeddings say, in at most six sentences.

    Collapse, standing at the margin, wrong labels, what threshold leaves how many negatives active, where each loss's
    weight goes on these embeddings and which other loss would do the same; with pairs and rows to look at. Of a file's
    rows those for test count where it has `split`, else all. Large data are sampled; ± is half of a 95 % interval.
    json is an object with all of it; csv is the table of the losses. --plot writes diagnose-NAME.png and .csv, the
    similarities and weight masses that it shows.

    \b
    weightlab diagnose clip.npz --loss ms-loss --loss "contrastive(neg_margin=0.3)" --plot
    weightlab diagnose runs/a
    weightlab diagnose runs/a --data folder:photos --loss my_losses.py:f --format json
    """
    from weightlab.diagnose import diagnose as run

    folder, name = folder_of(out, plot=plot), f"diagnose-{slug(Path(what.partition('(')[0]).stem)}".rstrip("-")
    if folder is not None:
        check_figure(folder, name)
    subjects = _subjects(what, losses or [])
    embedded = _embedded(what, data)
    rows = embedded.embeddings.numpy()
    rows.setflags(write=False)  # so that they are checked in blocks
    found = run(
        rows,
        embedded.rows.labels,
        subjects,
        paths=embedded.rows.paths,
        class_names=embedded.rows.class_names,
        name=embedded.name,
        seed=seed,
    )
    if folder is not None:
        from matplotlib.figure import Figure

        write_figure(found.plot(Figure()).axes[0], _drawn(found), folder, name)
    if output is Format.json:
        print_json(found.to_dict())
    elif output is Format.csv:
        print_rows(records(found.table), output)
    else:
        _print_tables(found)


def _subjects(what: str, losses: list[str]) -> list[Subject] | None:
    """The losses, before the rows are read; of a run its own, unless others are asked for."""
    from weightlab.decompose import Subject
    from weightlab.train.embedded import is_features

    if losses:
        return [Subject.of(each) for each in losses]
    if is_features(what):
        return None
    from weightlab.train import checkpoint

    return [Subject.of(checkpoint.read_config(Path(what)).weighting())]


def _embedded(what: str, data: str | None) -> Embedded:
    from weightlab.train.embedded import embed_features, embed_rows, is_features

    if not is_features(what):
        return embed_rows(what, data)
    if data is not None:
        raise InputError(f"--data {shown(data)}: {what} is a file of embeddings, and there is no encoder for others")
    return embed_features(what)


def _drawn(found: Diagnosis) -> pd.DataFrame:
    """What the figure shows, in one table."""
    import pandas as pd

    columns = ["what", "loss", "sign", "low", "high", "share", "error"]
    pairs, mass = found.histogram.assign(what="pairs", loss=""), found.mass.assign(what="weight mass")
    return pd.concat([pairs[columns], mass[columns]], ignore_index=True)


def _print_tables(found: Diagnosis) -> None:
    typer.echo(f"{found.title}\n{found.effort}\n")
    for number, finding in enumerate(found.findings, start=1):
        typer.echo(f"{number}. {finding}")
    print_rows(
        _losses(found), title="\nlosses: see `active` and `centre`, the mean similarity of the negatives' weight"
    )
    print_rows(
        _with_errors(_some(found.thresholds), ("share", "negatives")),
        title="\nthresholds: the share of negatives at or above it, how many of an anchor's, the share of positives",
        right=("share", "negatives"),
    )
    print_rows(
        _with_errors(found.margins, ("triplets", "negatives")),
        title="\nmargins of a triplet loss: the share of triplets that are active, and an anchor's active negatives",
        right=("triplets", "negatives"),
    )
    for frame, title in (
        (found.suspects, "rows that lie inside another class"),
        (found.closest, "pairs of different classes that lie closest"),
        (found.farthest, "pairs of one class that lie farthest"),
    ):
        if len(frame):
            print_rows(records(frame.head(_LISTED)), title=f"\n{title}")


def _losses(found: Diagnosis) -> list[dict[str, object]]:
    names = [name for name in found.table.columns if f"{name} error" in found.table]
    return _with_errors(found.table, names)


def _with_errors(frame: pd.DataFrame, names: Sequence[str]) -> list[dict[str, object]]:
    """Numbers with their errors in one column: 0.312 ± 0.004."""
    from weightlab.diagnose import Estimate

    rows = []
    for row in records(frame):
        told: dict[str, object] = {}
        for name, value in row.items():
            if name in names:
                told[name] = str(Estimate(float(value), float(row[f"{name} error"])))  # type: ignore[arg-type]
            elif not name.endswith(" error"):
                told[name] = value
        rows.append(told)
    return rows


def _some(thresholds: pd.DataFrame) -> pd.DataFrame:
    """A dozen of them, from the last that leaves all negatives to the first that leaves none."""
    import numpy as np

    number = thresholds["negatives"].to_numpy()
    first = int(np.flatnonzero(number >= number[0])[-1])
    last = int(np.flatnonzero(number > 0)[-1])
    return thresholds.iloc[np.unique(np.linspace(first, last, _THRESHOLDS).round().astype(int))]
