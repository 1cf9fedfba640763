"""What a search structure over the bank gains on a step whose easy negatives have no weight, and what it misses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from weightlab.bench.inputs import BATCH, Inputs, make_inputs
from weightlab.bench.machine import describe_machine
from weightlab.bench.timing import median_ratio, time_in_turns
from weightlab.losses import Contrastive
from weightlab.memory.search import CandidateSearch
from weightlab.plot.tables import markdown
from weightlab.step import surrogate

__all__ = ["Row", "measure", "report"]

_SIZES = (10_000, 100_000, 1_000_000)
_PROBES = (1, 4, 16)
_LOSS = Contrastive(neg_margin=0.5)


@dataclass(frozen=True)
class Row:
    """build: seconds to make the index; exact, searched: seconds of a step, medians; ratio: of the two, median over
    rounds; recall: share of the negatives' weight mass that the search finds.
    """

    references: int
    lists: int
    probes: int
    build: float
    exact: float
    searched: float
    ratio: float
    recall: float


def measure(say: Callable[[str], object], sizes: tuple[int, ...] = _SIZES) -> list[Row]:
    """A contrastive step's time, exact and searched, from 10⁴ to 10⁶ references. say: told what is being done."""
    rows = []
    for references in sizes:
        inputs, lists = make_inputs(references, torch.device("cpu")), int(2 * references**0.5)
        for probes in _PROBES:
            say(f"{references:,} references, {probes} of {lists} lists probed")
            rows.append(_row(inputs, lists, probes))
    return rows


def report(rows: list[Row]) -> str:
    """The table in Markdown."""
    heads = ["references", "lists", "probed", "build (s)", "exact (ms)", "searched (ms)", "ratio", "weight mass found"]
    body = [
        [
            f"{row.references:,}",
            f"{row.lists:,}",
            str(row.probes),
            f"{row.build:.1f}",
            f"{1e3 * row.exact:.1f}",
            f"{1e3 * row.searched:.1f}",
            f"{row.ratio:.2f}",
            f"{row.recall:.1%}",
        ]
        for row in rows
    ]
    return (
        "A contrastive step (negative margin 0.5), 64 anchors in 128 dimensions: walking all references, and only\n"
        "those that an inverted file finds above 0.5. A searched step includes replacing a batch in the index. The\n"
        "references lie in groups, which an inverted file finds easily: on other embeddings it may miss more.\n"
        f"{describe_machine()}.\n\n{markdown(heads, body, right=heads)}\n"
    )


def _row(inputs: Inputs, lists: int, probes: int) -> Row:
    start = time.perf_counter()
    search = CandidateSearch(inputs.references, lists=lists, probes=probes)
    build = time.perf_counter() - start
    own_classes = torch.isin(inputs.reference_labels, inputs.labels).nonzero()[:, 0]  # a bank's look-up has these
    anchors, replaced = inputs.anchors.clone().requires_grad_(), torch.arange(BATCH)

    def exact() -> None:
        loss = surrogate(_LOSS, anchors, inputs.labels, inputs.references, inputs.reference_labels)
        torch.autograd.grad(loss, anchors)

    def searched() -> None:
        search.replace(replaced, inputs.references[replaced])
        slots = _candidates(search, inputs, own_classes)
        loss = surrogate(_LOSS, anchors, inputs.labels, inputs.references[slots], inputs.reference_labels[slots])
        torch.autograd.grad(loss, anchors)

    exact()  # a warm-up
    searched()
    times = time_in_turns({"exact": exact, "searched": searched}, seconds=2, least=3, most=15)
    medians = {name: sorted(each)[len(each) // 2] for name, each in times.items()}
    ratio = median_ratio(times["searched"], times["exact"])
    recall = _recall(search, inputs)
    return Row(len(inputs.references), lists, probes, build, medians["exact"], medians["searched"], ratio, recall)


def _candidates(search: CandidateSearch, inputs: Inputs, own_classes: torch.Tensor) -> torch.Tensor:
    """What the search finds, and the anchors' own classes, in which the positives are."""
    slots: torch.Tensor = torch.cat([search.above(inputs.anchors, _LOSS.neg_margin), own_classes]).unique()
    return slots


def _recall(search: CandidateSearch, inputs: Inputs) -> float:
    """Contrastive negatives all weigh 1: the share of those above the margin that are among the candidates."""
    heavy = inputs.anchors @ inputs.references.T > _LOSS.neg_margin
    heavy &= inputs.labels[:, None] != inputs.reference_labels
    found = torch.zeros(len(inputs.references), dtype=torch.bool)
    found[search.above(inputs.anchors, _LOSS.neg_margin)] = True
    return float((heavy & found).sum() / heavy.sum())
