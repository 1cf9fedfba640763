"""An image file as pixels in three colours, whatever it holds: turned upright, on white, 8 bits a colour."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from weightlab.errors import InputError, reason
from weightlab.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["LONGEST", "MOST_PIXELS", "SUFFIXES", "Decoded", "decode"]

MOST_PIXELS = 100_000_000  # of a file: larger ones are no photographs but decompression bombs, or not for retrieval
LONGEST = 100  # times the shorter side that the longer one may have: scaled up by the shorter, it fills the memory
SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", ".ico"),
    }
)
# What is opened, by its content; not EPS (which runs Ghostscript), nor formats without a signature of their own.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO", "MPO")
_WIDE = 65535  # white in 16 bits


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image.

    pixels: uint8 [height, width, 3], scaled.
    width, height: of the file, upright.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode(path: str, side: int) -> Decoded:
    """The (first) image of a file, its shorter side scaled to `side` pixels, bilinear with antialiasing, as torchvision
    scales Pillow's images: the longer one has ⌊side · longer / shorter⌋.

    It is turned as its EXIF tag says. What is transparent is white; 16 bits are scaled to 8; CMYK and palettes become
    red, green and blue. Raises InputError, which says what is wrong with it but not its name, for a file that is
    missing, no image, damaged, cut off, of more than 10⁸ pixels (seen before it is decoded), more than 100 times as
    long as it is wide, or of 32 bits a colour where nobody says what is white.
    """
    try:
        with warnings.catch_warnings():  # Pillow's own bound on pixels, odd palettes and tags: what matters is checked
            warnings.simplefilter("ignore")
            return _decoded(path, side)
    except InputError:
        raise
    except OSError as error:
        raise InputError(_what(error)) from error
    except Exception as error:  # each format's reader has errors of its own: SyntaxError, struct.error, ValueError, …
        raise InputError(f"is damaged: {reason(error)}") from error


def _decoded(path: str, side: int) -> Decoded:
    from PIL import Image

    with open(path, "rb") as file:
        try:
            image: Image.Image = Image.open(file, formats=_formats())
        except Image.DecompressionBombError:
            raise InputError(f"has more than {MOST_PIXELS:,} pixels, the most that is decoded") from None
        with image:
            _check_size(*image.size)
            image.load()
            upright = _upright(image)
            width, height = upright.size
            colour = _colour(upright)
    scaled = (side, int(side * height / width)) if width <= height else (int(side * width / height), side)
    if scaled != (width, height):
        colour = colour.resize(scaled, Image.Resampling.BILINEAR)
    return Decoded(np.asarray(colour), width, height)


@cache
def _formats() -> tuple[str, ...]:
    """Those of the formats that this build of Pillow reads."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _check_size(width: int, height: int) -> None:
    size = f"{width:,} × {height:,} pixels"
    if width * height > MOST_PIXELS:
        raise InputError(f"has {size}, more than the {MOST_PIXELS:,} in all that are decoded")
    if max(width, height) > LONGEST * min(width, height):
        raise InputError(f"has {size}: one side is more than {LONGEST} times the other")


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged tag is no damaged image
        return image


def _colour(image: Image) -> Image:
    """As mode RGB."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return _of_numbers(image)
    if image.mode == "LAB":
        return _of_lab(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    marked = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(marked, tuple) and max(marked) > 255:  # of a file of 16 bits, read as 8
        image.info["transparency"] = tuple(value >> 8 for value in marked)
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _of_numbers(image: Image) -> Image:
    """Of grey in 16 bits, or in 32 where the values say which white is meant."""
    from PIL import Image

    values: NDArray[Any] = np.asarray(image)
    white = 1.0 if image.mode == "F" else _WIDE
    if not (values.min() >= 0 and values.max() <= white):
        raise InputError(f"has 32 bits a pixel with values outside of 0 to {white:g}: save it with 8 or 16 bits")
    grey = np.rint(values * (255 / white)).astype(np.uint8)
    marked = image.info.get("transparency")
    if isinstance(marked, int):
        grey[values == marked] = 255
    return Image.fromarray(grey).convert("RGB")


def _of_lab(image: Image) -> Image:
    from PIL import ImageCms

    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    found = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    assert found is not None  # it is, where the image is not changed in place
    return found


def _what(error: OSError) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "is no image of a known format"
    if error.errno is not None:
        return "is missing" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}"
    return "is cut off" if "truncated" in str(error) else f"is damaged: {reason(error)}"
