"""A run as its folder has it, done or still in training: its course as a figure, its state as a table in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from weightlab.errors import InputError, reason, shown
from weightlab.files import AnyPath, as_path, check_readable, exists
from weightlab.pairs import SIGNS
from weightlab.train import checkpoint
from weightlab.train.recording import TERMS, Records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Watched", "watch"]

_LAST = 100  # steps, of the surrogate's median


@dataclass(frozen=True, eq=False)
class Watched:
    """What a run's folder says.

    name: the folder, as it was given.
    steps: how many the run is to have.
    done: whether it is at its end; else it is in training, or was stopped.
    history: step, surrogate, learning_rate; a row a step.
    weights: as of `Records.frame`; no rows where nothing is recorded yet.
    validation: step, R@1, …; no rows where there is none.
    """

    name: str
    steps: int
    done: bool
    history: pd.DataFrame
    weights: pd.DataFrame
    validation: pd.DataFrame

    @property
    def title(self) -> str:
        """The run, and how far it is."""
        return self._titled(self.name)

    def _titled(self, name: str) -> str:
        state = "done" if self.done else "in training or stopped"
        return f"{name}: step {len(self.history):,} of {self.steps:,}, {state}"

    def figure(self) -> Figure:
        """`weightlab.plot.training.draw` of it, under the folder's own name: where it lies is nobody else's concern."""
        from weightlab.plot.training import draw

        return draw(self.weights, self.history, self.validation, title=self._titled(Path(self.name).resolve().name))

    def table(self) -> pd.DataFrame:
        """A row a number: what, step (after which it was so), value, meaning (in words)."""
        rows = [*_of_history(self.history), *_of_weights(self.weights), *_of_validation(self.validation)]
        return pd.DataFrame(rows, columns=["what", "step", "value", "meaning"])


def watch(folder: AnyPath) -> Watched:
    """Read a run's folder: each file as it was last written whole.

    Raises InputError where it holds no run, where nothing is written yet, and for files that are damaged.
    """
    path = as_path("folder", folder)
    config = checkpoint.read_config(path)
    if not exists(path / "history.csv"):
        raise InputError(f"{path} has no history.csv yet: a run writes it with its first checkpoint")
    history = _read_csv(path / "history.csv", ("step", "surrogate"))
    if history.empty:
        raise InputError(f"{path} has done no step yet")
    return Watched(
        str(folder),
        config.steps,
        exists(path / "metrics.json"),
        history,
        _read_weights(path / "weights.parquet"),
        _read_csv(path / "validation.csv", ("step", "R@1")),
    )


def _of_history(history: pd.DataFrame) -> Iterator[tuple[str, int, float, str]]:
    step, last = int(history["step"].iloc[-1]), history["surrogate"].tail(_LAST)
    yield (
        "surrogate",
        step,
        float(last.median()),
        f"median of the last {len(last)} steps; Σ w⁻S − Σ w⁺S an anchor, its weights held constant: the gradient is "
        "the loss's, the value is not, so it may be negative and need not fall",
    )
    if "learning_rate" in history:
        yield "learning rate", step, float(history["learning_rate"].iloc[-1]), "of the last step"


def _of_weights(weights: pd.DataFrame) -> Iterator[tuple[str, int, float, str]]:
    for term in TERMS:
        now = _latest(weights[(weights["term"] == term) & (weights["measure"] != "drift")])
        if now.empty:
            continue
        step, of = int(now["step"].iloc[0]), now.set_index(["measure", "sign", "statistic"])["value"].sort_index()
        pairs = float(of["pairs", "negative", "mean"].sum())
        yield (
            f"active negatives, {term}",
            step,
            float(of["active", "negative", "mean"].sum()),
            f"negatives of an anchor that have a weight, of {pairs:,.0f}; mean of {now['count'].iloc[0]:,} anchors",
        )
        for sign, does in zip(SIGNS, ("pulls it to its positives", "pushes it from its negatives"), strict=True):
            said = f"Σ |w| of an anchor's {sign}s: how strongly the loss {does}"
            yield f"{sign} mass, {term}", step, float(of["total_mass", sign, "mean"].sum()), said
        for sign in SIGNS:
            mass = now[(now["measure"] == "mass") & (now["sign"] == sign)]
            if mass["value"].sum() > 0:
                said = f"similarity below and above which half of the {sign}s' weight lies"
                yield f"middle of {sign} mass, {term}", step, _median(mass), said
    drift = weights[weights["measure"] == "drift"]
    for age in sorted(drift["age"].unique().tolist()):
        last = drift[drift["age"] == age].iloc[-1]
        yield (
            f"drift at age {age:,}",
            int(last["step"]),
            float(last["value"]),
            f"1 − cosine of an entry of the memory, stored {age:,} step{'s' * (age != 1)} ago, and of its image "
            f"embedded now; mean of {last['count']:,} entries",
        )


def _of_validation(validation: pd.DataFrame) -> Iterator[tuple[str, int, float, str]]:
    if validation.empty:
        return
    best = int(validation["R@1"].to_numpy().argmax())
    for what, row in (("", validation.iloc[-1]), ("best ", validation.iloc[best])):
        said = "share of validation rows whose nearest other is of their class"
        yield f"{what}validation R@1", int(row["step"]), float(row["R@1"]), said


def _latest(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.query("step == step.max()")


def _median(mass: pd.DataFrame) -> float:
    """Of the similarity, each bin's mass evenly in it."""
    ordered = mass.sort_values("low")
    below = np.concatenate([[0], ordered["value"].cumsum()])
    edges = np.concatenate([ordered["low"], ordered["high"].tail(1)])
    return float(np.interp(below[-1] / 2, below, edges))


def _read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Numbers by column, those `columns` among them. No rows where there is no file."""
    if not exists(path):
        return pd.DataFrame({name: [] for name in columns}, dtype=float)
    check_readable(path)
    try:
        frame = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise _damaged(path, reason(error)) from error
    _check_numbers(path, frame, columns)
    return frame


def _read_weights(path: Path) -> pd.DataFrame:
    wanted = Records().frame()
    if not exists(path):
        return wanted
    check_readable(path)
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise _damaged(path, reason(error)) from error
    numbers = ("step", "value", "count")
    _check_numbers(path, frame, numbers)
    for name in wanted:
        if name not in frame or frame[name].dtype != wanted[name].dtype:
            raise _damaged(path, f"its column {name} is {frame[name].dtype if name in frame else 'missing'}")
    return frame


def _check_numbers(path: Path, frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Raise InputError unless these columns, and learning_rate where there is one, are finite numbers."""
    for name in (*columns, *({"learning_rate"} & set(frame))):
        if name not in frame:
            raise _damaged(path, f"it has no column {name}")
        values: Any = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise _damaged(path, f"{name} of row {row} (from 0) is {shown(frame[name].iloc[row])}")


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path} is damaged: {why}")
