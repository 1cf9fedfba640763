"""weightlab evaluate, embed and neighbours: what a trained encoder's embeddings, or a file of them, are worth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.options import Format
from weightlab.cli.printing import print_json, print_rows, records
from weightlab.errors import InputError, check_whole, shown
from weightlab.files import check_folder

if TYPE_CHECKING:  # the commands import what they need: --help answers at once
    import pandas as pd

    from weightlab.retrieval import Evaluation
    from weightlab.train.embedded import Embedded

__all__ = ["embed", "evaluate", "neighbours"]

_MOST_SEED = 2**32 - 1
_PICTURES = (".png", ".svg", ".pdf")
_MOST_QUERIES, _MOST_FOUND = 100, 50  # on a page

Run = Annotated[Path, typer.Argument(help="the folder of a run that is done")]
Data = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="other data than the run's: folder:PATH, ...; see weightlab data list"),
]
Seed = Annotated[int, typer.Option(min=0, max=_MOST_SEED, help="of everything random")]


class By(StrEnum):
    """What metrics are also given by."""

    class_ = "class"
    category = "category"


class Part(StrEnum):
    """Which rows are embedded."""

    test = "test"
    train = "train"
    all = "all"


def evaluate(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FEATURES",
            help="the folder of a run that is done, or a file of embeddings: x.npz, x.safetensors, x.parquet, "
            "x.npz(embeddings=X, labels=y)",
        ),
    ],
    data: Data = None,
    ks: Annotated[
        str | None, typer.Option(metavar="K,K,...", help="the k of R@k, as 1,10,100 [default: as the data's protocol]")
    ] = None,
    queries: Annotated[int | None, typer.Option(min=1, help="search for a random sample of so many only")] = None,
    seed: Seed = 0,
    by: Annotated[By | None, typer.Option(help="the metrics of each class, or category, as well")] = None,
    clusters: Annotated[bool, typer.Option("--clusters", help="NMI as well, by k-means; slow")] = False,
    output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table,
) -> None:
    """The retrieval metrics of a trained run on the test classes, or of a file of embeddings, with 95 % intervals.

    Intervals are by bootstrap over classes. Of a file's rows those for test count where it has `split`, else all.
    json is an object: each metric's value under its name, "intervals" (name: [low, high]), "queries", "eligible"
    (more than queries where these are a sample), "classes" and "gallery" (how many), and with --by "by", a list.
    csv is metric, value, low, high; with --by the table by class or category in its place.

    \b
    weightlab evaluate runs/a
    weightlab evaluate runs/a --data folder:photos --by class
    weightlab evaluate clip.npz --ks 1,5 --queries 10000
    """
    wanted = None if ks is None else _whole_numbers(ks)
    embedded = _embedded(what, data)
    if by is By.category and embedded.rows.categories is None:
        raise InputError(f"--by category: {embedded.name} has no categories")
    found = embedded.measure(wanted, queries=queries, seed=seed, clusters=clusters)
    groups = None if by is None else _groups(embedded, found, by)
    if output is Format.json:
        print_json(_object(found, groups))
    elif output is Format.csv:
        print_rows(records(found.table if groups is None else groups), output)
    else:
        _print_tables(embedded, found, groups, seed)


def embed(
    run: Run,
    out: Annotated[Path, typer.Option(help="the file to write: x.safetensors or x.npz")],
    data: Data = None,
    part: Annotated[Part, typer.Option(help="which rows")] = Part.test,
) -> None:
    """Write the embeddings that a trained run gives its test rows, or other rows, with all that is known of these.

    The file can be given as FEATURES to evaluate and, with the rows of --part all, as features:FILE to train.

    \b
    weightlab embed runs/a --out a.safetensors
    weightlab embed runs/a --data folder:photos --part all --out photos.npz
    """
    from weightlab.train.embedded import check_out, embed_rows, write

    check_out(out)
    embedded = embed_rows(run, data, part.value)
    write(embedded, out)
    rows, dimensions = embedded.embeddings.shape
    typer.echo(f"wrote {out}: {rows:,} rows of {embedded.name}, {dimensions} dimensions", err=True)


def neighbours(
    run: Run,
    out: Annotated[Path, typer.Option(help="the picture to write: page.png, .svg or .pdf")],
    data: Data = None,
    queries: Annotated[int, typer.Option(min=1, max=_MOST_QUERIES, help="how many")] = 12,
    k: Annotated[int, typer.Option(min=1, max=_MOST_FOUND, help="references of each")] = 8,
    seed: Seed = 0,
) -> None:
    """Draw queries with their nearest references, right and wrong ones marked; half are failures, where there are such.

    A failure is a query whose nearest reference is of another class. Pictures are drawn as the encoder sees them.

    \b
    weightlab neighbours runs/a --out page.png
    weightlab neighbours runs/a --queries 6 --k 10 --seed 1 --out page.pdf
    """
    from weightlab.plot.save import save_figure
    from weightlab.train.neighbours import page

    if out.suffix.lower() not in _PICTURES:
        raise InputError(f"--out {out}: pictures are written to {', '.join(_PICTURES)} files")
    check_folder(out.parent, "--out", [out.name])
    save_figure(page(run, data, queries=queries, k=k, seed=seed), out)
    typer.echo(f"wrote {out}", err=True)


def _embedded(what: str, data: str | None) -> Embedded:
    from weightlab.train.embedded import embed_features, embed_rows, is_features

    if not is_features(what):
        return embed_rows(what, data)
    if data is not None:
        raise InputError(f"--data {shown(data)}: {what} is a file of embeddings, and there is no encoder for others")
    return embed_features(what)


def _whole_numbers(text: str) -> list[int]:
    numbers = [part.strip() for part in text.split(",")]
    wrong = [part for part in numbers if not part.isdecimal() or not part.isascii() or len(part) > 9]
    if wrong:
        raise InputError(f"--ks must be whole numbers with commas between them, as 1,10,100, not {shown(text)}")
    return [check_whole("--ks", int(part), 1) for part in numbers]


def _groups(embedded: Embedded, found: Evaluation, by: By) -> pd.DataFrame:
    """The table by class or category, with their names where they have such."""
    frame = found.per_class if by is By.class_ else found.per_category
    assert frame is not None
    names = embedded.rows.class_names if by is By.class_ else embedded.rows.category_names
    if names is None:
        return frame
    return frame.assign(**{by.value: [names[number] for number in frame[by.value]]})


def _object(found: Evaluation, groups: pd.DataFrame | None) -> dict[str, object]:
    rows = records(found.table)
    counts = {name: getattr(found, name) for name in ("queries", "eligible", "classes", "gallery")}
    values = {str(row["metric"]): row["value"] for row in rows}
    intervals = {str(row["metric"]): [row["low"], row["high"]] for row in rows}
    return values | {"intervals": intervals} | counts | ({} if groups is None else {"by": records(groups)})


def _print_tables(embedded: Embedded, found: Evaluation, groups: pd.DataFrame | None, seed: int) -> None:
    metrics = [str(name) for name in found.table["metric"]]
    sample = f", a random sample (seed {seed}) of {found.eligible:,}" if found.is_sample else ""
    title = (
        f"{embedded.name}: {found.queries:,} queries of {found.classes:,} classes{sample}, in a gallery of "
        f"{found.gallery:,}; percent, with 95 % intervals by bootstrap over classes"
    )
    if found.without_positive:
        title += f"\n{found.without_positive:,} rows have no other of their class in the gallery, and are no queries"
    rows = [
        {"metric": row["metric"], **{name: _percent(row[key]) for name, key in _COLUMNS}}
        for row in records(found.table)
    ]
    print_rows(rows, title=title, right=[name for name, _ in _COLUMNS])
    if groups is not None:
        typer.echo("")
        percent = groups.assign(**{name: groups[name] * 100 for name in metrics if name in groups})
        print_rows(records(percent))


_COLUMNS = (("percent", "value"), ("low", "low"), ("high", "high"))


def _percent(value: object) -> str:
    """Two decimals; empty where there is no number."""
    assert isinstance(value, float)
    return "" if value != value else f"{100 * value:.2f}"
