"""A study's results as tables, words and a figure."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weightlab.decompose import decompose
from weightlab.errors import InputError
from weightlab.files import AnyPath, as_path, write_text
from weightlab.lazy import pd
from weightlab.plot.numbers import measured
from weightlab.plot.plain import in_code, in_markdown
from weightlab.plot.save import save_figure
from weightlab.plot.study import draw
from weightlab.plot.tables import markdown
from weightlab.study.findings import Verdict, judge
from weightlab.study.names import data_name
from weightlab.study.spec import StudySpec
from weightlab.study.statistics import table
from weightlab.study.storage import Storage, results
from weightlab.study.trial import trials
from weightlab.study.words import paragraph, spread
from weightlab.train.config import TrainConfig

__all__ = ["FILES", "Report", "folder", "rehearse", "write", "write_figure", "write_tables"]


FILES = ("table.md", "table.csv", "figure.png", "figure.svg")
_REHEARSAL = 8  # points and draws: few, for it is not looked at


@dataclass(frozen=True)
class Report:
    """What a study has found at a size.

    spec: the study.
    size: which of its sizes.
    results: tidy, columns arm, seed, metric, value; in percent, in the order of the specification's arms.
    table: columns arm, metric, seeds, mean, std, low, high; likewise.
    verdicts: one a claim, in the specification's order.
    paragraph: what this says, in words.
    """

    spec: StudySpec
    size: str
    results: pd.DataFrame
    table: pd.DataFrame
    verdicts: tuple[Verdict, ...]
    paragraph: str

    @classmethod
    def load(cls, spec: StudySpec, size: str, runs: AnyPath) -> Report:
        """The report of the finished trials under `runs`. Raises InputError where there are none."""
        storage = Storage.of(runs, spec, size)
        found = results(trials(spec, size), storage, spec.arms)
        if found.empty:
            raise InputError(f"no finished trials of {spec.name} in {storage.folder}: start with `weightlab study run`")
        if spec.metric not in set(found["metric"]):
            raise InputError(f"no finished trial of {spec.name} in {storage.folder} has {spec.metric}")
        means = table(found)
        verdicts = tuple(judge(spec, found))
        return cls(spec, size, found, means, verdicts, paragraph(spec, size, means, verdicts))

    @property
    def summary(self) -> list[dict[str, str]]:
        """The table as people read it, in words: arm, each metric, seeds; a row an arm."""
        metrics = list(dict.fromkeys(self.table["metric"]))
        rows = []
        for arm, group in self.table.groupby("arm", sort=False):
            by_metric = group.set_index("metric")
            cells = {
                name: measured(*by_metric.loc[name, ["mean", "low", "high"]]) if name in by_metric.index else ""
                for name in metrics
            }
            rows.append({"arm": str(arm), **cells, "seeds": str(group["seeds"].max())})
        return rows

    @property
    def text(self) -> str:
        """The summary in Markdown, and the paragraph."""
        columns = list(self.summary[0])
        rows = [list(row.values()) for row in self.summary]
        return f"{markdown(columns, rows, right=columns[1:])}\n\n{in_markdown(self.paragraph)}"


def folder(figures: AnyPath, spec: StudySpec, size: str) -> Path:
    """Where a study's tables and figures go: a folder of its own, another one for each size but quick."""
    return as_path("figures", figures) / (spec.name if size == "quick" else f"{spec.name}-{size}")


def rehearse(spec: StudySpec, size: str) -> None:
    """Draw the figure with made-up results, for nothing. Raises InputError for an arm whose weights can't be drawn."""
    arms = spec.arms_at(size)
    curves = _curves(spec, size, arms, _REHEARSAL)
    made_up = pd.DataFrame(
        [(arm, seed, spec.metric, 50.0) for arm in arms for seed in spec.seeds_at(size)],
        columns=["arm", "seed", "metric", "value"],
    )
    figure = draw(curves, made_up, table(made_up), metric=spec.metric, baseline=spec.baseline)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters without a picture: the figure itself will say so
        figure.draw_without_rendering()


def write(report: Report, figures: AnyPath) -> list[Path]:
    """Write the tables and the figure; the files."""
    return write_tables(report, figures) + write_figure(report, figures)


