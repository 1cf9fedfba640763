from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision_operators import declare

from weightlab.data.distortion import Distortions
from weightlab.data.images.augmentation import centre, crop_box, crop_flip, light, working_side

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def transforms() -> Any:  # noqa: ANN401
    """torchvision's."""
    declare()
    return importlib.import_module("torchvision.transforms")


def image(height: int, width: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, 3), np.uint8)


def test_sides_are_256_for_224() -> None:
    assert [working_side(size) for size in (224, 112, 32, 64, 24)] == [256, 128, 37, 73, 27]


@pytest.mark.parametrize("shape", [(37, 37), (37, 60), (61, 37), (38, 39), (32, 33)])
def test_the_middle_is_that_of_torchvision(shape: tuple[int, int], transforms: Any) -> None:  # noqa: ANN401
    given = [image(*shape) for _ in range(3)]
    crop = transforms.Compose([transforms.CenterCrop(32), transforms.ToTensor()])
    assert torch.equal(centre(given, 32), torch.stack([crop(Image.fromarray(each)) for each in given]))


@pytest.mark.parametrize("shape", [(37, 37), (37, 90), (300, 37)])
def test_the_whole_way_is_that_of_torchvision(shape: tuple[int, int], tmp_path: Any, transforms: Any) -> None:  # noqa: ANN401
    from weightlab.data.images.decode import decode

    Image.fromarray(image(*shape)).save(tmp_path / "x.png")
    way = transforms.Compose([transforms.Resize(64), transforms.CenterCrop(56), transforms.ToTensor()])
    with Image.open(tmp_path / "x.png") as opened:
        truth = way(opened)
    assert torch.equal(centre([decode(str(tmp_path / "x.png"), 64).pixels], 56)[0], truth)


def test_a_crop_is_that_of_torchvision(transforms: Any) -> None:  # noqa: ANN401
    """Each part is scaled to the pixel as torchvision scales it, and mirrored or not."""
    from torchvision.transforms import functional

    given = [image(37, 37 + row) for row in range(40)]
    shown = crop_flip(given, 24, [np.random.default_rng(row) for row in range(40)])
    mirrored = 0
    for row, each in enumerate(given):
        first, *uniform = np.random.default_rng(row).random(41).tolist()
        box = crop_box(uniform, *each.shape[:2])
        truth = functional.to_tensor(functional.resized_crop(Image.fromarray(each), *box, [24, 24]))
        mirrored += first < 0.5
        assert torch.equal(shown[row], truth.flip(2) if first < 0.5 else truth)
    assert 10 < mirrored < 30


@pytest.mark.parametrize("shape", [(256, 256), (256, 400), (700, 256)])
def test_crops_are_distributed_as_those_of_torchvision(shape: tuple[int, int], transforms: Any) -> None:  # noqa: ANN401
    count = 4000
    torch.manual_seed(0)
    blank = Image.new("L", shape[::-1])
    theirs = np.array(
        [transforms.RandomResizedCrop.get_params(blank, [0.2, 1.0], [3 / 4, 4 / 3]) for _ in range(count)], float
    )
    ours = np.array([crop_box(row, *shape) for row in np.random.default_rng(0).random((count, 40)).tolist()], float)
    for mine, other in (
        (ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3]),
        (ours[:, 3] / ours[:, 2], theirs[:, 3] / theirs[:, 2]),
        *((ours[:, side], theirs[:, side]) for side in range(4)),
    ):
        assert stats.ks_2samp(mine, other).pvalue > 1e-4
    assert (ours[:, 0] + ours[:, 2]).max() <= shape[0]
    assert (ours[:, 1] + ours[:, 3]).max() <= shape[1]
    assert ours[:, :2].min() >= 0


@pytest.mark.parametrize("shape", [(30, 3000), (3000, 30), (40, 40), (1, 100), (2, 3)])
def test_where_no_try_fits_the_middle_is_shown(shape: tuple[int, int], transforms: Any) -> None:  # noqa: ANN401
    truth = transforms.RandomResizedCrop.get_params(Image.new("L", shape[::-1]), [40.0, 50.0], [3 / 4, 4 / 3])
    never = [each for _ in range(10) for each in (1e6, 0.5, 0.0, 0.0)]  # no area is as large
    assert crop_box(never, *shape) == truth


def grey(value: float, side: int = 73) -> np.ndarray:
    return np.full((side, side, 3), round(255 * value), np.uint8)


def generators(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(row) for row in range(count)]


def test_light_leaves_a_photograph_without_black_edges() -> None:
    """Of one colour, all that changes is brightness: by the contrast about middle grey, and the blotches."""
    for value in (0.2, 0.5, 0.9):
        shown = light([grey(value)] * 200, 64, generators(200))
        low, high = sorted((value, 0.5 + (value - 0.5) * 0.75))
        assert float(shown.min()) > low - 0.15  # blotches between knots overshoot ±0.1 a little
        assert float(shown.max()) < high + 0.15
        assert float(shown.std(dim=(1, 2, 3)).min()) > 0.005
        assert torch.equal(shown[:, 0], shown[:, 1])  # one brightness for all three


def test_light_shows_about_the_middle_of_an_image() -> None:
    """The place of each pixel, written into the image, is where the test's view has it, on average."""
    rows = np.broadcast_to(np.arange(73, dtype=np.uint8)[:, None] * 3, (73, 73))
    place = np.dstack([rows, rows.T, np.zeros_like(rows)])
    given = Distortions.draw_each(generators(600))
    shown = given.apply_to_photographs(centre([place] * 600, 73), 64)
    undone = (shown - 0.5 - _blotches(given)) / ((1 + given.contrast[:, None, None, None]) / 2) + 0.5
    mean = undone[:, :2].mean(dim=0) * 255 / 3
    expected = torch.arange(64) + 4.0
    middle = slice(12, 52)
    assert float((mean[0, middle] - expected[middle, None])[:, middle].abs().max()) < 2
    assert float((mean[1, :, middle] - expected[None, middle])[middle].abs().max()) < 2
    spread = undone[:, 1, 32, 32].std() * 255 / 3
    assert 2 < float(spread) < 10


def _blotches(given: Distortions) -> torch.Tensor:
    return torch.nn.functional.interpolate(given.blotches, size=(64, 64), mode="bicubic", align_corners=True) / 4


def test_light_does_not_turn_colours_into_others() -> None:
    red = np.zeros((73, 90, 3), np.uint8)
    red[..., 0] = 255
    shown = light([red], 64, generators(1))[0]
    assert float((shown[0] - shown[1]).min()) > 0.5
    assert torch.equal(shown[1], shown[2])
    assert math.isclose(float(shown.max()), 1, abs_tol=0.25)
