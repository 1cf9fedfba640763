from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from weightlab import data
from weightlab.data import Draw, drawn, glyphs, halves
from weightlab.errors import InputError


@pytest.fixture(scope="module")
def rendered() -> glyphs.Glyphs:
    return glyphs.render()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """A cache of its own, and a rendering that is quick and counted."""
    calls = []

    def render() -> glyphs.Glyphs:
        calls.append(1)
        bitmaps = np.random.default_rng(0).integers(0, 256, (20, 12, 48, 48), np.uint8)
        return glyphs.Glyphs(np.arange(65, 85, dtype=np.int32), bitmaps)

    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path))
    monkeypatch.setattr(glyphs, "render", render)
    return calls


@pytest.mark.skipif(matplotlib.__version__ != "3.11.2", reason="the outlines are drawn by matplotlib's own FreeType")
def test_rendering_is_the_same_everywhere(rendered: glyphs.Glyphs) -> None:
    assert rendered.checksum == "f01c8adf4ec0cfa8838ea872208e770d5ee3c6f6ca7b7cc480554ebd7c20066a"


def test_rendering_fills_the_box_in_every_face(rendered: glyphs.Glyphs) -> None:
    classes, faces, side, _ = rendered.bitmaps.shape
    assert (faces, side) == (12, 48)
    assert 1200 < classes < 1500
    ink = rendered.bitmaps > 0
    spans = []
    for filled in (ink.any(axis=2), ink.any(axis=3)):
        first, last = filled.argmax(axis=2), 47 - filled[:, :, ::-1].argmax(axis=2)
        spans.append(last - first + 1)
    longer = np.maximum(*spans)
    assert 45 <= longer.min() <= longer.max() <= 48


def test_characters_that_look_the_same_are_one_class(rendered: glyphs.Glyphs) -> None:
    points = {chr(point) for point in rendered.points}
    for same in ("AΑА", "OoОо", "2²₂", "cCсС", "KKК", "Gɢ", "-–—"):
        assert len(points & set(same)) <= 1, same
    assert set("ABEQRae?&%") <= points  # told apart by all but their case
    assert " " not in points


def test_cache_is_read_back_and_rendered_once(tiny: list[int]) -> None:
    first, second = glyphs.read_or_render(), glyphs.read_or_render()
    assert len(tiny) == 1
    assert first.checksum == second.checksum
    np.testing.assert_array_equal(first.bitmaps, second.bitmaps)


@pytest.mark.parametrize("damage", ["truncated", "no zip", "empty", "other content", "lacks an array"])
def test_damaged_cache_is_rendered_again(tiny: list[int], damage: str) -> None:
    good = glyphs.read_or_render()
    path = glyphs.cache_path()
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "no zip":
        path.write_bytes(b"not a zip file")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other content":
        np.savez(path, points=good.points, bitmaps=good.bitmaps // 2, checksum=np.array(good.checksum))
    else:
        np.savez(path, points=good.points)
    assert glyphs.read_or_render().checksum == good.checksum
    assert len(tiny) == 2
    assert glyphs.read_or_render().checksum == good.checksum
    assert len(tiny) == 2  # and the cache was mended


def test_unwritable_cache_is_no_error(tiny: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "file" / "folder"))
    assert len(glyphs.read_or_render().points) == 20


def test_nothing_but_the_cache_file_is_left(tiny: list[int], tmp_path: Path) -> None:
    glyphs.read_or_render()
    assert list(tmp_path.iterdir()) == [glyphs.cache_path()]


def test_splits_are_disjoint_and_complete(tiny: list[int]) -> None:
    everything, (train, test) = glyphs.read_or_render(), _classes(data.load("glyphs"))
    assert len(train) == len(test) == 10
    assert train | test == {bitmaps[0].tobytes() for bitmaps in _seen(everything.bitmaps)}


def test_validation_cuts_the_training_classes_only(tiny: list[int]) -> None:
    train, _ = _classes(data.load("glyphs"))
    kept, validation = _classes(data.load("glyphs", validation=True))
    assert len(kept) == 8
    assert len(validation) == 2
    assert kept | validation == train


def test_the_first_test_distortion_and_the_orders_are_pinned(tiny: list[int]) -> None:
    """Results of all versions are compared with one another: the test images and the classes stay what they were."""
    fixed = data.load("glyphs").test.inputs.fixed
    affine = [[1.1533921, -0.0461369, -0.1129724], [0.1797239, 1.2209131, 0.0719661]]
    torch.testing.assert_close(fixed.affine[0], torch.tensor(affine), rtol=0, atol=1e-6)
    points = glyphs.read_or_render().points
    classes = [1, 5, 2, 0, 14, 9, 8, 10, 3, 6, 11, 15, 16, 12, 4, 13, 7, 18, 17, 19]
    validation = [13, 19, 2, 11, 18, 6, 4, 17, 12, 3, 9, 14, 5, 16, 15, 8, 1, 0, 10, 7]
    assert halves.order(points, "classes").tolist() == classes
    assert halves.order(points, "validation").tolist() == validation


