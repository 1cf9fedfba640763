from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from weightlab import InputError
from weightlab.data.images.decode import MOST_PIXELS, decode

SIDE = 12
RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
ALPHA = RANDOM.integers(0, 256, (SIDE, SIDE), np.uint8)


def smooth(height: int, width: int) -> Image.Image:
    """A picture that JPEG keeps well."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([5 * rows, 7 * columns, 3 * (rows + columns)], 2).astype(np.uint8))


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def read(path: Path, side: int = SIDE) -> np.ndarray:
    return decode(str(path), side).pixels


def saved(image: Image.Image, path: Path, **options: Any) -> Path:  # noqa: ANN401
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "tiff", "webp", "ppm", "jp2", "gif"])
def test_colours_are_read_as_they_are(suffix: str, tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS)
    if suffix == "gif":  # has a palette
        image = image.quantize(256)
        truth = np.asarray(image.convert("RGB"))
    else:
        truth = COLOURS
    options = {"lossless": True} if suffix == "webp" else {"irreversible": False} if suffix == "jp2" else {}
    assert np.array_equal(read(saved(image, tmp_path / f"x.{suffix}", **options)), truth)


@pytest.mark.parametrize("suffix", ["jpg", "avif"])
def test_what_is_lossy_is_near(suffix: str, tmp_path: Path) -> None:
    path = saved(smooth(SIDE, SIDE), tmp_path / f"x.{suffix}", quality=100)
    assert np.abs(read(path).astype(int) - np.asarray(smooth(SIDE, SIDE))).max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB"])
def test_modes_without_transparency(mode: str, tmp_path: Path) -> None:
    image = smooth(SIDE, SIDE)
    if mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        given = ImageCms.profileToProfile(image, rgb, lab, outputMode="LAB")
        truth, tolerance = np.asarray(image), 12
    else:
        given = image.quantize(8) if mode == "P" else image.convert(mode)
        truth, tolerance = np.asarray(given.convert("RGB")), 0
    assert given is not None
    assert given.mode == mode
    found = read(saved(given, tmp_path / ("x.tiff" if mode not in ("1", "L", "P") else "x.png")))
    assert np.abs(found.astype(int) - truth).max() <= tolerance


def test_a_jpeg_in_cmyk(tmp_path: Path) -> None:
    path = saved(smooth(SIDE, SIDE).convert("CMYK"), tmp_path / "x.jpg", quality=100)
    assert np.abs(read(path).astype(int) - np.asarray(smooth(SIDE, SIDE))).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_transparency_is_on_white(suffix: str, tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([COLOURS, ALPHA]))
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == "webp" else {}
    found = read(saved(image, tmp_path / f"x.{suffix}", **options))
    assert np.abs(found - on_white(COLOURS, ALPHA)).max() <= 1


def test_grey_with_transparency_is_on_white(tmp_path: Path) -> None:
    grey = COLOURS[..., 0]
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(ALPHA)])
    found = read(saved(image, tmp_path / "x.png"))
    assert np.abs(found - on_white(np.dstack([grey] * 3), ALPHA)).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette_with_a_transparent_colour_is_on_white(suffix: str, tmp_path: Path) -> None:
    image = Image.new("P", (SIDE, SIDE), 1)
    image.putpalette([10, 20, 30, 200, 100, 0])
    image.paste(0, (0, 0, 4, SIDE))
    found = read(saved(image, tmp_path / f"x.{suffix}", transparency=0))
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] == (200, 100, 0)).all()


def test_a_palette_with_half_transparent_colours_is_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (SIDE, SIDE), 1)
    image.putpalette([10, 20, 30, 200, 100, 0])
    found = read(saved(image, tmp_path / "x.png", transparency=bytes([0, 128])))
    assert np.abs(found - on_white(np.full((1, 1, 3), (200, 100, 0)), np.full((1, 1), 128))).max() <= 1


@pytest.mark.parametrize(("mode", "marked"), [("RGB", (10, 20, 30)), ("L", 10), ("1", 0)])
def test_one_transparent_colour_is_white(mode: str, marked: Any, tmp_path: Path) -> None:  # noqa: ANN401
    image = Image.new(mode, (SIDE, SIDE), marked)
    image.paste((200, 100, 0) if mode == "RGB" else 255, (0, 0, 4, SIDE))
    found = read(saved(image, tmp_path / "x.png", transparency=marked))
    assert (found[:, 4:] == 255).all()
    assert (found[0, 0] == ((200, 100, 0) if mode == "RGB" else 255)).all()


def png(
    width: int, height: int, colour: int, rows: bytes, *, depth: int = 16, more: tuple[tuple[bytes, bytes], ...] = ()
) -> bytes:
    """A PNG file, chunk by chunk: independent of Pillow's writer, which has no 16 bits a colour."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def lines(values: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)


