"""Finished trials on disk: one JSON file each, whole or absent."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from weightlab import data
from weightlab.files import AnyPath, as_path, write_text
from weightlab.lazy import pd
from weightlab.study.spec import StudySpec
from weightlab.study.trial import Trial
from weightlab.train.result import TrainResult

__all__ = ["Storage", "results"]

_FORMAT = 2  # to be raised when the file's layout, or what a training run of the same settings gives, changes


@dataclass(frozen=True)
class Storage:
    """The trials of a study at a size, in a folder of their own.

    folder: where they are.

    A file's name holds a hash of the trial's settings, its data's version and the package's, so a trial whose settings
    have changed is absent, and files of earlier settings lie there unread.
    """

    folder: Path

    @classmethod
    def of(cls, runs: AnyPath, spec: StudySpec, size: str) -> Storage:
        """The storage of a study at a size, under the folder of all runs. Raises InputError: unknown size."""
        spec.size(size)
        return cls(as_path("runs", runs) / "studies" / spec.name / size)

    def path(self, trial: Trial) -> Path:
        """Where a trial's result is kept."""
        slug = re.sub(r"[^a-z0-9]+", "-", trial.arm.lower()).strip("-")[:60]
        return self.folder / f"{slug or 'arm'}-seed{trial.seed}-{_fingerprint(trial)}.json"

    def save(self, trial: Trial, result: TrainResult) -> None:
        """Keep a finished trial, atomically."""
        content = {
            "arm": trial.arm,
            "seed": trial.seed,
            "metrics": result.metrics,
            "seconds": result.seconds,
            "config": trial.config.model_dump(mode="json"),
        }
        write_text(self.path(trial), json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def load(self, trial: Trial) -> TrainResult | None:
        """The result of a trial; None where there is none, or where its file is damaged."""
        try:
            return _parse(json.loads(self.path(trial).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def results(trials: Iterable[Trial], storage: Storage, arms: Iterable[str]) -> pd.DataFrame:
    """The finished trials as a tidy frame: arm, seed, metric, value (percent); in the order of `arms`."""
    place = {arm: index for index, arm in enumerate(arms)}
    rows: list[tuple[str, int, str, float]] = []
    for trial in sorted(trials, key=lambda trial: place[trial.arm]):
        if (result := storage.load(trial)) is not None:
            rows += [(trial.arm, trial.seed, metric, 100 * value) for metric, value in result.metrics.items()]
    return pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])


def _fingerprint(trial: Trial) -> str:
    settings = json.dumps(trial.config.model_dump(mode="json"), sort_keys=True)
    made_of = f"{trial.config.data} {data.version(trial.config.data)}"
    marker = f"weightlab {version('weightlab')}, format {_FORMAT}, {made_of}"
    return hashlib.sha256(f"{marker}\n{settings}".encode()).hexdigest()[:12]


def _parse(content: Any) -> TrainResult:  # noqa: ANN401 (whatever the file holds)
    metrics = {str(name): float(value) for name, value in content["metrics"].items()}
    if not metrics or not all(map(math.isfinite, metrics.values())):
        raise ValueError("no finite metrics")
    return TrainResult(metrics, float(content["seconds"]))
