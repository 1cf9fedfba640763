"""The records of a run against weights of all pairs, written out here, and training that knows nothing of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from weightlab import Pairs
from weightlab.assignment import as_weighting
from weightlab.pairs import References
from weightlab.train import TrainConfig, checkpoint, loop, recording, train
from weightlab.train.recording import Records, Seen, record
from weightlab.train.watching import Watched

CONFIG = TrainConfig(
    scale="mean", steps=20, size=12, width=4, dimensions=8, memory=400, memory_start=3, batch=32, record=8, seed=2
)


@pytest.fixture(autouse=True)
def no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than so few steps, as does the figure."""
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): {"R@1": 0.5})
    monkeypatch.setattr(loop, "save_figure", lambda figure, path: path)
    monkeypatch.setattr(Watched, "figure", lambda self: None)


def some(count: int, seed: int) -> Tensor:
    return normalize(torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))


def recorded(embeddings: Tensor, labels: Tensor, references: References | None, name: str, times: int = 1) -> Records:
    records, seen = Records(), Seen(torch.zeros(len(labels), 1), labels, embeddings, references)
    for number in range(times):
        record(
            records, 10 * (number + 1), seen, weighting=as_weighting(name), encoder=torch.nn.Identity(), inputs_at=None
        )
    return records


