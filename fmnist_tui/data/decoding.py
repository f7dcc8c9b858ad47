"""One picture from a file, decoded with Pillow, which is imported only here."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.text import grouped

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pbm"}
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MAX_PIXELS = 50_000_000
"""Of a picture: a file of a few kilobytes can claim billions."""
_GREY, _DEEP = ("1", "L", "LA", "La"), ("I", "I;16", "I;16B", "I;16L", "I;16N")
_TRANSPARENT = ("LA", "La", "RGBA", "RGBa", "PA")


def decode(source: Path | BinaryIO, name: object, instead: str = "remove it") -> Image:
    """A picture in mode "L" or "RGB", or "LA" or "RGBA" if it has transparent pixels, with 8 bits per channel.

    A camera's orientation is applied.

    Args:
        source: The file.
        name: What messages call it.
        instead: What to do with a file that is of no use, for advice.

    Raises:
        DataError: It can't be read, isn't a picture, is damaged, has several frames or too many pixels.
    """
    try:
        import PIL.Image
    except ImportError:
        raise DataError("pictures need Pillow, which is missing", "install it: pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(source, formats=_FORMATS) as image:
                return _loaded(image, name, instead)
    except PIL.Image.DecompressionBombError:
        raise _bomb(name, instead) from None
    except PIL.UnidentifiedImageError:
        advice = f"{instead}, or save it as PNG or JPEG"
        raise DataError(f"{name} is not a picture, whatever its name", advice) from None
    except (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno is not None and isinstance(source, Path):
            raise unreadable(source, error) from None
        raise DataError(f"{name} is damaged or truncated", f"copy it again, or {instead}") from None


def opaque(image: Image, background: str | tuple[int, ...] = "white") -> Image:
    """The picture as "L" or "RGB", on a background of this colour where it is transparent."""
    from PIL.Image import alpha_composite, new

    if image.mode not in _TRANSPARENT:
        return image
    mode = "L" if image.mode in _GREY else "RGB"
    return alpha_composite(new("RGBA", image.size, background), image.convert("RGBA")).convert(mode)


def _bomb(name: object, instead: str) -> DataError:
    return DataError(f"{name} claims more than {grouped(MAX_PIXELS)} pixels", f"{instead}, or make it smaller")


def _loaded(image: Image, name: object, instead: str) -> Image:
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        raise _bomb(name, instead)
    if getattr(image, "is_animated", False):
        frames = getattr(image, "n_frames", 2)
        raise DataError(f"{name} has {frames} frames", "save one of them as a picture of its own")
    image.load()
    return _eight_bits(ImageOps.exif_transpose(image), name)


def _eight_bits(image: Image, name: object) -> Image:
    from PIL.Image import fromarray

    if image.mode in _DEEP:
        return fromarray(_shallow(image, name))
    if image.mode == "F":
        raise DataError(f"{name} has floating-point values", "save it with 8 bits per channel")
    is_grey = image.mode in _GREY
    if "transparency" in image.info or image.mode in _TRANSPARENT:
        rgba = image.convert("RGBA")
        return rgba.convert("LA") if is_grey else rgba
    return image.convert("L" if is_grey else "RGB")


def _shallow(image: Image, name: object) -> NDArray[np.uint8]:
    """16-bit values as 8-bit ones."""
    values: NDArray[Any] = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise DataError(f"{name} has values of more than 16 bits", "save it with 8 bits per channel")
    return (values // 257).astype(np.uint8)
