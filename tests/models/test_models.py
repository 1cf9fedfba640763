from __future__ import annotations

import pytest
import torch

from weightlab import models
from weightlab.errors import InputError


@pytest.mark.parametrize("size", [(8, 8), (20, 20), (24, 24), (9, 31), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_embeddings_are_normalised_for_any_size(size: tuple[int, int], channels: int) -> None:
    model = models.build("cnn", shape=(channels, *size), width=4, dimensions=7)
    embeddings = model(torch.rand(5, channels, *size))
    assert embeddings.shape == (5, 7)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))


def test_same_seed_same_weights_and_the_global_random_state_stays() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first, again, other = (models.build("cnn", width=4, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.rand(3), expected)
    for one, same in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, same)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_every_parameter_gets_a_gradient() -> None:
    model = models.build("cnn", width=4, dimensions=6)
    (model(torch.rand(8, 1, 20, 20)) * torch.rand(8, 6)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_shifted_images_are_nearer_than_other_images() -> None:
    """The encoder sees the images at all: untrained, it's still smooth."""
    model = models.build("cnn", width=8).eval()
    images = torch.rand(20, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, noisy = model(images), model(images + 0.01)
    assert (first @ noisy.T).argmax(dim=1).tolist() == list(range(20))


def test_width_scales_the_parameters() -> None:
    counts = [sum(p.numel() for p in models.build("cnn", width=width).parameters()) for width in (8, 16)]
    assert counts[1] / counts[0] == pytest.approx(4, rel=0.2)


def test_names_and_bad_input() -> None:
    assert models.names() == ["cnn"]
    with pytest.raises(InputError, match="did you mean 'cnn'"):
        models.build("cn")
    for what in ("channels", "width", "dimensions"):
        for value in (0, 1.5, True, 2**31, 10**31):
            with pytest.raises(InputError, match=f"{what} must be a whole number of 1 to 2147483647"):
                models.build("cnn", **({"shape": (value, 8, 8)} if what == "channels" else {what: value}))
    with pytest.raises(InputError, match="seed"):
        models.build("cnn", seed=-1)