WIDE = RANDOM.integers(0, 65536, (SIDE, SIDE, 4))


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    path.write_bytes(png(SIDE, SIDE, 0, lines(WIDE[..., 0])))
    assert np.abs(read(path) - WIDE[..., :1] / 257).max() <= 0.5 + 1e-9
    path.write_bytes(png(SIDE, SIDE, 2, lines(WIDE[..., :3].reshape(SIDE, -1))))
    assert np.abs(read(path) - WIDE[..., :3] / 257).max() <= 1
    path.write_bytes(png(SIDE, SIDE, 6, lines(WIDE.reshape(SIDE, -1))))
    assert np.abs(read(path) - on_white(WIDE[..., :3] / 257, WIDE[..., 3] / 257)).max() <= 2
    path.write_bytes(png(SIDE, SIDE, 4, lines(WIDE[..., :2].reshape(SIDE, -1))))
    assert np.abs(read(path) - on_white(WIDE[..., :1] / 257, WIDE[..., 1] / 257)).max() <= 2


@pytest.mark.parametrize("marked", [(40000, 20000, 5), (65535, 65535, 0)])
def test_a_transparent_colour_of_sixteen_bits(marked: tuple[int, int, int], tmp_path: Path) -> None:
    values = np.full((SIDE, SIDE, 3), 30000)
    values[:, :4] = marked
    path = tmp_path / "x.png"
    path.write_bytes(
        png(SIDE, SIDE, 2, lines(values.reshape(SIDE, -1)), more=((b"tRNS", struct.pack(">3H", *marked)),))
    )
    found = read(path)
    assert (found[:, :4] == 255).all()
    assert np.abs(found[:, 4:] - 30000 / 257).max() <= 1
    path.write_bytes(png(SIDE, SIDE, 0, lines(values[..., 0]), more=((b"tRNS", struct.pack(">H", marked[0])),)))
    found = read(path)
    assert (found[:, :4] == 255).all()
    assert np.abs(found[:, 4:] - 30000 / 257).max() <= 1


@pytest.mark.parametrize("suffix", ["tiff", "pgm"])
@pytest.mark.parametrize("dtype", [np.uint16, ">u2"])
def test_sixteen_bits_of_other_formats(suffix: str, dtype: Any, tmp_path: Path) -> None:  # noqa: ANN401
    path = tmp_path / f"x.{suffix}"
    if suffix == "pgm":
        path.write_bytes(f"P5 {SIDE} {SIDE} 65535\n".encode() + WIDE[..., 0].astype(">u2").tobytes())
    else:
        Image.fromarray(WIDE[..., 0].astype(dtype)).save(path)
    assert np.abs(read(path) - WIDE[..., :1] / 257).max() <= 0.5 + 1e-9


