"""The door for arrays, and that every public entry has it: InputError for what is wrong, and what is harmless taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor
from torch.nn.functional import normalize

import weightlab as wl
from weightlab import Criterion, InputError, MemoryBank, MemoryCriterion, Pairs, References, contexts, retrieval, step
from weightlab.arrays import as_embeddings, as_indices, as_labels, as_mask, normalised
from weightlab.data import PKSampler

ROWS = normalize(torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
REFERENCES = normalize(torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
LABELS, REFERENCE_LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 1, 0]), torch.tensor([0, 1, 2, 0, 1, 5])


def banked(labels: Any) -> Tensor:  # noqa: ANN401
    bank = MemoryBank(20, 5)
    bank.enqueue(REFERENCES, REFERENCE_LABELS)
    return step.surrogate("ms-loss", ROWS, labels, bank.references(labels))


def enqueued(embeddings: Any, labels: Any) -> Tensor:  # noqa: ANN401
    bank = MemoryBank(20, 5)
    bank.enqueue(embeddings, labels)
    return torch.cat([bank.embeddings.flatten(), bank.labels.float()])


def in_context(embeddings: Any, labels: Any) -> Tensor:  # noqa: ANN401
    return contexts.Measured("x", embeddings, labels, 2, 2).sample(3).positive


def compared(references: Any, labels: Any, own: Any = None) -> Tensor:  # noqa: ANN401
    given = References(references, labels, own)
    return step.surrogate("ms-loss", ROWS, LABELS, given) + Pairs.from_embeddings(ROWS, LABELS, given).positive.sum()


OWN = torch.tensor([0, 3, -1, 1, -1, 2, -1, 0])
SHARED = (LABELS[:, None] == REFERENCE_LABELS).nonzero(as_tuple=True)

# Each takes embeddings of 8 rows (or 6 references), and labels for them.
OF_EMBEDDINGS: dict[str, Callable[[Any], Any]] = {
    "pairs": lambda x: Pairs.from_embeddings(x, LABELS).similarity,
    "pairs, references": lambda x: Pairs.from_embeddings(ROWS, LABELS, x, LABELS).similarity,
    "references": lambda x: compared(x, LABELS),
    "surrogate": lambda x: step.surrogate("contrastive", x, LABELS),
    "surrogate, walked": lambda x: step.surrogate("infonce", x, LABELS, References(REFERENCES, REFERENCE_LABELS)),
    "observe": lambda x: step.observe("contrastive", x, LABELS).mass,
    "enqueue": lambda x: enqueued(x, LABELS),
    "evaluate": lambda x: list(retrieval.evaluate(x, LABELS).values()),
    "queries": lambda x: retrieval.neighbours(x, REFERENCES, 2),
    "gallery": lambda x: retrieval.neighbours(REFERENCES, x, 2),
    "context": lambda x: in_context(x, LABELS),
    "criterion": lambda x: Criterion("ms-loss")(x, LABELS),
    "criterion, references": lambda x: Criterion("ms-loss")(ROWS, LABELS, None, x, LABELS),
    "criterion, memory": lambda x: MemoryCriterion(Criterion("ms-loss"), 9)(x, LABELS),
}
OF_LABELS: dict[str, Callable[[Any], Any]] = {
    "pairs": lambda y: Pairs.from_embeddings(ROWS, y).positive,
    "pairs, references": lambda y: Pairs.from_embeddings(ROWS, LABELS, ROWS, y).positive,
    "references": lambda y: compared(ROWS, y),
    "surrogate": lambda y: step.surrogate("contrastive", ROWS, y),
    "surrogate, walked": lambda y: step.surrogate("infonce", ROWS, y, References(REFERENCES, REFERENCE_LABELS)),
    "bank": banked,
    "observe": lambda y: step.observe("contrastive", ROWS, y).mass,
    "enqueue": lambda y: enqueued(ROWS, y),
    "evaluate": lambda y: list(retrieval.evaluate(ROWS, y).values()),
    "context": lambda y: in_context(ROWS, y),
    "criterion": lambda y: Criterion("ms-loss")(ROWS, y),
    "criterion, references": lambda y: Criterion("ms-loss")(ROWS, LABELS, None, ROWS, y),
    "criterion, memory": lambda y: MemoryCriterion(Criterion("ms-loss"), 9)(ROWS, y),
    "sampler": lambda y: PKSampler(y, 6, 2, 0).batch_at(3),
}
OF_INDICES: dict[str, Callable[[Any], Any]] = {
    "own": lambda i: compared(REFERENCES, REFERENCE_LABELS, i),
    "neighbours": lambda i: retrieval.neighbours(ROWS, REFERENCES, 3, i),
}


def as_numbers(result: Any) -> np.ndarray:  # noqa: ANN401
    return np.asarray(torch.as_tensor(result).detach().double())


def wrong_arrays() -> Iterator[tuple[str, Any]]:
    """Wrong for embeddings and for labels."""
    yield "nothing", None
    yield "a text", "embeddings"
    yield "texts", ["a"] * 8
    yield "a number", 3.0
    yield "0-d", torch.tensor(1.0)
    yield "an empty list", []
    yield "three dimensions", torch.zeros(8, 5, 1)
    yield "complex", torch.ones(8, dtype=torch.complex64)
    yield "complex rows", ROWS.to(torch.complex128)
    yield "sparse", ROWS.to_sparse()
    yield "sparse rows", torch.eye(8).to_sparse_csr()
    yield "a mapping", {"a": 1}
    yield "a generator", (row for row in ROWS)
    yield "ragged", [[1.0], [1.0, 0.0]]
    yield "objects", np.array([object()] * 8)
    yield "dates", np.array(["2020-01-01"] * 8, dtype="datetime64[D]")
    yield "fields", np.zeros(8, dtype=[("a", int)])
    yield "on no device", torch.empty(8, 5, device="meta")
    yield "labels on no device", torch.empty(8, dtype=torch.int64, device="meta")
    yield "a module", torch.nn.Linear(2, 2)
    yield "nested", torch.nested.nested_tensor([torch.zeros(8), torch.zeros(5)])


@pytest.fixture(autouse=True)
def _quiet_nested() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The PyTorch API of nested tensors|Sparse CSR")
        yield


@pytest.mark.parametrize("what", [*OF_EMBEDDINGS, "labels"])
def test_what_is_no_array(what: str) -> None:
    entries = OF_LABELS.values() if what == "labels" else [OF_EMBEDDINGS[what]]
    for entry in entries:
        for name, wrong in wrong_arrays():
            with pytest.raises(InputError) as raised:
                entry(wrong)
            assert "\n" not in str(raised.value), name


@pytest.mark.parametrize("what", OF_EMBEDDINGS)
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: x[:, 0], r"\[rows, dimensions\]"),
        (lambda x: x.long(), "floating-point"),
        (lambda x: x.numpy().round().astype(int), "floating-point"),
        (lambda x: x.to(torch.float8_e4m3fn), "floating-point"),
        (lambda x: x[:, :0], "no dimensions|holds"),
        (lambda x: x * float("nan"), "NaN"),
        (lambda x: x.index_fill(0, torch.tensor([3]), float("inf")), "NaN|infin"),
        (lambda x: x.index_fill(0, torch.tensor([3]), 0.0), "away from 1|infinite or 0"),
        (lambda x: x[:, :4], "dimensions|away from 1|holds"),
        (lambda x: x[:3], "3|one for each row|k must be"),
    ],
)
def test_wrong_embeddings(what: str, make: Callable[[Tensor], Any], message: str) -> None:
    if make(ROWS).shape[0] == 3 and what == "queries":
        return  # may be as many as one likes
    if make(ROWS).shape == (8, 4) and what in ("criterion", "criterion, memory"):
        return  # of any length
    if make(ROWS).shape == (3, 5) and what == "gallery":
        return
    with pytest.raises(InputError, match=message):
        OF_EMBEDDINGS[what](make(ROWS))


@pytest.mark.parametrize("what", [each for each in OF_EMBEDDINGS if not each.startswith("criterion")])
@pytest.mark.parametrize("scale", [0.5, 2, 0.97, 1.03, -0.5, 1e30, 1e-30])
def test_embeddings_that_are_not_normalised(what: str, scale: float) -> None:
    one = torch.ones(8, 1, dtype=torch.float64)
    one[5] = scale
    with pytest.raises(InputError, match=r"away from 1|NaN or infinity"):
        OF_EMBEDDINGS[what](ROWS * one)


@pytest.mark.parametrize("what", OF_EMBEDDINGS)
@pytest.mark.parametrize(
    ("make", "tolerance"),
    [
        (lambda x: x.numpy(), 1e-6),
        (lambda x: x.tolist(), 1e-6),
        (lambda x: np.asfortranarray(x.numpy()), 1e-6),
        (lambda x: x.numpy()[::-1].copy()[::-1], 1e-6),
        (lambda x: x.numpy().astype(">f8"), 1e-6),
        (lambda x: x.numpy().astype(np.longdouble), 1e-6),
        (lambda x: pd.DataFrame(x.numpy()), 1e-6),
        (lambda x: frozen(x.numpy()), 1e-6),
        (lambda x: x.float(), 1e-5),
        (lambda x: x.clone().requires_grad_(), 1e-6),
        (lambda x: x.T.contiguous().T, 1e-6),
        (lambda x: x.half(), 0.1),
        (lambda x: x.bfloat16(), 1),
    ],
)
def test_harmless_embeddings(what: str, make: Callable[[Tensor], Any], tolerance: float) -> None:
    expected, found = (as_numbers(OF_EMBEDDINGS[what](each)) for each in (ROWS, make(ROWS)))
    assert found.shape == expected.shape
    # in half precision counts move, and rows that are about equal change places
    if tolerance < 0.01 or what not in ("observe", "queries", "gallery"):
        assert found == pytest.approx(expected, abs=tolerance)


def frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("what", OF_LABELS)
@pytest.mark.parametrize(
    "make",
    [
        lambda y: y.tolist(),
        lambda y: tuple(y.tolist()),
        lambda y: y.numpy(),
        lambda y: list(y),
        lambda y: y.numpy().astype(">i2"),
        lambda y: y.numpy().astype(np.uint64),
        lambda y: y.numpy().astype(object),
        lambda y: pd.Series(y.numpy()),
        lambda y: y.double(),
        lambda y: y.numpy().astype(np.float32),
        lambda y: y.half().requires_grad_(),
        lambda y: y.int(),
        lambda y: y.to(torch.uint8),
        lambda y: y.to(torch.uint64),
        lambda y: frozen(y.numpy()),
        lambda y: torch.stack([y, y], dim=1)[:, 0],
    ],
)
def test_harmless_labels(what: str, make: Callable[[Tensor], Any]) -> None:
    expected, found = (as_numbers(OF_LABELS[what](each)) for each in (LABELS, make(LABELS)))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("what", OF_LABELS)
def test_truth_values_are_the_labels_0_and_1(what: str) -> None:
    two = LABELS > 0
    if what == "sampler":
        assert PKSampler(two, 4, 2, 0).batch_at(1).tolist() == PKSampler(two.long(), 4, 2, 0).batch_at(1).tolist()
        return
    expected, found = (as_numbers(OF_LABELS[what](each)) for each in (two.long(), two))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("what", OF_LABELS)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, 1, 1, 2, 2, 1.5, 0], "not 1.5"),
        ([0, 0, 1, 1, 2, 2, float("nan"), 0], "not nan"),
        ([0, 0, 1, 1, 2, 2, float("inf"), 0], "not inf"),
        (torch.tensor([0, 0, 1, 1, 2, 2, 1, 2.0**24]), "tells apart, not 16777216.0"),
        (np.array([0, 0, 1, 1, 2, 2, 1, 2**63], dtype=np.uint64), "below"),
        ([0, 0, 1, 1, 2, 2, 1, 2**80], "must be numbers"),
        ([0, 0, 1, 1, 2, 2, 1, None], "must be|can't be read"),
        (LABELS[:, None], "one for each row"),
        (LABELS[:7], "one for each row"),
        (torch.cat([LABELS, LABELS]), "one for each row"),
    ],
)
def test_wrong_labels(what: str, labels: Any, message: str) -> None:  # noqa: ANN401
    if what == "sampler" and "each row" in message and torch.is_tensor(labels) and labels.ndim == 1:
        return  # it has only labels
    with pytest.raises(InputError, match=message):
        OF_LABELS[what](labels)


@pytest.mark.parametrize("what", OF_INDICES)
@pytest.mark.parametrize(
    "wrong",
    [
        OWN[:3],
        OWN[:, None],
        OWN.double(),
        OWN > 0,
        OWN - 1,
        OWN + 4,
        OWN.numpy().astype(complex),
        ["a"] * 8,
        3,
        [0, 1, 2, 3, 4, 5, 2**70, 0],
    ],
)
def test_wrong_indices(what: str, wrong: Any) -> None:  # noqa: ANN401
    with pytest.raises(InputError, match="own"):
        OF_INDICES[what](wrong)


@pytest.mark.parametrize("what", OF_INDICES)
def test_harmless_indices(what: str) -> None:
    expected = as_numbers(OF_INDICES[what](OWN))
    for own in (OWN.tolist(), OWN.numpy(), OWN.int(), OWN.numpy().astype(np.int8)):
        assert as_numbers(OF_INDICES[what](own)).tolist() == expected.tolist()


def test_references_that_would_flip_the_sign_of_a_gradient() -> None:
    """a = e₁ of label 0 against (e₂, e₃, .8e₁+.6e₂): contrastive pulls the third only where it has the label."""
    e = torch.eye(3)
    references = torch.stack([e[1], e[2], 0.8 * e[0] + 0.6 * e[1]])
    loss = wl.losses.Contrastive(neg_margin=0)

    def gradient(labels: Any) -> float:  # noqa: ANN401
        anchor = e[:1].clone().requires_grad_()
        step.surrogate(loss, anchor, [0], References(references, labels)).backward()
        return float(anchor.grad[0, 0])  # type: ignore[index]

    assert gradient([1, 2, 0]) == pytest.approx(-0.8)
    assert gradient(np.array([1.0, 2.0, 5.0])) == pytest.approx(0.8)
    for labels in ([1, 2], [3, 1], [1, 2, 0, 0], [[1, 2, 0]], [], 0):
        with pytest.raises(InputError, match="reference labels must be"):
            gradient(labels)


def test_a_look_up_of_fewer_pairs_would_flip_it_too() -> None:
    """A look-up that was made with other labels leaves out an anchor's positives, which would then be pushed."""
    bank = MemoryBank(20, 5)
    bank.enqueue(REFERENCES, REFERENCE_LABELS)
    others = LABELS.clone()
    others[0] = 99  # which the bank has not
    with pytest.raises(InputError, match="look-up is of other labels"):
        step.surrogate("contrastive", ROWS, LABELS, bank.references(others))
    changed = bank.references(others)
    others[0] = 0
    with pytest.raises(InputError, match="look-up is of other labels"):
        step.surrogate("contrastive", ROWS, others, changed)
    with pytest.raises(InputError, match="look-up is of other labels"):
        step.surrogate("contrastive", ROWS[:7], LABELS[:7], bank.references(LABELS))
    anchor, row = SHARED
    whole = step.surrogate("contrastive", ROWS, LABELS, References(REFERENCES, REFERENCE_LABELS))
    given = step.surrogate("contrastive", ROWS, LABELS, References(REFERENCES, REFERENCE_LABELS, None, SHARED))
    assert float(given) == pytest.approx(float(whole))
    for shared in (
        (anchor[1:], row[1:]),
        (anchor, torch.cat([row[:1], row[:1], row[2:]])),  # the second pair, of the same anchor, left out
        (anchor, row.roll(1)),
        (anchor[[0, *range(len(anchor))]], row[[0, *range(len(row))]]),
    ):
        with pytest.raises(InputError, match="look-up is of other labels"):
            step.surrogate("contrastive", ROWS, LABELS, References(REFERENCES, REFERENCE_LABELS, None, shared))
    for shared in (SHARED[0], (anchor,), (anchor, row, row), 3, "ab"):
        with pytest.raises(InputError, match="shared"):
            References(REFERENCES, REFERENCE_LABELS, None, shared)