def write_tables(report: Report, figures: AnyPath) -> list[Path]:
    """Write table.md (for people) and table.csv (arm, metric, seeds, mean, std, low, high); the files."""
    place = folder(figures, report.spec, report.size)
    write_text(place / "table.md", _page(report))
    write_text(place / "table.csv", report.table.to_csv(index=False, float_format="%.4f", lineterminator="\n"))
    return [place / "table.md", place / "table.csv"]


def write_figure(report: Report, figures: AnyPath) -> list[Path]:
    """Write figure.png and figure.svg; the files. The same results give the same SVG, byte for byte."""
    spec, place = report.spec, folder(figures, report.spec, report.size)
    curves = _curves(spec, report.size, list(dict.fromkeys(report.table["arm"])))
    drawing = draw(curves, report.results, report.table, metric=spec.metric, baseline=spec.baseline)
    return [save_figure(drawing, place / "figure.png"), save_figure(drawing, place / "figure.svg")]


def _curves(spec: StudySpec, size: str, arms: Sequence[str], effort: int | None = None) -> pd.DataFrame:
    """The weight curves of the arms: arm, and the columns of a decomposition's curve; with so many points and draws."""
    seed = spec.seeds_at(size)[0]
    return pd.concat([_curve(arm, spec.config(arm, size, seed), effort) for arm in arms], ignore_index=True)


def _curve(arm: str, config: TrainConfig, effort: int | None) -> pd.DataFrame:
    try:
        return decompose(config.weighting(), points=effort, draws=effort).curve.assign(arm=arm)
    except InputError as error:
        raise InputError(f'[arms."{arm}"]: {error}') from error


def _page(report: Report) -> str:
    spec, size = report.spec, report.size
    seeds = spec.seeds_at(size)
    count = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    parts = [
        f"# {spec.name}",
        f"*{in_markdown(spec.question.strip())}* Size: {size}, {count}.",
        *_data(spec, size),
        report.text,
        "Percent: the mean over seeds ± half of its 95 % t interval. `table.csv` has the same in numbers.",
        *_comparisons(report.verdicts),
        *_settings(spec, size, seeds),
    ]
    return "\n\n".join(parts) + "\n"


def _data(spec: StudySpec, size: str) -> list[str]:
    """What the arms were trained and tested on, a paragraph a data set."""
    from weightlab.train.evaluation import load_data

    configs = [spec.config(arm, size, spec.seeds_at(size)[0]) for arm in spec.arms_at(size)]
    paragraphs = []
    for config in {(config.data, config.validation): config for config in configs}.values():
        loaded = load_data(config)
        parts = " and ".join(
            f"{len(split):,} rows of {int(split.labels.max()) + 1:,} classes to {what} on"
            for what, split in (("train", loaded.train), ("test", loaded.test))
        )
        of = ", validation classes" if config.validation else ""
        paragraphs.append(f"Data: {in_code(data_name(config.data))}{of}, {parts}.")
    return paragraphs


def _comparisons(verdicts: Sequence[Verdict]) -> list[str]:
    """The findings, each with its verdict and what decided it."""
    rows = []
    for verdict in verdicts:
        for index, each in enumerate(verdict.differences):
            first = [verdict.finding.id, verdict.word] if index == 0 else ["", ""]
            rows.append([*first, f"{each.upper} over {each.lower}", spread(each)])
    columns = ["finding", "verdict", "comparison", "points, with interval"]
    return ["## Findings", markdown(columns, rows, right=columns[3:])] if rows else []


def _settings(spec: StudySpec, size: str, seeds: Sequence[int]) -> list[str]:
    """What the trials were run with: the shared settings, with the defaults, and what each arm changes."""
    shared = {name: field.default for name, field in TrainConfig.model_fields.items() if name != "seed"}
    shared |= spec.settings_at(size)
    arms = [[arm, _assignments(spec.arms[arm])] for arm in spec.arms_at(size)]
    return [
        "## Settings",
        f"All arms, where they don't say otherwise: {_assignments(shared)}.",
        f"Seeds: {', '.join(map(str, seeds))}.",
        markdown(["arm", "what it sets"], arms, ready=["what it sets"]),
    ]


def _assignments(settings: dict[str, object]) -> str:
    """As name=value; of data without their folder, which is this machine's."""
    shown = settings | ({"data": data_name(str(settings["data"]))} if "data" in settings else {})
    return ", ".join(in_code(f"{name}={value}") for name, value in shown.items() if value is not None)