def test_numbers_without_a_white_are_refused(tmp_path: Path) -> None:
    values = WIDE[..., 0] / 65535
    path = saved(Image.fromarray(values.astype(np.float32)), tmp_path / "x.tiff")
    assert np.abs(read(path) - 255 * values[..., None]).max() <= 0.5 + 1e-3
    for wrong in (
        values.astype(np.float32) * 2,
        np.full((3, 3), np.nan, np.float32),
        WIDE[..., 0].astype(np.int32) + 60_000,
        WIDE[..., 0].astype(np.int32) - 60_000,
    ):
        path = saved(Image.fromarray(wrong), tmp_path / "x.tiff")
        with pytest.raises(InputError, match="has 32 bits a pixel with values outside of 0 to"):
            read(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_images_stand_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    """Against the definition of the tag: which side row 0 and column 0 of the file are."""
    upright = np.asarray(smooth(18, 24))
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    options = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    path = saved(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / f"x.{suffix}", exif=exif, **options)
    found = decode(str(path), 18)
    assert (found.width, found.height) == (24, 18)
    assert np.abs(found.pixels.astype(int) - upright).max() <= (4 if suffix == "jpg" else 0)


def test_a_damaged_exif_tag_is_no_damaged_image(tmp_path: Path) -> None:
    path = saved(
        smooth(SIDE, SIDE), tmp_path / "x.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff" + bytes(9), quality=100
    )
    assert np.abs(read(path).astype(int) - np.asarray(smooth(SIDE, SIDE))).max() <= 6


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_the_first_frame_is_taken(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(frames[0], tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert (read(path) == (255, 0, 0)).all()


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (50, 50), (9, 33), (7, 7), (100, 301), (1, 90)])
@pytest.mark.parametrize("side", [16, 27])
def test_the_shorter_side_is_scaled_as_torchvision_does(size: tuple[int, int], side: int, tmp_path: Path) -> None:
    image = Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0], 3), np.uint8))
    short, long = min(size), max(size)
    target = (side, int(side * long / short)) if size[0] < size[1] else (int(side * long / short), side)
    truth = np.asarray(image.resize(target, Image.Resampling.BILINEAR))
    found = decode(str(saved(image, tmp_path / "x.png")), side)
    assert np.array_equal(found.pixels, truth)
    assert (found.width, found.height) == size


def whole(suffix: str) -> bytes:
    image = Image.fromarray(RANDOM.integers(0, 256, (64, 64, 3), np.uint8))
    opened = io.BytesIO()
    image.save(opened, {"jpg": "JPEG", "jp2": "JPEG2000"}.get(suffix, suffix.upper()))
    return opened.getvalue()


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "webp", "tiff", "ppm", "jp2", "avif", "ico"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_what_is_cut_off_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    content = whole(suffix)
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    read(path)
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"^(is cut off|is damaged: .+|is no image of a known format)$"):
        read(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"hello, world", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(1000), b"GIF89a"]
)
def test_what_is_no_image_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^(is cut off|is damaged: .+|is no image of a known format)$"):
        read(path)


def test_postscript_is_not_run(tmp_path: Path) -> None:
    path = saved(smooth(SIDE, SIDE), tmp_path / "x.eps")
    with pytest.raises(InputError, match="is no image of a known format"):
        read(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^is missing$"):
        read(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"^can't be read: Is a directory$"):
        read(tmp_path)


@pytest.mark.parametrize("size", [(10_001, 10_000), (14_000, 14_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_by_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png(*size, 0, b"", depth=8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=f"has .*more than (the )?{MOST_PIXELS:,}"):
            read(path)


@pytest.mark.parametrize("size", [(1, 101), (5_000, 49)])
def test_a_sliver_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    path = saved(Image.new("L", size), tmp_path / "x.png")
    with pytest.raises(InputError, match=rf"has {size[0]:,} × {size[1]:,} pixels: one side is more than 100 times"):
        read(path)
    read(saved(Image.new("L", (1, 100)), path))


def test_a_bit_anywhere_may_be_wrong(tmp_path: Path) -> None:
    """Whatever it does, it is an image or an InputError."""
    path = tmp_path / "x"
    refused = 0
    for suffix in ("jpg", "png", "gif", "bmp", "webp", "tiff", "ppm", "jp2", "ico"):
        content = whole(suffix)
        for place in np.random.default_rng(1).integers(0, min(len(content), 400), 12):
            broken = bytearray(content)
            broken[place] ^= 1 << int(place) % 8
            path.write_bytes(broken)
            try:
                assert read(path).shape[2] == 3
            except InputError:
                refused += 1
    assert refused > 10