def test_references_of_another_kind() -> None:
    for wrong in (REFERENCES, (REFERENCES, REFERENCE_LABELS), MemoryBank(3, 5), "bank"):
        for entry in (step.surrogate, step.observe):
            with pytest.raises(InputError, match=r"references must be References\(embeddings, labels\), not"):
                entry("contrastive", ROWS, LABELS, wrong)
    for references in (None, References(REFERENCES, REFERENCE_LABELS)):
        with pytest.raises(InputError, match="reference_labels go with references that are embeddings"):
            Pairs.from_embeddings(ROWS, LABELS, references, LABELS)
    with pytest.raises(InputError, match="pairs must be Pairs"):
        step.surrogate_of_pairs("contrastive", ROWS)
    with pytest.raises(InputError, match="5 dimensions, references 4"):
        step.surrogate("contrastive", ROWS, LABELS, References(torch.eye(4), [0, 1, 2, 3]))


@pytest.mark.parametrize("bins", [0, -1, 2.0, True, "3", 2**31])
def test_wrong_bins(bins: Any) -> None:  # noqa: ANN401
    with pytest.raises(InputError, match="bins must be a whole number of 1 to"):
        step.observe("contrastive", ROWS, LABELS, bins=bins)


def test_weights_of_another_shape() -> None:
    """One row of weights would be broadcast over all anchors in silence."""

    class Theirs:
        def __init__(self, weight: Any) -> None:  # noqa: ANN401
            self.weight = weight

        def weights(self, pairs: Pairs) -> wl.PairWeights:
            return wl.PairWeights(self.weight, self.weight)

    for wrong in (torch.ones(8), torch.ones(1, 8), torch.ones(8, 1), torch.tensor(1.0), 1.0, None):
        for entry in (step.surrogate, step.observe):
            with pytest.raises(InputError, match=r"PairWeights of two tensors \[8, 8\]; positive is"):
                entry(Theirs(wrong), ROWS, LABELS)


