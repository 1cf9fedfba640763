"""The step's times and memory as a page of Markdown."""

from __future__ import annotations

import pandas as pd

from benchmarks.inputs import BATCH, CLASS_SIZE, DIMENSIONS
from benchmarks.methods import LIBRARY, PRODUCTS, has_library, methods
from benchmarks.step_times import LEAST_RUNS, MOST_RUNS, StepTimes
from weightlab.plot.tables import markdown

__all__ = ["report"]


def report(measured: StepTimes) -> str:
    """Everything in Markdown: the machine, ratios by size, and the table at one size with the extra memory."""
    detail = f"{measured.detail:,}"
    most = int(measured.times["references"].max())
    head = (
        f"The step: {BATCH} anchors × M references of {DIMENSIONS} dimensions → gradient of the anchors, float32.\n"
        f"{measured.machine}.\n\n"
        f"Medians of {LEAST_RUNS} to {MOST_RUNS} runs in turns (A B C A B C …), as ratios within a turn to two\n"
        "products, `anchors @ references.T @ references`.\n\n"
        f"Embeddings around class centres, about {CLASS_SIZE} references a class; {100 * measured.hard:.1f} % of the\n"
        f"negatives lie above 0.5 (M = {detail}). The bank does not hold the anchors themselves."
    )
    memory = (
        f"M = {detail}. Extra memory: peak during a step less what is held before, in MiB, each in a process of its own"
        + (f"; for weightlab with {most:,} references too." if most > measured.detail else ".")
    )
    return "\n\n".join([head, _ratios(measured.times), *_notes(most), memory, _details(measured)]) + "\n"


def _ratios(times: pd.DataFrame) -> str:
    """A row a method, a column a size; of the yardstick itself the milliseconds."""
    every = sorted(times["references"].unique())
    columns = ["M", "", *(f"{size:,}" for size in every)]
    rows = []
    for (name, loss), part in times.groupby(["method", "loss"], sort=False):
        by_size = part.set_index("references")
        is_yardstick = name == PRODUCTS
        cells = [
            (f"{1000 * by_size['seconds'][size]:.3g} ms" if is_yardstick else f"{by_size['ratio'][size]:.2f}")
            if size in by_size.index
            else "–"
            for size in every
        ]
        rows.append([str(name), str(loss), *cells])
    return markdown(columns, rows, right=columns[2:])


def _notes(most: int) -> list[str]:
    """What is missing, and why."""
    skipped = [f"{method.title} above {method.largest:,}" for method in methods() if not method.fits(most)]
    notes = [f"–: not run, for it takes gigabytes ({'; '.join(skipped)})."] if skipped else []
    if not has_library():
        notes.append(f"{LIBRARY} is not installed, so its rows are missing.")
    return notes


def _details(measured: StepTimes) -> str:
    """At one size: milliseconds, ratios to the products and to pytorch-metric-learning's same loss, extra memory."""
    at_size = measured.times[measured.times["references"] == measured.detail]
    most = int(measured.times["references"].max())
    library = at_size[at_size["method"] == LIBRARY].set_index("loss")["ratio"].to_dict()
    library["step(0.5)"] = library.get("contrastive", float("nan"))  # the same weights
    extra = {(row.method, row.loss, row.references): f"{row.mebibytes:.0f}" for row in measured.memory.itertuples()}
    columns = ["", "loss", "ms", "to the products", f"to {LIBRARY}", "extra MiB"]
    columns += [f"with {most:,}"] if most > measured.detail else []
    rows = []
    for name, loss, seconds, ratio in zip(
        *(at_size[key] for key in ("method", "loss", "seconds", "ratio")), strict=True
    ):
        theirs = ratio / library[loss] if loss in library else float("nan")
        mebibytes = [extra.get((name, loss, size), "–") for size in dict.fromkeys([measured.detail, most])]
        to_theirs = "–" if theirs != theirs else f"{theirs:.2f}"
        rows.append([name, loss, f"{1000 * seconds:.3g}", f"{ratio:.2f}", to_theirs, *mebibytes])
    return markdown(columns, rows, right=columns[2:])
