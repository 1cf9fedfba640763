"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from weightlab import models
from weightlab.assignment import Weighable, as_weighting
from weightlab.data import Dataset, Draw, PKSampler, Split
from weightlab.data.ahead import ahead
from weightlab.data.held_out import held_out
from weightlab.files import AnyPath, as_path
from weightlab.memory import MemoryBank
from weightlab.pairs import Weighting
from weightlab.plot.save import save_figure
from weightlab.relation import Same
from weightlab.step import surrogate
from weightlab.train import checkpoint
from weightlab.train.config import TrainConfig
from weightlab.train.device import device_of
from weightlab.train.drift import unchanged
from weightlab.train.evaluation import TrainingError, evaluate, load_data
from weightlab.train.interrupt import deferred_interrupt
from weightlab.train.memory import Batch, remembered
from weightlab.train.recording import Seen, record
from weightlab.train.result import TrainResult
from weightlab.train.room import check_room
from weightlab.train.schedule import learning_rate
from weightlab.train.state import TrainState
from weightlab.train.watching import watch

__all__ = ["parts_of", "sampler_of", "train", "try_weighting"]

_LOG = logging.getLogger(__name__)  # without any set-up its warnings are lines on standard error

_MOST_STEPS = 1_000_003  # more than a run has: no two of its steps, of any seed, draw alike