def test_pairs_of_numpy_and_lists() -> None:
    similarity = [[0.5, -0.5], [1.0, 0.0]]
    mask = [[True, False], [False, True]]
    for form in (list, np.array, torch.tensor):
        pairs = Pairs(form(similarity), form(mask), np.logical_not(mask))
        assert pairs.similarity.tolist() == similarity
        assert pairs.positive.tolist() == mask
        assert float(step.surrogate_of_pairs("contrastive", pairs)) == pytest.approx((1.0 - 0.5 - 0.0) / 2)
    for wrong in ([[1, 0], [0, 1]], [[True, False]], mask[0], [["a", "b"]] * 2, None, 3):
        with pytest.raises(InputError, match="positive"):
            Pairs(similarity, wrong, np.logical_not(mask))
    for wrong in (
        [[1, 0], [0, 1]],
        similarity[0],
        "s",
        None,
        torch.eye(2).to_sparse(),
        torch.eye(2).to(torch.complex64),
    ):
        with pytest.raises(InputError, match="similarity"):
            Pairs(wrong, mask, mask)


def test_tensors_are_taken_as_they_are() -> None:
    """No copy and no look at the values of what is right already: a bank's labels are many."""
    assert as_labels("labels", LABELS, ROWS) is LABELS
    assert as_embeddings("x", ROWS) is ROWS
    references = References(ROWS, LABELS, verified=True)
    assert references.labels is LABELS
    assert references.embeddings is ROWS
    shared_memory = ROWS.numpy()
    assert as_embeddings("x", shared_memory).data_ptr() == ROWS.data_ptr()