@pytest.mark.parametrize(("size", "side"), [(8, 12), (24, 36), (31, 46), (32, 48), (64, 48)])
def test_bitmaps_are_finer_than_the_images_by_half(tiny: list[int], size: int, side: int) -> None:
    assert data.load("glyphs", size=size).train.inputs.bitmaps.shape == (120, 1, side, side)


def test_the_version_names_what_draws_the_bitmaps() -> None:
    assert data.version("glyphs") == f"{glyphs.VERSION}-matplotlib-{matplotlib.__version__}"
    assert glyphs.cache_path().name == f"glyphs-{data.version('glyphs')}.npz"


def test_labels_are_contiguous_with_a_row_a_face(tiny: list[int]) -> None:
    for split in (data.load("glyphs").train, data.load("glyphs", validation=True).test):
        assert split.labels.dtype == torch.int64
        assert torch.bincount(split.labels).tolist() == [12] * (len(split) // 12)


@pytest.mark.parametrize("size", [8, 20, 24, 33, 64])
def test_images_are_grey_in_range(tiny: list[int], size: int) -> None:
    split = data.load("glyphs", size=size).test
    images = split.inputs(torch.tensor([3, 0, 3]))
    assert images.shape == (3, 1, size, size)
    assert images.dtype == torch.float32
    assert 0 <= float(images.min()) < float(images.max()) <= 1
    assert torch.equal(images[0], images[2])


def test_images_are_fixed_without_a_draw_and_fresh_with_one(tiny: list[int]) -> None:
    split, rows = data.load("glyphs").train, torch.arange(30)
    assert torch.equal(split.inputs(rows), data.load("glyphs").train.inputs(rows))
    assert torch.equal(split.inputs(rows)[7:9], split.inputs(rows[7:9]))

    first = split.inputs(rows, Draw(seed=1, step=5))
    assert torch.equal(first, split.inputs(rows, Draw(seed=1, step=5)))
    for draw in (None, Draw(seed=1, step=6), Draw(seed=2, step=5)):
        assert not torch.equal(first, split.inputs(rows, draw))


def test_a_fresh_image_hangs_on_the_seed_the_step_and_the_row_alone(tiny: list[int]) -> None:
    split, draw = data.load("glyphs").train, Draw(seed=3, step=9)
    whole = split.inputs(torch.arange(30), draw)
    assert torch.equal(split.inputs(torch.tensor([17, 4]), draw), whole[[17, 4]])
    first, again = split.inputs(torch.tensor([4, 4]), draw)  # a class of few gives a row twice: two images of it
    assert torch.equal(first, whole[4])
    assert not torch.equal(first, again)


def test_unvaried_images_are_the_fixed_ones(tiny: list[int]) -> None:
    rows = torch.arange(5)
    plain = data.load("glyphs", augment="none").train
    assert torch.equal(plain.inputs(rows, Draw(1, 2)), data.load("glyphs").train.inputs(rows))
    with pytest.raises(InputError, match="light or none"):
        data.load("glyphs", augment="crop-flip")
    with pytest.raises(InputError, match="unknown augmentation 'lights': did you mean 'light'"):
        data.load("glyphs", augment="lights")


def test_images_leave_the_global_random_state_alone(tiny: list[int]) -> None:
    state = torch.random.get_rng_state()
    data.load("glyphs").train.inputs(torch.arange(3), Draw(1, 2))
    assert torch.equal(state, torch.random.get_rng_state())


def test_rows_that_are_not_there(tiny: list[int]) -> None:
    split = data.load("glyphs").test
    for row in (-1, len(split)):
        with pytest.raises(InputError, match=f"from 0 to {len(split) - 1}"):
            split.inputs(torch.tensor([0, row]))


def test_names_and_bad_input() -> None:
    assert "glyphs" in [name for name, _ in data.names()]
    with pytest.raises(InputError, match="did you mean 'glyphs'"):
        data.load("glyhps")
    for size in (7, 513, 24.0, True, "24"):
        with pytest.raises(InputError, match="size must be"):
            data.load("glyphs", size=size)


def _classes(dataset: data.Dataset) -> tuple[set[bytes], ...]:
    """The classes of the train and of the test split, each known by the bitmap of its first face."""
    parts = (split.inputs.bitmaps[::12, 0] for split in (dataset.train, dataset.test))
    return tuple({row.numpy().tobytes() for row in rows} for rows in parts)


def _seen(bitmaps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bitmaps as a split of 24 pixels holds them."""
    return drawn.shrunk(torch.from_numpy(bitmaps), 24).numpy()