def train(
    config: TrainConfig,
    *,
    on_step: Callable[[int, float], None] | None = None,
    on_evaluation: Callable[[int, dict[str, float]], None] | None = None,
    on_end: Callable[[TrainResult], None] | None = None,
    log: Callable[[dict[str, float], int], None] | None = None,
    out: AnyPath | None = None,
    same: Same | None = None,
    weighting: Weighable | None = None,
    dataset: Dataset | None = None,
) -> TrainResult:
    """Train an encoder with a weighting, against the batch and a memory, and evaluate it on unseen classes.

    The surrogate of a step is batch_weight × F of the batch against itself + memory_weight × F of the batch against the
    memory, F as of `surrogate`; the encoder that is evaluated is the last one, or with validation the best one.

    on_step(step, surrogate): called after every step, steps counted from 1. on_evaluation(step, metrics): after every
    evaluation on held-out classes. on_end(result): once it is evaluated on the test classes. log(values, step): numbers
    by name, after every step (surrogate, learning_rate, and what was recorded then: active_negatives, positive_mass,
    negative_mass, drift_1, …), evaluation (validation/R@1, …) and at the end (test/R@1, …), in the form that
    TensorBoard, W&B and MLflow take. out: a folder for the configuration, the checkpoint, the histories, the records
    and the metrics; a run that stopped there goes on from its last checkpoint. The same seed gives the same numbers on
    the same machine with the same number of threads. Ctrl-C or SIGTERM ends it after the step it is in, saved.

    weighting: one of your own, as of `as_weighting`, in place of the configuration's. same: which labels go together in
    the loss, as of `surrogate`; None: equal ones. Batches and metrics are by the labels themselves. dataset: one of
    your own, in place of the configuration's; of it `out` has no more than the name, of weighting and `same` nothing:
    give them again to go on.

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
    device_of(config.device)
    check_room(config, saved=out is not None)
    weighting = as_weighting(config.weighting() if weighting is None else weighting)  # its form is made once
    try_weighting(weighting, same)
    dataset = load_data(config) if dataset is None else dataset
    for note in dataset.notes:
        _LOG.warning("%s", note)
    rows, held = parts_of(config, dataset)
    sampler = sampler_of(config, rows)
    state = TrainState.start(config, dataset.test.inputs.shape, len(rows), bare=resumes)
    device = state.device
    encode = torch.compile(state.model) if config.compile else state.model
    lowered = partial(torch.autocast, device.type, torch.bfloat16, enabled=config.precision == "bfloat16")

    def batch_at(step: int, most: int | None = None) -> Batch:
        index = sampler.batch_at(step)[:most]
        return Batch(index, rows.inputs(index, Draw(config.seed, step)), rows.labels[index])

    def step_once(step: int, batch: Batch) -> tuple[float, Seen]:
        with lowered():
            embeddings = encode(batch.inputs)
        if not bool(embeddings.isfinite().all()):
            raise TrainingError(f"the run diverged at step {step}: lower the learning rate or the scale")
        loss = config.batch_weight * surrogate(weighting, embeddings, batch.labels, same=same)
        seen = Seen(batch.inputs, batch.labels, embeddings.detach())
        if state.bank is not None and step >= config.memory_start:
            if config.memory_clear and step in config.dropped_at:
                state.bank.clear()
            with torch.no_grad(), lowered():
                found = remembered(
                    state.bank,
                    batch,
                    state.momentum or (lambda inputs: embeddings.detach()),  # a plain memory has the encoder's own
                    partial(unchanged, state.momentum or state.model),
                    lambda turn: sampler.batch_at(turn + config.memory_start),
                    own_is_pair=config.memory_own == "positive",
                )
            of_memory = surrogate(weighting, embeddings, batch.labels, found.references, same=same)
            loss = loss + config.memory_weight * of_memory
            seen = replace(seen, references=found.references, held=found.held)

        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(config, step) * group["factor"]
        state.model.zero_grad()  # the optimiser's own takes ten times as long
        loss.backward()
        if config.clip:
            nn.utils.clip_grad_norm_(state.model.parameters(), config.clip)
        state.optimizer.step()
        if state.momentum is not None:
            state.momentum.update_parameters(state.model)
        return float(loss.detach()), seen

    def look(seen: Seen) -> None:
        """Record the weights."""
        with lowered():
            record(
                state.records,
                state.step,
                seen,
                weighting=weighting,
                encoder=state.momentum or state.model,
                inputs_at=lambda step, most: batch_at(step, most).inputs.to(device),
                same=same,
                slow=rows.inputs.slow,
            )

    def validate(split: Split) -> None:
        metrics = evaluate(state.model, split, dataset.ks)
        state.model.train()
        state.validations.add(state.step, metrics, state.model)
        if on_evaluation is not None:
            on_evaluation(state.step, metrics)
        if log is not None:
            log({f"validation/{name}": value for name, value in metrics.items()}, state.step)

    with checkpoint.opened(out, config) if out is not None else nullcontext():
        saver = None if out is None else checkpoint.Saver(out, config, config.save_every)
        if out is not None and (resumes or checkpoint.has_state(out)):
            checkpoint.restore(out, config, state)
        state.model.train()
        batches = ahead(batch_at, range(state.step, config.steps), slow=rows.inputs.slow)
        with deferred_interrupt() as interrupted:
            while state.step < config.steps and not state.validations.are_over(config.patience) and not interrupted():
                batch = next(batches).to(device)
                with _drawn(config.seed, state.step, device):
                    value, seen = step_once(state.step, batch)
                state.step += 1
                state.history.append(value)
                if on_step is not None:
                    on_step(state.step, value)
                recorded = config.record > 0 and state.step % config.record == 0
                if recorded:
                    look(seen)
                if log is not None:
                    numbers = {"surrogate": value, "learning_rate": learning_rate(config, state.step - 1)}
                    log(numbers | (state.records.latest() if recorded else {}), state.step)
                if held is not None and (state.step % config.validate_every == 0 or state.step == config.steps):
                    validate(held)
                if saver is not None and saver.due():
                    saver.save(state)
            if saver is not None:
                saver.save(state, last=True)
        if interrupted():
            raise KeyboardInterrupt
        if state.validations.best:
            state.model.load_state_dict(state.validations.best)
        metrics = evaluate(state.model, dataset.test, dataset.ks)
        result = TrainResult(metrics, time.perf_counter() - started, state.step, state.validations.best_step)
        if out is not None:
            checkpoint.finish(out, config, state, result)
            if len(state.records):
                save_figure(watch(out).figure(), out / "weights.png")
    if log is not None:
        log({f"test/{name}": value for name, value in metrics.items()}, state.step)
    if on_end is not None:
        on_end(result)
    return result


def parts_of(config: TrainConfig, dataset: Dataset) -> tuple[Split, Split | None]:
    """The rows to train on, and those of the classes held out where there is validation. Raises as `held_out` does."""
    return held_out(dataset.train) if config.validate_every else (dataset.train, None)


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
def _drawn(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Inside, what torch draws (an encoder's dropout) is a function of seed and step, however often a run stopped."""
    kinds = [torch, torch.cuda] if device.type == "cuda" else [torch]
    before = [kind.get_rng_state() for kind in kinds]
    torch.default_generator.manual_seed(seed * _MOST_STEPS + step)  # torch.manual_seed takes a millisecond
    if device.type == "cuda":
        torch.cuda.manual_seed(seed * _MOST_STEPS + step)
    try:
        yield
    finally:
        for kind, state in zip(kinds, before, strict=True):
            kind.set_rng_state(state)