@pytest.mark.parametrize("scale", [1e-30, 1e-19, 1.0, 1e19, 1e25, 1e38])
def test_rows_of_any_length_are_normalised(scale: float) -> None:
    rows = (0.5 * ROWS).float() * scale
    rows.requires_grad_()
    found = normalised("x", rows)
    assert torch.allclose(found.double(), ROWS, atol=1e-6)
    found.sum().backward()
    leaf = (0.5 * ROWS).requires_grad_()
    normalize(leaf).sum().backward()
    assert rows.grad is not None
    assert torch.allclose(rows.grad.double() * scale, leaf.grad, atol=1e-5)  # type: ignore[arg-type]
    value, expected = (float(Criterion("ms-loss")(each, LABELS).detach()) for each in (rows, ROWS))
    assert value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("scale", [1e-38, 1e-45])
def test_rows_too_short_for_a_gradient(scale: float) -> None:
    rows = ROWS.float() * scale
    assert bool(normalised("x", rows).isfinite().all())
    with pytest.raises(InputError, match="a row is shorter than 1e-34"):
        normalised("x", rows.requires_grad_())


def test_steps_backwards_along_an_axis_of_length_1() -> None:
    rows = np.ones((3, 1), dtype=np.float32)
    assert as_embeddings("x", rows[:, ::-1]).tolist() == rows.tolist()
    assert as_embeddings("x", rows[:1][::-1]).tolist() == rows[:1].tolist()


