"""What the weights of a run do as it trains, recorded every k steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from weightlab.files import write_atomically
from weightlab.pairs import SIGNS, References, Weighting
from weightlab.relation import Same
from weightlab.step import observe
from weightlab.train.drift import AGES, Held, InputsAt, drifts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TERMS", "Records", "Seen", "record"]

TERMS = ("batch", "memory")
_BINS = 40
_STATISTICS = ("mean", "error", "q10", "median", "q90")
_FEWEST, _PAIRS = 16, 2**15  # anchors that are looked at, or as many as have so many pairs


@dataclass(frozen=True, eq=False)
class Seen:
    """What a step had before it.

    inputs, labels: the batch.
    embeddings: [B, D], without a gradient.
    references: what the memory's term was against; None where there was none.
    held: what the memory holds of batches past; None where it holds none, or where its entries don't age.
    """

    inputs: Tensor
    labels: Tensor
    embeddings: Tensor
    references: References | None = None
    held: Held | None = None


@dataclass
class Records:
    """What was recorded so far, a row a record; `frame` says what it means.

    steps: after how many steps each was made.
    values: float64 [F] each, the numbers in the order of `_LAYOUT`, NaN where there was nothing to record.
    counts: int64 [6] each, what they rest on: anchors of the batch's and the memory's term, entries of each age.
    written: how many of them weights.parquet has, as far as this process knows.
    """

    steps: list[int] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    counts: list[Tensor] = field(default_factory=list)
    written: int = 0

    def __len__(self) -> int:
        return len(self.steps)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, for a checkpoint: step int64 [n], value float64 [n, F], count int64 [n, 6]."""
        values, counts = torch.zeros(0, len(_LAYOUT), dtype=torch.float64), torch.zeros(0, _GROUPS, dtype=torch.int64)
        return {
            "step": torch.tensor(self.steps, dtype=torch.int64),
            "value": torch.stack(self.values) if self.values else values,
            "count": torch.stack(self.counts) if self.counts else counts,
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Become what `tensors` says. KeyError or ValueError, and nothing taken, where they are no records."""
        step, value, count = tensors["step"], tensors["value"], tensors["count"]
        for name, given, shape, dtype in (
            ("step", step, (len(step),) if step.ndim else (), torch.int64),
            ("value", value, (len(step), len(_LAYOUT)) if step.ndim else (), torch.float64),
            ("count", count, (len(step), _GROUPS) if step.ndim else (), torch.int64),
        ):
            if step.ndim != 1 or given.shape != shape or given.dtype != dtype:
                raise ValueError(f"records of {name} {given.dtype} {list(given.shape)}")
        if len(step) and not (int(step[0]) >= 1 and bool((step.diff() > 0).all())):
            raise ValueError("records whose steps don't ascend from 1")
        self.steps, self.values, self.counts = step.tolist(), list(value.clone().unbind()), list(count.clone().unbind())

    def latest(self) -> dict[str, float]:
        """Of the last record, by name: active_negatives, positive_mass and negative_mass, means over anchors of the
        memory's term, or of the batch's where there is no other; and drift_1, drift_10, … where there is a memory.
        """
        rows = _LAYOUT.assign(value=self.values[-1].numpy()).dropna(subset="value").query("statistic == 'mean'")
        terms = rows[rows["measure"].isin(["active", "total_mass"])]
        of_term = terms[terms["term"] == terms["term"].iloc[-1]]
        found = {}
        for measure, sign, value in of_term[["measure", "sign", "value"]].itertuples(index=False):
            found["active_negatives" if measure == "active" else f"{sign}_mass"] = float(value)
        drift = rows[rows["measure"] == "drift"]
        return found | {f"drift_{age}": float(value) for age, value in zip(drift["age"], drift["value"], strict=True)}

    def write(self, path: Path, *, all_of_them: bool) -> None:
        """Write the frame as a .parquet file where there are records, atomically; not before they are a twentieth more
        than the file has, unless all are wanted: written whole each time, those of a long run would take too long.
        """
        if len(self) > (self.written if all_of_them else 1.05 * self.written):
            frame = self.frame()
            write_atomically(path, lambda temporary: frame.to_parquet(temporary, index=False), durable=True)
            self.written = len(self)

    def frame(self) -> pd.DataFrame:
        """A row a number, tidy; what weights.parquet holds.

        step: how many steps were done.
        term: batch or memory, of which the weights are; each as it is before the terms are weighed against one another.
        measure: what the number is.
            pairs: pairs of the sign an anchor has in a bin of similarity;
            mass: Σ |w| of these pairs, an anchor;
            total_mass: Σ |w| of all pairs of the sign, an anchor;
            active: how many negatives of an anchor have a weight;
            drift: 1 − cosine of the memory's entry and of what its image would be embedded as now (`drifts`).
        sign: positive or negative; missing for drift.
        low, high: the bin, [low, high), of pairs and mass; else missing. 40 bins from −1 to 1, the last with its end.
        age: steps since the entry was stored, of drift; else missing.
        statistic: mean; of active also error (the standard error of the mean), q10, median, q90, over anchors.
        value: the number.
        count: what it rests on: anchors, or entries of the memory for drift.

        Anchors are a sample: 16 of a batch, evenly spaced, others each time, or more where 32,768 pairs allow it. So a
        mean over them is an unbiased estimate of the batch's, of which the error is about σ / √count (σ, over anchors);
        the course over many records is known far better than each of them.
        """
        count, size = len(self), len(_LAYOUT)
        value = _flat(self.values, np.float64)
        counts = _flat(self.counts, np.int64).reshape(count, _GROUPS)[:, _LAYOUT["group"].to_numpy()]
        frame = pd.DataFrame({"step": np.repeat(np.array(self.steps, dtype=np.int64), size)})
        for name in ("term", "measure", "sign", "low", "high", "age", "statistic"):
            frame[name] = _LAYOUT[name].array.take(np.tile(np.arange(size), count))
        frame["value"], frame["count"] = value, counts.reshape(-1)
        return frame[~np.isnan(value)].reset_index(drop=True)


def _flat(parts: list[Tensor], kind: type) -> NDArray[np.float64 | np.int64]:
    return np.concatenate([part.numpy() for part in parts]) if parts else np.zeros(0, kind)


def record(
    records: Records,
    step: int,
    seen: Seen,
    *,
    weighting: Weighting,
    encoder: nn.Module,
    inputs_at: InputsAt,
    same: Same | None = None,
    slow: bool = False,
) -> None:
    """Add what the weights of a step did to `records`; nothing of the training changes, torch's random state neither.

    step: how many are done, the one that was `seen` among them. weighting, same: the step's. encoder: what fills the
    memory. inputs_at, slow: as of `drifts`. What is drawn and which anchors are looked at is a function of the step and
    of how many records there are: a run that was stopped and goes on records what it would have.
    """

    def inputs(at: int, most: int | None) -> Tensor:
        return seen.inputs[:most] if at == step - 1 else inputs_at(at, most)

    turn, drifted = len(records), dict[int, tuple[float, int]]()
    if seen.held is not None:
        drifted = drifts(step, encoder=encoder, inputs_at=inputs, held=seen.held, slow=slow, turn=turn)
    batch = References.of_batch(seen.embeddings, seen.labels)
    terms = [_term(weighting, seen, each, same, turn) for each in (batch, seen.references)]
    distances = torch.tensor([drifted.get(age, (torch.nan, 0))[0] for age in AGES], dtype=torch.float64)
    records.steps.append(step)
    records.values.append(torch.cat([*(value for value, _ in terms), distances]))
    records.counts.append(torch.tensor([count for _, count in terms] + [drifted.get(age, (0, 0))[1] for age in AGES]))


def _term(
    weighting: Weighting, seen: Seen, references: References | None, same: Same | None, turn: int
) -> tuple[Tensor, int]:
    """The numbers of a term, in the order of `_LAYOUT`, and how many anchors they rest on."""
    if references is None or not len(references):
        return torch.full((_OF_A_TERM,), torch.nan, dtype=torch.float64), 0
    embeddings, labels = seen.embeddings, seen.labels
    every = max(1, len(embeddings) // max(_FEWEST, _PAIRS // len(references)))
    index = torch.arange(turn % every, len(embeddings), every, device=embeddings.device)
    own = None if references.own is None else references.own[index]
    compared = References(references.embeddings, references.labels, own, verified=True)
    found = observe(weighting, embeddings[index], labels[index], compared, same=same, bins=_BINS)
    pairs, mass, active = found.similarity / len(index), found.mass / len(index), found.active.cpu().double()
    error = active.std() / len(index) ** 0.5 if len(index) > 1 else active.new_tensor(torch.nan)
    quantiles = active.quantile(active.new_tensor([0.1, 0.5, 0.9]))
    numbers = [pairs.flatten(), mass.flatten(), mass.sum(1), active.mean()[None], error[None], quantiles]
    return torch.cat(numbers), len(index)


def _layout() -> pd.DataFrame:
    """What each number of a record is: a row each, in their order; group: which of the counts it rests on."""
    edges = np.linspace(-1, 1, _BINS + 1).round(10)
    rows: list[tuple[object, ...]] = []
    for group, term in enumerate(TERMS):
        for measure in ("pairs", "mass"):
            bins = [(sign, low, high) for sign in SIGNS for low, high in pairwise(edges)]
            rows += [(term, measure, sign, low, high, None, "mean", group) for sign, low, high in bins]
        rows += [(term, "total_mass", sign, None, None, None, "mean", group) for sign in SIGNS]
        rows += [(term, "active", "negative", None, None, None, each, group) for each in _STATISTICS]
    for group, age in enumerate(AGES, start=len(TERMS)):
        rows.append(("memory", "drift", None, None, None, age, "mean", group))
    columns = ["term", "measure", "sign", "low", "high", "age", "statistic", "group"]
    kinds = {"low": "float64", "high": "float64", "age": "Int64"}
    words = dict.fromkeys(("term", "measure", "sign", "statistic"), "category")
    return pd.DataFrame(rows, columns=columns).astype(kinds | words)


_LAYOUT = _layout()
_OF_A_TERM = int((_LAYOUT["group"] == 0).sum())
_GROUPS = len(TERMS) + len(AGES)
