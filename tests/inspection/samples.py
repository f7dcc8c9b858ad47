"""A hundred test images of Fashion-MNIST, ten of each class (Zalando SE, MIT licence), and pictures made of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PROJECT = Path(__file__).parents[2]
REFERENCE = PROJECT / "assets" / "reference" / "runs"
V0 = ("v0-20261126-155254-de83", "v0-20261126-155455-243c", "v0-20261126-155626-c3bf")
"""The reference runs of the tuned recipe: three seeds."""
SHAPE = (1, 28, 28)


@cache
def garments() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (100, 1, 28, 28) and labels (100,)."""
    with np.load(Path(__file__).parent / "fashion-100.npz") as arrays:
        return arrays["images"][:, None], arrays["labels"]


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    image.save(stream, kind, **({"compress_level": 1} if kind == "PNG" else {}), **options)
    return stream.getvalue()


def enlarged(image: NDArray[np.uint8], factor: int = 5) -> Image.Image:
    """A garment (1, 28, 28), light on black."""
    return Image.fromarray(image[0]).resize((28 * factor,) * 2, Image.Resampling.BICUBIC)


def photograph(
    image: NDArray[np.uint8], size: tuple[int, int], place: tuple[int, int], light: int = 255
) -> Image.Image:
    """A garment of 140 pixels as it might be photographed: dark on a light background, somewhere in the picture."""
    canvas = Image.new("L", size, light)
    pixels = np.asarray(enlarged(image)).astype(float)
    canvas.paste(Image.fromarray((light * (1 - pixels / 255)).round().astype(np.uint8)), place)
    return canvas


def _turned(image: NDArray[np.uint8]) -> bytes:
    exif = Image.Exif()
    exif[0x112] = 6
    turned = photograph(image, (180, 150), (35, 5)).rotate(90, expand=True)
    return encoded(turned, "JPEG", quality=90, exif=exif)


def _cut_out(image: NDArray[np.uint8], *, inverted: bool) -> bytes:
    pixels = np.asarray(enlarged(image))
    opaque = Image.fromarray(np.where(pixels > 8, 255, 0).astype(np.uint8))
    return encoded(Image.merge("RGBA", [Image.fromarray(255 - pixels if inverted else pixels)] * 3 + [opaque]))


def _noisy(image: NDArray[np.uint8]) -> bytes:
    photo = np.asarray(photograph(image, (160, 160), (10, 10), 250))
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    return encoded(Image.fromarray(np.clip(photo + noise, 0, 255).round().astype(np.uint8)))


FORMS: dict[str, Callable[[NDArray[np.uint8]], bytes]] = {
    "on white, no margin": lambda image: encoded(photograph(image, (140, 140), (0, 0))),
    "JPEG in colour, on grey, off-centre": lambda image: encoded(
        photograph(image, (200, 180), (55, 5), 225).convert("RGB"), "JPEG", quality=60
    ),
    "WebP": lambda image: encoded(photograph(image, (150, 180), (5, 30)), "WEBP", quality=80, method=0),
    "turned camera": _turned,
    "cut out": partial(_cut_out, inverted=True),
    "cut out, light and dark exchanged": partial(_cut_out, inverted=False),
    "noise": _noisy,
}