LABEL_LIKE = st.one_of(
    hnp.arrays(
        st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes(max_size=2)),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9),
    ),
    st.lists(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=2), st.none()), max_size=9),
    st.lists(st.sampled_from([0, 1, 2, 1.0, True]), min_size=8, max_size=8),
)


@settings(max_examples=150, deadline=None)
@given(labels=LABEL_LIKE, what=st.sampled_from(sorted(OF_LABELS)))
def test_any_labels_are_refused_or_right(labels: Any, what: str) -> None:  # noqa: ANN401
    try:
        found = as_numbers(OF_LABELS[what](labels))
    except InputError:
        return
    numbers = [int(label) for label in (labels if isinstance(labels, list) else labels.tolist())]
    assert numbers == [float(label) for label in labels]
    assert np.isfinite(found).all()
    assert found.tolist() == as_numbers(OF_LABELS[what](torch.tensor(numbers, dtype=torch.int64))).tolist()


EMBEDDING_LIKE = st.one_of(
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9)),
    hnp.arrays(
        hnp.floating_dtypes(endianness="?"), (8, 5), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, float("nan")])
    ),
    st.sampled_from([0.5, 0.999, 1.0, 1.0001, 1.03, float("nan")]).map(lambda scale: ROWS.numpy() * scale),
)


