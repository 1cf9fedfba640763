from __future__ import annotations

import math

import pytest
import torch

from weightlab.data.distortion import Distortions, _affine


def still(count: int) -> Distortions:
    """No distortion but that the whole image fills the frame."""
    identity = torch.eye(2, 3).expand(count, 2, 3)
    return Distortions(identity, torch.zeros(count, 2, 4, 4), torch.ones(count), torch.full((count, 1, 6, 6), -1.0))


def test_without_distortion_the_image_stays() -> None:
    images = torch.rand(3, 1, 24, 24)
    torch.testing.assert_close(still(3).apply(images, 24), images)


def test_contrast_pales_the_ink_and_blotches_brighten_the_background() -> None:
    images = torch.rand(2, 1, 24, 24)
    plain = still(2)
    paled = Distortions(plain.affine, plain.bend, torch.tensor([0.5, 1.0]), plain.blotches).apply(images, 24)
    torch.testing.assert_close(paled, images * torch.tensor([0.5, 1.0])[:, None, None, None])
    blotched = Distortions(plain.affine, plain.bend, plain.contrast, plain.blotches + 1.25).apply(images, 24)
    torch.testing.assert_close(blotched, (images + 0.25).clamp(max=1))


def test_a_constant_bend_shifts() -> None:
    image = torch.zeros(1, 1, 24, 24)
    image[..., 10, 10] = 1
    plain = still(1)
    bend = plain.bend.clone()
    bend[:, 0] = 2 * 3 / 24  # three pixels of 24 to the right in the original, so to the left in the result
    moved = Distortions(plain.affine, bend, plain.contrast, plain.blotches).apply(image, 24)
    assert moved[0, 0, 10, 7] == pytest.approx(1, abs=1e-4)


def test_affine_of_a_quarter_turn() -> None:
    zero = torch.zeros(1)
    matrix = _affine(torch.tensor([math.pi / 2]), zero, zero, zero, torch.tensor([0.1]), torch.tensor([-0.2]))
    torch.testing.assert_close(matrix[0], torch.tensor([[0.0, -1.3, 0.1], [1.3, 0.0, -0.2]]), atol=1e-6, rtol=0)


def test_affine_keeps_the_area_but_for_scale() -> None:
    one = torch.tensor([1.0])
    matrix = _affine(0.3 * one, 0.2 * one, 0.15 * one, 0.25 * one, 0 * one, 0 * one)
    assert float(torch.linalg.det(matrix[0, :, :2])) == pytest.approx((1.3 * math.exp(0.2)) ** 2, rel=1e-5)


def test_drawn_distortions_are_seeded_bounded_and_different() -> None:
    first, again = (Distortions.draw(500, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.affine, again.affine)
    assert torch.equal(first.blotches, again.blotches)
    assert first.affine.shape == (500, 2, 3)
    assert first.bend.shape == (500, 2, 4, 4)
    assert 0.5 <= float(first.contrast.min()) < 0.52
    assert 0.98 < float(first.contrast.max()) <= 1
    assert float(first.bend.abs().max()) == pytest.approx(0.08, abs=1e-3)
    assert float(first.affine[:, :, 2].abs().max()) == pytest.approx(0.12, abs=1e-3)
    assert len(first.affine.unique(dim=0)) == 500


def test_rows_are_taken_by_index() -> None:
    drawn = Distortions.draw(10, torch.Generator().manual_seed(0))
    images, rows = torch.rand(10, 1, 30, 30), torch.tensor([7, 2])
    torch.testing.assert_close(drawn.at(rows).apply(images[rows], 16), drawn.apply(images, 16)[rows])


def test_drawn_numbers_are_pinned() -> None:
    """Results of all versions are compared with one another: what is drawn from a seed stays as it was."""
    drawn = Distortions.draw(2, torch.Generator().manual_seed(1))
    affine = [[1.1533921, -0.0461369, -0.1129724], [0.1797239, 1.2209131, 0.0719661]]
    torch.testing.assert_close(drawn.affine[0], torch.tensor(affine), rtol=0, atol=1e-6)
    assert drawn.bend[0, 0, 0].tolist() == pytest.approx([0.0406995, 0.0111214, -0.0097955, 0.0221889], abs=1e-6)
    assert drawn.contrast.tolist() == pytest.approx([0.8014313, 0.9386272], abs=1e-6)
    blotches = [-0.1858846, 0.3924872, -0.1692394, 0.2999699, 0.0047367, -0.2107270]
    assert drawn.blotches[0, 0, 0].tolist() == pytest.approx(blotches, abs=1e-6)
