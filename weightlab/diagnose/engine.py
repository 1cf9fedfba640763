"""diagnose: which loss, which margin, and why does mine stand still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from weightlab import losses as built_in
from weightlab.decompose import Subject
from weightlab.diagnose.candidates import Names, closest_negatives, farthest_positives, suspects
from weightlab.diagnose.contexts import Plan, contexts
from weightlab.diagnose.diagnosis import Diagnosis
from weightlab.diagnose.findings import Seen, findings
from weightlab.diagnose.frames import histogram_frame, loss_frame, margin_frame, threshold_frame
from weightlab.diagnose.merged import merged_classes
from weightlab.diagnose.noise import label_noise
from weightlab.diagnose.rows import Rows
from weightlab.diagnose.spread import effective_ranks
from weightlab.diagnose.walk import walk
from weightlab.diagnose.weighing import weigh
from weightlab.errors import InputError, check_whole
from weightlab.lazy import np

if TYPE_CHECKING:
    from weightlab.arrays import Array
    from weightlab.decompose.subject import Decomposable

__all__ = ["DEFAULTS", "diagnose"]

DEFAULTS = ("contrastive", "triplet", "ms-loss")
_MOST_SEED = 2**32 - 1


def diagnose(
    embeddings: Array,
    labels: Array,
    losses: Decomposable | Subject | Sequence[Decomposable | Subject] | None = None,
    *,
    paths: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "embeddings",
    seed: int = 0,
) -> Diagnosis:
    """What embeddings say about their classes and labels, and about losses and margins; it shows itself.

    embeddings: [N, D], L2-normalised; if memory-mapped, they are read in blocks and never held as a whole.
    labels: whole numbers [N]. losses: what `decompose` takes, one or several; None: contrastive, triplet and ms-loss,
    of which no fault is found, as nobody asked about them. paths: of each row; class_names: of the labels 0, 1, …;
    where candidates are listed. name: of the embeddings, for titles. seed: of everything random.

    Similarities are counted for anchors against all other rows: for all rows that share their class where these are
    22,000 or fewer, else for so many at random that there are 5·10⁸ pairs, but at least 1,000. Losses are asked about
    512 anchors in 32 groups, each with up to 32 positives and the negatives among 16,384 rows of the group's own (64
    anchors, 4 and 64 where a loss takes one anchor at a time). Numbers say how far they may be off by that, at 95 %.

    Raises InputError for embeddings that are not finite or not of length 1, labels, paths or names that don't fit, an
    unknown loss or one that fails, one row, and rows that have no positive pair or no negative pair.
    """
    subjects, asked = _subjects(losses)
    rows = Rows.of(embeddings, labels)
    names = _names(rows, paths, class_names)
    random = np.random.default_rng(check_whole("seed", seed, 0, _MOST_SEED))
    anchors = rows.anchors(random)
    walked = walk(rows, anchors)
    plan = Plan.of(one_at_a_time=any(each.one_at_a_time for each in subjects))
    others = list(_others(subjects))
    whole = len(rows.paired) if plan.sees_all(rows) else None
    weighed = weigh([*subjects, *others], len(subjects), contexts(rows, plan, random), whole)
    noise = label_noise(rows, anchors, random)
    rank, centred_rank = effective_ranks(rows, random)
    mean_negative = float(np.average(walked.mean_negative, weights=walked.negative.sum(1)))
    thresholds, distances = threshold_frame(walked, len(rows.paired)), weighed.distances()
    suspected = suspects(rows, anchors, noise, names)
    seen = Seen(
        rows,
        names,
        walked,
        weighed,
        noise,
        merged_classes(rows, mean_negative, random),
        suspected,
        thresholds,
        distances,
        rank,
        centred_rank,
        asked,
    )
    positive, negative = seen.similarity
    return Diagnosis(
        name=name,
        rows=len(rows),
        dimensions=rows.embeddings.shape[1],
        classes=len(rows.labels),
        anchors=len(anchors),
        weighed=int(weighed.anchors.sum()),
        positives=min(plan.positives, int(rows.sizes.max()) - 1),
        pool=min(plan.pool, len(rows)),
        findings=findings(seen),
        positive=positive,
        negative=negative,
        effective_rank=rank,
        table=loss_frame(weighed, distances),
        thresholds=thresholds,
        margins=margin_frame(weighed),
        histogram=histogram_frame(walked, len(rows.paired)),
        mass=weighed.mass_frame(),
        distances=distances,
        closest=closest_negatives(rows, walked, names),
        farthest=farthest_positives(rows, walked, names),
        suspects=suspected,
    )


def _subjects(losses: Decomposable | Subject | Sequence[Decomposable | Subject] | None) -> tuple[list[Subject], bool]:
    """What is asked about, and whether somebody did."""
    if losses is None:
        return [Subject.of(each) for each in DEFAULTS], False
    several: list[Any] = list(losses) if isinstance(losses, list | tuple) else [losses]
    if not several:
        raise InputError("losses: give one or more, or leave them out")
    found = [Subject.of(each) for each in several]
    titles = [each.title for each in found]
    for number, title in enumerate(titles):
        if title in titles[:number]:
            raise InputError(f"losses: {title} is given twice")
    return found, True


def _others(given: Sequence[Subject]) -> Iterator[Subject]:
    """The built-in losses, as they are without parameters, that were not given."""
    titles = {each.title for each in given}
    for name in built_in.names():
        subject = Subject.of(name)
        if subject.title not in titles:
            yield subject


def _names(rows: Rows, paths: Sequence[str] | None, class_names: Sequence[str] | None) -> Names:
    if paths is not None and len(paths) != len(rows):
        raise InputError(f"paths must be {len(rows):,}, one for each row, not {len(paths):,}")
    if class_names is not None and not 0 <= int(rows.labels[0]) <= int(rows.labels[-1]) < len(class_names):
        raise InputError(
            f"class_names are of the labels 0 to {len(class_names) - 1}; labels go from {rows.labels[0]} to "
            f"{rows.labels[-1]}"
        )
    return Names(paths, class_names)
