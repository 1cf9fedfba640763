"""Files of a run that are damaged, or of another run, are refused in one line that says what to do."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from weightlab.data import Dataset, Draw, Split
from weightlab.errors import InputError
from weightlab.train import TrainConfig, checkpoint, embed_run, evaluate_run, sealed, train
from weightlab.train.state import TrainState

CONFIG = TrainConfig(
    model="mlp(hidden=6)", dimensions=4, memory=8, memory_start=1, batch=4, per_class=2, steps=4, scale="mass", seed=3
)
SHAPE = (10,)


class Rows:
    shape, slow = SHAPE, False

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        return torch.rand(24, 10, generator=torch.Generator().manual_seed(0))[index]


def split() -> Split:
    return Split(torch.arange(8).repeat_interleave(3), Rows())


DATA = Dataset("rows", split(), split(), ks=(1,))
NAMED = CONFIG.model_copy(update={"data": "given:rows"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(CONFIG, dataset=DATA, out=folder)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def restored(folder: Path) -> TrainState:
    state = TrainState.start(NAMED, SHAPE, len(DATA.train), bare=True)
    checkpoint.restore(folder, NAMED, state)
    return state


def offsets(content: bytes, rng: random.Random) -> list[int]:
    """The bytes of the header's length, some of the header's and of the tensors', and the last."""
    first = 8 + int.from_bytes(content[:8], "little")
    header = [n for n in range(8, first) if rng.random() < 0.1]
    return [*range(8), *header, *(n for n in range(first, len(content)) if rng.random() < 0.03), len(content) - 1]


def test_a_flipped_bit_anywhere_is_refused(run: Path) -> None:
    rng, path = random.Random(5), run / "state.safetensors"
    content = path.read_bytes()
    assert restored(run).step == 4
    tried = [(offset, 1 << rng.randrange(8)) for offset in offsets(content, rng)]
    assert len(tried) > 200
    for offset, bit in tried:
        flipped = bytearray(content)
        flipped[offset] ^= bit
        path.write_bytes(flipped)
        with pytest.raises(InputError, match=r"state.safetensors is damaged.*: remove it and start over") as caught:
            restored(run)
        assert "\n" not in str(caught.value), (offset, bit)
    path.write_bytes(content)
    assert restored(run).step == 4


def test_a_flipped_bit_of_the_encoder_is_refused(run: Path) -> None:
    rng, path = random.Random(6), run / "model.safetensors"
    content = path.read_bytes()
    for offset in rng.sample(range(len(content)), 60):
        flipped = bytearray(content)
        flipped[offset] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(InputError, match=r"model.safetensors is damaged.*: remove it and train again"):
            checkpoint.load_model(run, SHAPE)


def test_a_file_that_ends_too_early_is_refused(run: Path) -> None:
    path = run / "state.safetensors"
    content = path.read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="is damaged: remove it and start over"):
            restored(run)
    path.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="is damaged: remove it and start over"):
        restored(run)


def test_a_file_without_a_checksum_is_refused(run: Path) -> None:
    for name, ask in (("state", lambda: train(CONFIG, dataset=DATA, out=run)), ("model", lambda: embed_run(run, DATA))):
        path = run / f"{name}.safetensors"
        save_file(load_file(path), path)
        with pytest.raises(InputError, match=r"damaged, or of an earlier version: remove it and .* \(it has no check"):
            ask()


def drop(start: str) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        names = [name for name in tensors if name.startswith(start)]
        assert names
        for name in names:
            del tensors[name]

    return change


