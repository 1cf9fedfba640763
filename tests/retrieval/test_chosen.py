"""A few queries with their nearest, against brute force."""

from __future__ import annotations

import pytest
import torch

from weightlab.errors import InputError
from weightlab.retrieval import examples


def rows(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    embeddings = torch.nn.functional.normalize(torch.randn(count, 3, generator=draw), dim=1)
    return embeddings, torch.arange(count) % (count // 4)


def test_half_are_failures_and_all_is_as_brute_force_has_it() -> None:
    embeddings, labels = rows(40)
    similarity = (embeddings @ embeddings.T).fill_diagonal_(-2)
    found = examples(embeddings, labels, 10, 5, seed=1)
    assert torch.equal(found.found, similarity[found.queries].topk(5).indices)
    assert torch.allclose(found.similarity, similarity[found.queries].topk(5).values)
    assert torch.equal(found.is_right, labels[found.found] == labels[found.queries, None])
    wrong = labels[similarity.argmax(1)] != labels
    assert (found.failures, found.looked_at) == (int(wrong.sum()), 40)
    right = 40 - found.failures
    assert int((~found.is_right[:, 0]).sum()) == max(5, 10 - right)
    assert torch.equal(found.queries, examples(embeddings, labels, 10, 5, seed=1).queries)
    assert not torch.equal(found.queries, examples(embeddings, labels, 10, 5, seed=2).queries)
    assert sorted(examples(embeddings, labels, 100, 1).queries.tolist()) == list(range(40))


def test_queries_are_searched_in_the_gallery() -> None:
    embeddings, labels = rows(40)
    is_query, is_gallery = torch.arange(40) < 20, (torch.arange(40) >= 15) & (labels != 3)
    found = examples(embeddings, labels, 40, 4, is_query=is_query, is_gallery=is_gallery)
    able = [row for row in range(20) if labels[row] != 3]
    assert sorted(found.queries.tolist()) == able
    similarity = (embeddings @ embeddings.T).fill_diagonal_(-2).where(is_gallery, torch.tensor(-3.0))
    assert torch.equal(found.found, similarity[found.queries].topk(4).indices)


def test_bad_input() -> None:
    embeddings, labels = rows(8)
    with pytest.raises(InputError, match="k must be a whole number of 1 to 7, the references that there are, not 8"):
        examples(embeddings, labels, 2, 8)
    with pytest.raises(InputError, match="no query has another row of its label"):
        examples(embeddings, torch.arange(8), 2, 1)