def picked(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    return frame


@pytest.mark.parametrize("name", ["contrastive", "ms-loss"])
@pytest.mark.parametrize("term", ["batch", "memory"])
def test_histograms_and_masses_are_those_of_all_pairs(name: str, term: str) -> None:
    anchors, labels, entries = some(12, 0), torch.arange(12) % 4, some(30, 1)
    entries[:12] = anchors
    memory = References(entries, torch.arange(30) % 4, torch.arange(12))
    frame = picked(recorded(anchors, labels, memory, name).frame(), term=term)
    assert (frame["count"] == 12).all()
    same = labels[:, None] == (memory.labels if term == "memory" else labels)
    similarity = anchors @ (entries if term == "memory" else anchors).T
    own = torch.eye(12, similarity.shape[1], dtype=torch.bool)
    masks = {"positive": same & ~own, "negative": ~same}
    weights = as_weighting(name).weights(Pairs(similarity.clamp(-1, 1), masks["positive"], masks["negative"]))
    edges = np.arange(41) / 20 - 1
    for sign, mask in masks.items():
        w = getattr(weights, sign)
        pairs, mass = (picked(frame, measure=each, sign=sign) for each in ("pairs", "mass"))
        assert pairs["low"].tolist() == pytest.approx(edges[:-1])
        assert pairs["high"].tolist() == pytest.approx(edges[1:])
        assert (12 * pairs["value"]).tolist() == pytest.approx(np.histogram(similarity[mask], edges)[0].tolist())
        found = np.histogram(similarity[mask], edges, weights=w[mask])[0] / 12
        assert mass["value"].tolist() == pytest.approx(found.tolist())
        total = picked(frame, measure="total_mass", sign=sign)["value"].item()
        assert total == pytest.approx(float(w.sum()) / 12)
        assert total > 0
    active = (weights.negative != 0).sum(1).double().numpy()
    found = picked(frame, measure="active").set_index("statistic")["value"]
    assert found["mean"] == pytest.approx(active.mean())
    assert found["error"] == pytest.approx(active.std(ddof=1) / 12**0.5)
    for statistic, share in (("q10", 0.1), ("median", 0.5), ("q90", 0.9)):
        assert found[statistic] == pytest.approx(np.quantile(active, share))


def test_all_anchors_of_a_large_batch_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of every third: three records in a row are the whole batch's."""
    monkeypatch.setattr(recording, "_FEWEST", 4)
    monkeypatch.setattr(recording, "_PAIRS", 1)
    anchors, labels, memory = some(12, 0), torch.arange(12) % 4, References(some(30, 1), torch.arange(30) % 4)
    frame = picked(recorded(anchors, labels, memory, "ms-loss", times=3).frame(), term="memory")
    assert frame["step"].unique().tolist() == [10, 20, 30]
    assert (frame["count"] == 4).all()
    whole = as_weighting("ms-loss").weights(Pairs.from_embeddings(anchors, labels, memory))
    for sign in ("positive", "negative"):
        parts = picked(frame, measure="total_mass", sign=sign)["value"].tolist()
        assert parts == pytest.approx([float(getattr(whole, sign)[at::3].sum()) / 4 for at in range(3)])
        assert len(set(parts)) == 3


def test_a_batch_alone_has_no_memory_and_no_drift() -> None:
    frame = recorded(some(8, 0), torch.arange(8) // 2, None, "triplet").frame()
    assert set(frame["term"]) == {"batch"}
    assert set(frame["measure"]) == {"pairs", "mass", "total_mass", "active"}
    assert len(Records().frame()) == 0


def test_records_come_back_from_tensors_and_damaged_ones_do_not() -> None:
    records = recorded(some(8, 0), torch.arange(8) // 2, References(some(9, 1), torch.arange(9) // 3), "triplet", 3)
    again = Records()
    again.load(records.tensors())
    pd.testing.assert_frame_equal(again.frame(), records.frame())
    again.load(Records().tensors())
    assert len(again) == 0
    tensors = records.tensors()
    for name, wrong in (
        ("step", torch.tensor([10, 10, 20])),
        ("step", torch.tensor([0, 1, 2])),
        ("step", torch.tensor(3)),
        ("value", tensors["value"][:2]),
        ("value", tensors["value"].float()),
        ("count", tensors["count"][:, :3]),
    ):
        with pytest.raises(ValueError, match="records"):
            again.load({**tensors, name: wrong})
    with pytest.raises(KeyError):
        again.load({"step": tensors["step"]})
    assert len(again) == 0


def test_a_file_is_written_anew_only_when_it_has_gained(tmp_path: Path) -> None:
    path = tmp_path / "weights.parquet"
    records = Records()
    records.write(path, all_of_them=True)
    assert not path.exists()
    made = recorded(some(8, 0), torch.arange(8) // 2, None, "triplet", 42)
    lengths = []
    for count in range(1, 43):
        records.steps, records.values, records.counts = (
            each[:count] for each in (made.steps, made.values, made.counts)
        )
        records.write(path, all_of_them=False)
        lengths.append(pd.read_parquet(path)["step"].nunique())
    assert lengths == [*range(1, 21), *(min(40, 2 * (count // 2)) for count in range(21, 43))]
    records.write(path, all_of_them=True)
    pd.testing.assert_frame_equal(pd.read_parquet(path), records.frame())


@pytest.mark.parametrize(
    "change", [{}, {"momentum": 0.0}, {"memory": 0}], ids=["momentum", "plain_memory", "no_memory"]
)
def test_training_is_the_same_bit_for_bit(change: dict[str, object], tmp_path: Path) -> None:
    config = CONFIG.model_copy(update=change)
    for name, every in (("with", 1), ("without", 0)):
        train(config.model_copy(update={"record": every}), out=tmp_path / name)
    states = [checkpoint.read_tensors(tmp_path / name / "state.safetensors") for name in ("with", "without")]
    kept = [{name: value for name, value in state.items() if not name.startswith("records.")} for state in states]
    assert kept[0].keys() == kept[1].keys()
    assert all(torch.equal(kept[0][name], value) for name, value in kept[1].items())
    assert len(states[0]["records.step"]) == 20
    assert len(states[1]["records.step"]) == 0
    assert not (tmp_path / "without" / "weights.parquet").exists()


def test_a_run_that_is_killed_has_the_records_of_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count(1)
    monkeypatch.setattr(checkpoint.Saver, "due", lambda saver: next(calls) % 5 == 0)
    config = CONFIG.model_copy(update={"record": 2})

    def kill(step: int, loss: float) -> None:
        if step == 19:
            raise RuntimeError("killed")

    train(config, out=tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        train(config, on_step=kill, out=tmp_path / "part")
    assert pd.read_parquet(tmp_path / "part" / "weights.parquet")["step"].max() == 14
    train(config, out=tmp_path / "part")
    whole, part = (pd.read_parquet(tmp_path / name / "weights.parquet") for name in ("whole", "part"))
    pd.testing.assert_frame_equal(part, whole, check_exact=True)
    assert whole["step"].unique().tolist() == list(range(2, 21, 2))
    drift = picked(whole, measure="drift")
    assert set(drift["age"]) == {1, 10}  # 400 entries are of 12 steps and a half
