from __future__ import annotations

from contextlib import suppress

import faiss
import pytest
import torch
from torch import Tensor

from weightlab.errors import InputError
from weightlab.retrieval import neighbours
from weightlab.retrieval.nearest import faiss_threads


def embeddings(rows: int, dimensions: int = 8, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(rows, dimensions, generator=generator), dim=1)


@pytest.mark.parametrize("k", [1, 5, 39, 40])
def test_neighbours_are_those_of_a_full_sort(k: int) -> None:
    queries, references = embeddings(15), embeddings(40, seed=1)
    expected = (queries.double() @ references.double().T).argsort(dim=1, descending=True)[:, :k]
    assert torch.equal(neighbours(queries, references, k), expected)


def test_own_entry_is_left_out() -> None:
    rows = embeddings(200)
    similarity = rows.double() @ rows.double().T
    similarity.fill_diagonal_(-2)
    found = neighbours(rows, rows, 20, own=torch.arange(200))
    assert torch.equal(found, similarity.argsort(dim=1, descending=True)[:, :20])


def test_own_entry_is_left_out_by_index_not_by_similarity() -> None:
    """With many copies of one embedding, each finds all the others, whatever order they come in."""
    rows = embeddings(1).repeat(30, 1)
    for k in (1, 10, 29):
        found = neighbours(rows, rows, k, own=torch.arange(30))
        assert found.shape == (30, k)
        for query, row in enumerate(found.tolist()):
            assert query not in row
            assert len(set(row)) == k


def test_some_queries_have_no_entry() -> None:
    references = embeddings(10)
    queries = references[[3, 3]]
    found = neighbours(queries, references, 9, own=torch.tensor([3, -1]))
    assert 3 not in found[0]
    assert found[1, 0] == 3


def test_half_precision_and_gradients_are_taken() -> None:
    rows = embeddings(30).requires_grad_()
    assert neighbours(rows, rows, 1).flatten().tolist() == list(range(30))
    half = embeddings(30).bfloat16()
    assert neighbours(half, half, 1).flatten().tolist() == list(range(30))


def test_faiss_threads_are_as_before() -> None:
    """On one core and more, and whether torch and faiss share their threads or not: that hangs on who came first."""
    before = faiss.omp_get_max_threads()
    with suppress(InputError), faiss_threads(before + 2):
        assert faiss.omp_get_max_threads() == before + 2
        raise InputError("whatever happens inside")
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize(
    ("queries", "references", "k", "own", "message"),
    [
        (embeddings(3), embeddings(4), 5, None, "k must be between 1 and 4"),
        (embeddings(3), embeddings(4), 4, torch.tensor([0, 1, -1]), "k must be between 1 and 3"),
        (embeddings(3), embeddings(4), 0, None, "k must be"),
        (embeddings(3), embeddings(4, 9), 1, None, "8 dimensions, references 9"),
        (embeddings(3) * 2, embeddings(4), 1, None, "queries have lengths"),
        (embeddings(3), embeddings(4) * torch.nan, 1, None, "references contain NaN"),
        (embeddings(3), embeddings(4) / 0, 1, None, "references contain NaN or infinity"),
        (embeddings(3)[0], embeddings(4), 1, None, "queries must be a floating-point tensor"),
        (
            embeddings(3),
            embeddings(4),
            1,
            torch.tensor([0, 1]),
            r"own must be whole numbers, \[3\], from -1 to 3, not torch.int64 \[2\]",
        ),
        (embeddings(3), embeddings(4), 1, torch.tensor([0, 1, 4]), "own must be whole numbers from -1 to 3, not"),
        (embeddings(3), embeddings(4), 1, torch.tensor([0, 1, -2]), "own must be whole numbers from -1 to 3, not"),
    ],
)
def test_bad_input(queries: Tensor, references: Tensor, k: int, own: Tensor | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        neighbours(queries, references, k, own)
