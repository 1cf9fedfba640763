"""The surrogate's gradient is the loss's own: the identity that weightlab rests on."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from weightlab import Pairs, losses
from weightlab.pairs import References
from weightlab.step import surrogate


@pytest.mark.parametrize("name", losses.names())
def test_gradient_is_that_of_the_loss(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(12, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    references = normalize(torch.randn(40, 5, generator=generator, dtype=torch.float64))
    labels, reference_labels = torch.arange(12) % 5, torch.arange(40) % 7
    own = torch.tensor([3, -1, 7, *([-1] * 9)])
    loss = losses.get(name)
    compared = References(references, reference_labels, own)
    pairs = Pairs.from_embeddings(normalize(x), labels, compared)
    (expected,) = torch.autograd.grad(loss.value(pairs).mean(), x)
    value = surrogate(loss, normalize(x), labels, compared)
    (gradient,) = torch.autograd.grad(value, x)
    assert float(expected.abs().max()) > 0
    assert torch.allclose(gradient, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["infonce", "contrastive"])
def test_a_scaled_loss_has_a_scaled_gradient(name: str) -> None:
    generator = torch.Generator().manual_seed(2)
    x = normalize(torch.randn(6, 4, generator=generator)).requires_grad_()
    references = References(normalize(torch.randn(20, 4, generator=generator)), torch.arange(20) % 3)
    labels = torch.arange(6) % 3
    (whole,) = torch.autograd.grad(surrogate(name, x, labels, references), x)
    (scaled,) = torch.autograd.grad(2.5 * surrogate(name, x, labels, references), x)
    assert float(whole.abs().max()) > 0
    torch.testing.assert_close(scaled, 2.5 * whole)