@settings(max_examples=150, deadline=None)
@given(embeddings=EMBEDDING_LIKE, what=st.sampled_from(sorted(OF_EMBEDDINGS)))
def test_any_embeddings_are_refused_or_give_finite_numbers(embeddings: Any, what: str) -> None:  # noqa: ANN401
    try:
        found = as_numbers(OF_EMBEDDINGS[what](embeddings))
    except InputError:
        return
    assert np.isfinite(found).all()
    given = np.asarray(embeddings, dtype=float)
    assert given.ndim == 2
    if not what.startswith("criterion"):
        assert np.abs(np.linalg.norm(given, axis=1) - 1).max(initial=0) < 0.021


@settings(max_examples=100, deadline=None)
@given(own=LABEL_LIKE, what=st.sampled_from(sorted(OF_INDICES)))
def test_any_indices_are_refused_or_right(own: Any, what: str) -> None:  # noqa: ANN401
    try:
        found = as_numbers(OF_INDICES[what](own))
    except InputError:
        return
    assert len(own) == 8
    assert all(-1 <= int(each) < 6 for each in own)
    assert np.isfinite(found).all()


def test_masks_and_indices_say_what_they_want() -> None:
    with pytest.raises(InputError, match=r"m must be a bool tensor, not torch.int64 \[1, 1\]"):
        as_mask("m", [[1]], (1, 1), torch.device("cpu"))
    with pytest.raises(InputError, match=r"i must be whole numbers, \[2\], from 0 to 3, not torch.int64 \[1\]"):
        as_indices("i", [1], 0, 3, 2)
    with pytest.raises(InputError, match="i must be whole numbers from 0 to 3, not -1 to 4"):
        as_indices("i", [-1, 4], 0, 3)
    assert as_indices("i", [], 0, 3).tolist() == []
    with pytest.raises(InputError, match=r"x can't be read as an array \(list\): ValueError"):
        as_labels("x", [[1], [1, 2]])
    with pytest.raises(
        InputError, match=r"x must be a dense tensor with values, not torch.sparse_coo torch.float64 \[8, 5\] on cpu"
    ):
        as_embeddings("x", ROWS.to_sparse())
