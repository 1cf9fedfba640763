"""Finished trials on disk: one JSON file each, whole or absent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weightlab import data
from weightlab.errors import InputError
from weightlab.files import AnyPath, as_path, write_text
from weightlab.lazy import pd
from weightlab.study.spec import StudySpec
from weightlab.study.trial import Trial
from weightlab.train.result import TrainResult
from weightlab.validation import faults

__all__ = ["Storage", "results"]

_FORMAT = 4  # to be raised when the file's layout, or what a training run of the same settings gives, changes

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Kept(BaseModel):
    """What a file holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    arm: str
    seed: int
    metrics: Annotated[dict[str, Fraction], Field(min_length=1)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    config: dict[str, Any]


@dataclass(frozen=True)
class Storage:
    """The trials of a study at a size, in a folder of their own.

    folder: where they are.

    A file's name holds a hash of the trial's arm and settings, its data's version and the package's, so a trial whose
    settings have changed is absent, and files of earlier settings lie there unread. What asks for several trials finds
    the version of their data once: for that a folder of images is looked through.
    """

    folder: Path

    @classmethod
    def of(cls, runs: AnyPath, spec: StudySpec, size: str) -> Storage:
        """The storage of a study at a size, under the folder of all runs. Raises InputError: unknown size."""
        spec.size(size)
        return cls(as_path("runs", runs) / "studies" / spec.name / size)

    def path(self, trial: Trial) -> Path:
        """Where a trial's result is kept; in lower case, for some disks know no other."""
        return self.paths([trial])[trial]

    def paths(self, trials: Iterable[Trial]) -> dict[Trial, Path]:
        """`path` of each. Raises InputError where their data are not there."""
        wanted = list(trials)
        versions = {text: data.version(text) for text in {trial.config.data: None for trial in wanted}}
        return {trial: self.folder / _name(trial, versions[trial.config.data]) for trial in wanted}

    def save(self, trial: Trial, result: TrainResult) -> None:
        """Keep a finished trial, atomically."""
        _write(self.path(trial), trial, result)

    def keeper(self, trials: Iterable[Trial]) -> Callable[[Trial, TrainResult], None]:
        """What `save` does to each of these trials, as of the data that are there now, before they train."""
        paths = self.paths(trials)
        return lambda trial, result: _write(paths[trial], trial, result)

    def load(self, trial: Trial) -> TrainResult | None:
        """The result of a trial; None where there is none, or where its file is damaged (`notes` says so).

        Raises InputError for a file that is there but can't be read: it may well be whole.
        """
        return self.finished([trial]).get(trial)

    def finished(self, trials: Iterable[Trial]) -> dict[Trial, TrainResult]:
        """`load` of each that has a result, in their order. Raises InputError as `load` does."""
        read = {trial: _read(path, trial) for trial, path in self.paths(trials).items()}
        return {
            trial: TrainResult(kept.metrics, kept.seconds) for trial, kept in read.items() if isinstance(kept, _Kept)
        }

    def notes(self, trials: Iterable[Trial]) -> list[str]:
        """What lies in the folder but does not count among these trials, a line each."""
        found, paths = list[str](), self.paths(trials)
        for trial, path in paths.items():
            if isinstance(damage := _read(path, trial), str):
                found.append(f"{path} is damaged and does not count: {damage}")
        if count := len(set(self.folder.glob("[!.]*.json")) - set(paths.values())):
            files, do = ("1 other result lies", "it does") if count == 1 else (f"{count} other results lie", "they do")
            found.append(f"{files} in {self.folder}, of other settings, seeds, data or versions: {do} not count")
        return found


def _read(path: Path, trial: Trial) -> _Kept | str | None:
    """What a trial's file holds, what is wrong with it, or None where there is none."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    try:
        kept = _Kept.model_validate_json(content)
    except ValidationError as error:
        return str(faults(error)[0])
    if (kept.arm, kept.seed, kept.config) != (trial.arm, trial.seed, trial.config.model_dump(mode="json")):
        return "it is of another trial"
    return kept


def results(trials: Iterable[Trial], storage: Storage, arms: Iterable[str]) -> pd.DataFrame:
    """The finished trials as a tidy frame: arm, seed, metric, value (percent); in the order of `arms`."""
    place = {arm: index for index, arm in enumerate(arms)}
    rows: list[tuple[str, int, str, float]] = []
    for trial, result in storage.finished(sorted(trials, key=lambda trial: place[trial.arm])).items():
        rows += [(trial.arm, trial.seed, metric, 100 * value) for metric, value in result.metrics.items()]
    return pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])


def _write(path: Path, trial: Trial, result: TrainResult) -> None:
    content = _Kept(
        arm=trial.arm,
        seed=trial.seed,
        metrics=result.metrics,
        seconds=result.seconds,
        config=trial.config.model_dump(mode="json"),
    )
    write_text(path, json.dumps(content.model_dump(), indent=1, ensure_ascii=False) + "\n")


def _name(trial: Trial, data_version: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", trial.arm.lower()).strip("-")[:60]
    settings = json.dumps([trial.arm, trial.config.model_dump(mode="json")], sort_keys=True)
    marker = f"weightlab {version('weightlab')}, format {_FORMAT}, {trial.config.data} {data_version}"
    fingerprint = hashlib.sha256(f"{marker}\n{settings}".encode()).hexdigest()[:12]
    return f"{slug or 'arm'}-seed{trial.seed}-{fingerprint}.json"
