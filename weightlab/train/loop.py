"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from weightlab import models
from weightlab.assignment import as_weighting
from weightlab.data import Dataset, Draw, PKSampler, Split
from weightlab.data.ahead import ahead
from weightlab.files import AnyPath, as_path
from weightlab.memory import MemoryBank
from weightlab.pairs import Weighting
from weightlab.relation import Same
from weightlab.step import surrogate
from weightlab.train import checkpoint
from weightlab.train.config import TrainConfig
from weightlab.train.evaluation import TrainingError, evaluate, load_data
from weightlab.train.interrupt import deferred_interrupt
from weightlab.train.result import TrainResult
from weightlab.train.room import check_room
from weightlab.train.state import TrainState

__all__ = ["sampler_of", "train", "try_weighting"]

_LOG = logging.getLogger(__name__)  # without any set-up its warnings are lines on standard error

_MOST_STEPS = 1_000_003  # more than a run has: no two of its steps, of any seed, draw alike
SAVE_EVERY = 30.0  # seconds between two checkpoints, for runs that are killed rather than stopped


def train(
    config: TrainConfig,
    *,
    on_step: Callable[[int, float], None] | None = None,
    out: AnyPath | None = None,
    same: Same | None = None,
    dataset: Dataset | None = None,
) -> TrainResult:
    """Train an encoder with a weighting, against the batch and a memory bank, and evaluate it on unseen classes.

    on_step(step, loss): called after every step. out: a folder for the configuration, the checkpoint, the history and
    the metrics; a run that stopped there goes on from its last checkpoint. The same seed gives the same numbers on the
    same machine with the same number of threads. Ctrl-C or SIGTERM ends it after the step it is in, saved. same: which
    labels go together in the loss, as of `surrogate`; None: equal ones. It is not kept in `out`: give it again to go
    on. Batches and metrics are by the labels themselves. dataset: one of your own, in place of the configuration's; of
    it, too, `out` has no more than the name.

    Raises InputError, before anything is written, where `out` can't be written to, holds a run of another configuration
    or a damaged one, or is trained in by another process, where this machine can't hold the run, the data have too few
    classes, or the weighting fails; TrainingError where the run diverges or its checkpoint can't be written.
    """
    started = time.perf_counter()
    if dataset is not None:
        config = config.model_copy(update={"data": f"given:{dataset.name}"})
    out = None if out is None else as_path("out", out)
    if out is not None:
        checkpoint.check(out, config)
    resumes = out is not None and checkpoint.has_state(out)
    if not resumes:
        models.check(config.model)  # once more, now with the files that it begins with
    check_room(config, saved=out is not None)
    weighting = as_weighting(config.weighting())  # its form is made once
    try_weighting(weighting, same)
    dataset = load_data(config) if dataset is None else dataset
    for note in dataset.notes:
        _LOG.warning("%s", note)
    rows, test = dataset.train, dataset.test
    sampler = sampler_of(config, rows)
    state = TrainState.start(config, test.inputs.shape, bare=resumes)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        index = sampler.batch_at(step)
        return rows.inputs(index, Draw(config.seed, step)), rows.labels[index]

    def step_once(step: int, inputs: Tensor, labels: Tensor) -> float:
        embeddings = state.model(inputs)
        if not bool(embeddings.isfinite().all()):
            raise TrainingError(f"the run diverged at step {step}: lower the learning rate or the scale")
        loss = surrogate(weighting, embeddings, labels, same=same)
        if state.bank is not None and step >= config.warmup:
            bank, own = state.bank, state.bank.enqueue(_keys(state, inputs, embeddings), labels)
            loss = loss + surrogate(weighting, embeddings, labels, bank.references(labels, own), same=same)

        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(config, step) * group["factor"]
        state.model.zero_grad()  # the optimiser's own takes ten times as long
        loss.backward()
        state.optimizer.step()
        if state.momentum is not None:
            state.momentum.update_parameters(state.model)
        return float(loss.detach())

    with checkpoint.opened(out, config) if out is not None else nullcontext():
        saver = None if out is None else checkpoint.Saver(out, config, SAVE_EVERY)
        if out is not None and (resumes or checkpoint.has_state(out)):
            checkpoint.restore(out, config, state)
        state.model.train()
        batches = ahead(batch_at, range(state.step, config.steps), slow=rows.inputs.slow)
        with deferred_interrupt() as interrupted:
            while state.step < config.steps and not interrupted():
                batch = next(batches)
                with _drawn(config.seed, state.step):
                    value = step_once(state.step, *batch)
                state.step += 1
                state.history.append(value)
                if on_step is not None:
                    on_step(state.step, value)
                if saver is not None and saver.due():
                    saver.save(state)
            if saver is not None:
                saver.save(state)
        if interrupted():
            raise KeyboardInterrupt
        metrics = evaluate(state.model, test, dataset.ks)
        result = TrainResult(metrics, time.perf_counter() - started)
        if out is not None:
            checkpoint.finish(out, config, state, result)
    return result


def learning_rate(config: TrainConfig, step: int) -> float:
    """A linear rise over the first twentieth of the steps, then half a cosine down to 0."""
    rise = max(1, config.steps // 20)
    if step < rise:
        return config.learning_rate * (step + 1) / rise
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, config.steps - rise)))


def sampler_of(config: TrainConfig, rows: Split) -> PKSampler:
    """The batches that a configuration asks for. Raises InputError where the rows can't give them."""
    return PKSampler(rows.labels, config.batch, config.per_class, config.seed, rows.categories, config.spread)


def try_weighting(weighting: Weighting, same: Same | None = None) -> None:
    """Others' weightings and relations may fail at their first pairs: four images of two classes, batch and memory."""
    embeddings = torch.nn.functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    labels, bank = torch.tensor([0, 0, 1, 1]), MemoryBank(4, 8)
    surrogate(weighting, embeddings, labels, same=same)
    surrogate(weighting, embeddings, labels, bank.references(labels, bank.enqueue(embeddings, labels)), same=same)


@contextmanager
def _drawn(seed: int, step: int) -> Iterator[None]:
    """Inside, what torch draws (an encoder's dropout) is a function of seed and step, however often a run stopped."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed * _MOST_STEPS + step)  # torch.manual_seed takes a millisecond
    try:
        yield
    finally:
        torch.set_rng_state(before)


@torch.no_grad()
def _keys(state: TrainState, inputs: Tensor, embeddings: Tensor) -> Tensor:
    """What goes into the memory: the momentum encoder's embeddings, or the encoder's own for a plain memory."""
    return embeddings if state.momentum is None else state.momentum(inputs)