def put(name: str, make: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors[name] = make(tensors.get(name, torch.zeros(2)))

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (drop("optimizer."), "numbers"),
        (drop("optimizer.1."), "optimiser's 1.exp_avg is missing"),
        (drop("optimizer.0.exp_avg_sq"), "optimiser's 0.exp_avg_sq is missing"),
        (put("optimizer.9.exp_avg", torch.clone), "optimiser's 9.exp_avg is not of this run"),
        (put("optimizer.0.exp_avg", lambda tensor: tensor[:2].clone()), r"0.exp_avg is \[2, 10\], not \[6, 10\]"),
        (put("optimizer.0.exp_avg", lambda tensor: tensor.double()), "not what such a run saves"),
        (put("run.step", lambda step: step + 1), "step 5 with a history of 4"),
        (put("run.history", lambda history: history[:2].clone()), "step 4 with a history of 2"),
        (drop("run.history"), "run.history"),
        (drop("momentum."), "loading state_dict"),
        (drop("bank.labels"), "the snapshot has no labels"),
        (drop("model.head.bias"), "loading state_dict"),
        (put("best.weight", torch.clone), "not what such a run saves"),
        (put("bank.embeddings", lambda tensor: tensor * 2), "have lengths up to 1 away from 1"),
    ],
)
def test_what_is_missing_left_over_or_of_another_size_is_refused(
    change: Callable[[dict[str, Tensor]], None], why: str, run: Path
) -> None:
    """Under a checksum that fits: what another version, or another's program, might write."""
    path = run / "state.safetensors"
    found = sealed.read(path, "")
    change(found.tensors)
    sealed.write(path, {name: tensor.clone() for name, tensor in found.tensors.items()}, found.about)
    with pytest.raises(InputError, match=f"is of another run: remove it to start over .*{why}") as caught:
        restored(run)
    assert "\n" not in str(caught.value)


def test_a_state_without_its_optimiser_or_beyond_its_run_is_refused(run: Path) -> None:
    state, whole_state = restored(run), restored(run)
    state.optimizer.state.clear()
    checkpoint.save(run, NAMED, state)
    with pytest.raises(InputError, match=r"another run: .*nothing of the optimiser at step 4"):
        restored(run)
    checkpoint.save(run, NAMED, replace(whole_state, step=5, history=[0.5] * 5))
    with pytest.raises(InputError, match=r"another run: .*it is at step 5 of 4"):
        restored(run)


def test_the_files_of_another_run_are_refused(run: Path) -> None:
    other = run.parent / "other"
    train(CONFIG.model_copy(update={"seed": 9, "steps": 3}), dataset=DATA, out=other)
    for name, ask, remedy in (
        ("state", lambda: train(CONFIG, dataset=DATA, out=run), "start over"),
        ("model", lambda: evaluate_run(run, DATA), "train again"),
    ):
        shutil.copy(other / f"{name}.safetensors", run)
        why = "is of another run than config.json, with steps=3, seed=9: put the right one there, or remove it and"
        with pytest.raises(InputError, match=f"{name}.safetensors {why} {remedy}"):
            ask()


def test_a_file_that_no_run_wrote_is_refused(run: Path) -> None:
    sealed.write(run / "state.safetensors", {"x": torch.zeros(2)}, {})
    with pytest.raises(InputError, match=r"state.safetensors is no run's: remove it and start over"):
        restored(run)


def test_a_state_that_has_gone_is_not_passed_over(run: Path) -> None:
    """An encoder that is built to be loaded into has nothing of its own."""
    (run / "state.safetensors").unlink()
    with pytest.raises(InputError, match=re.escape(f"there is no file {run / 'state.safetensors'}")):
        restored(run)


def test_what_was_written_before_a_setting_existed_is_of_this_run(run: Path) -> None:
    path = run / "state.safetensors"
    found = sealed.read(path, "")
    assert '"augment":"default",' in found.about["config"]
    without = {"config": found.about["config"].replace('"augment":"default",', "")}
    sealed.write(path, {name: tensor.clone() for name, tensor in found.tensors.items()}, without)
    assert restored(run).step == 4


def test_a_checksum_sees_names_types_shapes_and_bytes() -> None:
    of, zero = sealed.checksum, torch.zeros(2, 3)
    seen = {
        of({"a": zero}, {}),
        of({"b": zero}, {}),
        of({"a": zero.view(3, 2)}, {}),
        of({"a": zero.int()}, {}),
        of({"a": -zero}, {}),
        of({"a": zero, "b": torch.zeros(0)}, {}),
        of({"a": zero}, {"a": "0"}),
        of({}, {}),
    }
    assert len(seen) == 8
    assert of({"a": torch.arange(6.0).view(2, 3).t()}, {}) == of({"a": torch.tensor([[0.0, 3], [1, 4], [2, 5]])}, {})
    assert of({"a": torch.tensor(1.0, dtype=torch.bfloat16)}, {}) != of({"a": torch.tensor(1.0).half()}, {})
