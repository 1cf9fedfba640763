"""What can be known of trials before the first one trains: an hour later is too late."""

from __future__ import annotations

from collections.abc import Iterable

from weightlab.assignment import as_weighting
from weightlab.data import Dataset
from weightlab.errors import InputError
from weightlab.study.trial import Trial
from weightlab.train.config import TrainConfig
from weightlab.train.evaluation import load_data
from weightlab.train.loop import parts_of, sampler_of, try_weighting
from weightlab.train.room import check_room
from weightlab.train.state import TrainState

__all__ = ["check_trials"]


def check_trials(trials: Iterable[Trial], metric: str) -> list[str]:
    """What is to be known of the data, a line each.

    Raises InputError unless all trials' data can be loaded, have their batches and are measured by the metric, and each
    arm's run can begin. A run that has begun has its encoder, its optimizer and its whole memory, and its weighting has
    had first pairs.
    """
    datasets: dict[tuple[object, ...], Dataset] = {}
    for arm, config in {trial.arm: trial.config for trial in trials}.items():
        key = (config.data, config.size, config.augment, config.validation, config.skip_damaged)
        try:
            if key not in datasets:
                datasets[key] = load_data(config)
                _check_metric(metric, datasets[key])
            _begin(config, datasets[key])
        except InputError as error:
            raise InputError(f'[arms."{arm}"]: {error}') from error
    return list(dict.fromkeys(note for dataset in datasets.values() for note in dataset.notes))


def _check_metric(metric: str, dataset: Dataset) -> None:
    given = [*(f"R@{k}" for k in dataset.ks), "MAP@R"]
    if metric not in given:
        raise InputError(f"the study's metric is {metric}; {dataset.name} is measured by {', '.join(given)}")


def _begin(config: TrainConfig, dataset: Dataset) -> None:
    """All that a run does before its first step."""
    rows, _ = parts_of(config, dataset)
    sampler_of(config, rows)
    check_room(config, saved=False)
    TrainState.start(config, dataset.test.inputs.shape, len(rows))
    try_weighting(as_weighting(config.weighting()))
