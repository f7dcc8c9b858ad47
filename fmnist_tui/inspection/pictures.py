"""Pictures from files, prepared step by step as the images of a data set were made.

Fashion-MNIST's garments were photographed on a light background, trimmed, scaled to 28 pixels, put into the middle, and
inverted; a picture that isn't prepared so looks like nothing that a network has seen.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.decoding import MAX_PIXELS, SUFFIXES, decode
from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.files import check_regular_file
from fmnist_tui.inspection.appearance import TOLERANCE, Appearance, Pixels, mass_centre, object_box
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.text import grouped

READABLE = SUFFIXES | {".npy"}
LARGEST = 500_000_000
"""Bytes of a file."""
_INSTEAD = "choose another file"
_NPY = b"\x93NUMPY"
_WORKING_SIDE = 1024
"""Larger pictures are made smaller first: nothing of them would be seen in images of 28 pixels."""
_CORNER = 0.02
"""Of the sides: the corners, whose colour is the background's."""
_DARK = 128


@dataclass(frozen=True)
class Switches:
    """Which steps are taken; the others, decoding and scaling, always are.

    Attributes:
        invert: Light and dark are exchanged if the picture's background is light and that of the data dark, or the
            other way round. Never for images in colour.
        levels: Values are stretched so that the picture's background becomes that of the data.
        crop: What differs from the background is cut out, and scaled to the size that objects have in the data.
        centre: It is put into the middle; else it stays where it was, as far as it fits.
    """

    invert: bool = True
    levels: bool = True
    crop: bool = True
    centre: bool = True

    @property
    def needs_appearance(self) -> bool:
        """Whether any step depends on how the data looks."""
        return self.invert or self.levels or self.crop or self.centre


ALL_STEPS = Switches()


@dataclass(frozen=True)
class Step:
    """One step of the preparation and its result.

    Attributes:
        text: What was done, in a few words.
        image: uint8 (channels, height, width) after it.
    """

    text: str
    image: Pixels


@dataclass(frozen=True)
class Prepared:
    """A picture as the network gets it.

    Attributes:
        steps: What was done, in order; at least one.
    """

    steps: tuple[Step, ...]

    @property
    def image(self) -> Pixels:
        """uint8 (channels, height, width), of the data's shape."""
        return self.steps[-1].image

    @property
    def summary(self) -> str:
        """What was done as one line."""
        return ", ".join(step.text for step in self.steps)


def read_pictures(source: Path | BinaryIO, name: object, shape: ImageShape) -> list[Pixels]:
    """The picture in a file, or all images of an .npy file: uint8 (channels, height, width) each.

    Grey pictures have one channel, those in colour three; transparency is one more, the last.

    Args:
        source: The file, or an open one (standard input), which is read to its end.
        name: What messages call it.
        shape: That of the data's images; it decides what the axes of a three-dimensional array mean.

    Raises:
        DataError: It can't be read, or holds no valid picture.
    """
    try:
        if isinstance(source, Path):
            check_regular_file(source, LARGEST)
            with source.open("rb") as file:
                return _read(file, name, shape)
        return _read(io.BytesIO(source.read(LARGEST + 1)), name, shape)
    except OSError as error:
        raise unreadable(Path(str(name)), error) from None
    except MemoryError:
        raise DataError(f"{name} does not fit into this machine's memory", "make it smaller") from None


def _read(file: BinaryIO, name: object, shape: ImageShape) -> list[Pixels]:
    start = file.read(len(_NPY))
    if not start:
        raise DataError(f"{name} is empty", f"copy it again, or {_INSTEAD}")
    file.seek(0)
    if start == _NPY:
        return _images(_array(file.read(), name), name, shape)
    image = decode(file, name, _INSTEAD)
    image.thumbnail((_working_side(shape),) * 2, reducing_gap=None)
    pixels = np.asarray(image)
    return [_squeezed(pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0))]


def _squeezed(pixels: Pixels) -> Pixels:
    """A picture whose colours are all grey has one channel; one without a transparent pixel has no transparency."""
    if len(pixels) in (2, 4) and (pixels[-1] == 255).all():
        pixels = pixels[:-1]
    if len(pixels) >= 3 and (pixels[0] == pixels[1]).all() and (pixels[0] == pixels[2]).all():
        pixels = pixels[[0, *range(3, len(pixels))]]
    return np.ascontiguousarray(pixels)


def _working_side(shape: ImageShape) -> int:
    return max(_WORKING_SIDE, 4 * max(shape))


def _array(content: bytes, name: object) -> NDArray[Any]:
    """The array of an .npy file, which is never unpickled, and whose header may claim any size."""
    stream = io.BytesIO(content)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        shape, is_fortran, dtype = read_header[np.lib.format.read_magic(stream)](stream)
        if dtype.kind not in "uif":
            raise DataError(f"{name} holds {dtype} values", "save it as integers from 0 to 255, or numbers from 0 to 1")
        array = np.frombuffer(content, dtype, offset=stream.tell())
        array = array.reshape(shape, order="F" if is_fortran else "C")
    except (ValueError, KeyError, TypeError, SyntaxError, OverflowError):
        raise DataError(f"{name} is damaged or truncated", "save it again with numpy.save") from None
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind in "ui":
        if array.size and (array.min() < 0 or array.max() > 255):
            raise DataError(f"{name} holds integers outside of 0 to 255", "scale it, and save it as uint8")
        return array.astype(np.uint8)
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinite values", "replace them")
    if array.size and (array.min() < 0 or array.max() > 1):
        raise DataError(f"{name} holds values outside of 0 to 1", "divide it by 255, or save it as uint8")
    return np.round(array * 255).astype(np.uint8)


def _images(array: NDArray[Any], name: object, shape: ImageShape) -> list[Pixels]:
    """The images of an array in any of the usual orders of axes."""
    if not array.size:
        raise DataError(f"{name} holds no pixels", "save it again")
    if array.ndim not in (2, 3, 4):
        raise _misshapen(array, name)
    channels, size = shape[0], shape[1:]
    if array.ndim == 2:
        array = array[None, None]
    elif array.ndim == 3:
        is_first = len(array) == channels if array.shape[1:] == size else len(array) in (1, 3)
        if array.shape[1:] != size and not is_first and array.shape[2] in (1, 3, 4):
            array = np.moveaxis(array, 2, 0)[None]
        else:
            array = array[None] if is_first else array[:, None]
    if array.shape[1] not in (1, 3, 4):
        raise _misshapen(array, name)
    if array.shape[2] * array.shape[3] > MAX_PIXELS:
        raise DataError(f"{name} claims more than {grouped(MAX_PIXELS)} pixels", "make it smaller")
    return [_squeezed(image) for image in array]


def _misshapen(array: NDArray[Any], name: object) -> DataError:
    text = f"an array of {'x'.join(map(str, array.shape))}" if array.ndim else "a single number"
    orders = "(H, W), (H, W, C), (C, H, W), (N, H, W) or (N, C, H, W)"
    return DataError(f"{name} holds {text}", f"its shape has to be {orders}")


def prepare(
    picture: Pixels, shape: ImageShape, appearance: Appearance | None, switches: Switches = ALL_STEPS
) -> Prepared:
    """A picture as the data's images were made, with each step and its result.

    One that already has the data's shape is left as it is, whatever its background: test images may be light at
    their corners, too.

    Args:
        picture: uint8 (channels, height, width), of any size; channels as `read_pictures` has them.
        shape: Channels, height and width of the data's images.
        appearance: How objects lie in them; None for no common appearance.
        switches: Which steps are taken.
    """
    if picture.shape == shape:
        return Prepared((Step(_as_it_is(picture, appearance), picture),))
    height, width = picture.shape[1:]
    background = appearance.background if appearance else None
    image = _channels(_opaque(picture, background, invert=switches.invert), shape[0])
    kind = {1: "grey", 2: "grey, transparent", 3: "colour", 4: "colour, transparent"}[len(picture)]
    steps = [Step(f"read ({width}x{height}, {kind})", image)]
    if appearance is None or background is None:
        fitted, text = _filled(image, shape) if switches.crop else _padded(image, shape)
        return Prepared((*steps, Step(text, fitted)))
    ground = _ground(image)
    if switches.invert and shape[0] == 1 and (ground[0] >= _DARK) != (background[0] >= _DARK):
        image, ground = 255 - image, tuple(255 - value for value in ground)
        steps.append(Step("inverted", image))
    if switches.levels and ground != background:
        image, ground = _levelled(image, ground, background), background
        steps.append(Step("levels stretched", image))
    return Prepared((*steps, *_placed(image, ground, shape, appearance, switches)))


def _as_it_is(picture: Pixels, appearance: Appearance | None) -> str:
    background = appearance.background if appearance else None
    ground = _ground(picture)[0]
    if len(picture) > 1 or background is None or (ground >= _DARK) == (background[0] >= _DARK):
        return "used as it is"
    found, wanted = ("light", "dark") if ground >= _DARK else ("dark", "light")
    return f"used as it is, although its background is {found} and that of the data {wanted}"


def _opaque(picture: Pixels, background: tuple[int, ...] | None, *, invert: bool) -> Pixels:
    """Without transparency: grey pictures on the ground that they contrast with, others on the data's background.

    A light object is put on black and a dark one on white, so that whether it is inverted depends on itself.
    """
    if len(picture) not in (2, 4):
        return picture
    colours, alpha = picture[:-1].astype(np.float32), picture[-1].astype(np.float32) / 255
    value = np.array(background if background is not None else 255, np.float32).reshape(-1, 1, 1)
    if background is not None and len(background) == 1 and invert and alpha.any():
        is_light = float(np.average(_channels(picture[:-1], 1)[0], weights=alpha)) >= _DARK
        value[...] = 0 if is_light else 255
    mixed: Pixels = (colours * alpha + value * (1 - alpha)).round().astype(np.uint8)
    return mixed


def _channels(picture: Pixels, channels: int) -> Pixels:
    """Grey by luminance, or the grey values three times."""
    if len(picture) == channels:
        return picture
    if channels == 1:
        luminance = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), picture.astype(np.float32), 1)
        grey: Pixels = luminance.round().astype(np.uint8)[None]
        return grey
    return np.repeat(picture[:1], channels, axis=0)


def _ground(image: Pixels) -> tuple[int, ...]:
    """The colour of the background: the median of the medians of the four corners."""
    high, wide = (max(1, round(side * _CORNER)) for side in image.shape[1:])
    corners = [
        np.median(image[:, rows, columns], axis=(1, 2))
        for rows in (slice(high), slice(-high, None))
        for columns in (slice(wide), slice(-wide, None))
    ]
    return tuple(int(value) for value in np.median(corners, axis=0))


def _levelled(image: Pixels, ground: tuple[int, ...], wanted: tuple[int, ...]) -> Pixels:
    """Each channel stretched so that its background becomes the wanted one, and the far end of the range stays."""
    levelled = np.empty_like(image)
    for channel, (found, value) in enumerate(zip(ground, wanted, strict=True)):
        far = 255.0 if value < _DARK else 0.0
        stretch = (far - value) / (far - found) if far != found else 1.0
        values = value + (image[channel].astype(np.float32) - found) * stretch
        levelled[channel] = np.clip(values, 0, 255).round().astype(np.uint8)
    is_ground = (np.abs(image.astype(np.int16) - np.array(ground)[:, None, None]) <= TOLERANCE).all(axis=0)
    levelled[:, is_ground] = np.array(wanted, np.uint8)[:, None]
    return levelled


def _placed(
    image: Pixels, ground: tuple[int, ...], shape: ImageShape, appearance: Appearance, switches: Switches
) -> list[Step]:
    """Cropped, scaled, and placed on the background."""
    steps = []
    size = np.array(shape[1:])
    middle, extent = np.array([0.5, 0.5]), 1.0
    box = object_box(image, ground)
    if switches.crop and box:
        top, left, bottom, right = box
        middle = np.array([top + bottom, left + right]) / 2 / image.shape[1:]
        image, extent = image[:, top:bottom, left:right], appearance.extent
        steps.append(Step(f"cropped to {right - left}x{bottom - top}", image))
    elif switches.crop:
        steps.append(Step("not cropped: nothing stands out from the background", image))
    image = _scaled(image, extent * float((size / image.shape[1:]).min()))
    steps.append(Step(f"scaled to {image.shape[2]}x{image.shape[1]}", image))
    own, text = np.array(image.shape[1:]), "left in its place"
    start = middle * size - own / 2
    if switches.centre and appearance.by_mass:
        start, text = size / 2 - mass_centre(image, ground), "centred by mass"
    elif switches.centre:
        start, text = (size - own) / 2, "centred"
    top, left = np.clip(np.floor(start + 0.5).astype(int), 0, size - own)
    canvas = np.empty(shape, np.uint8)
    canvas[...] = np.array(ground, np.uint8)[:, None, None]
    canvas[:, top : top + own[0], left : left + own[1]] = image
    return [*steps, Step(text, canvas)]


def _scaled(image: Pixels, factor: float) -> Pixels:
    return _resized(image, *(max(1, round(side * factor)) for side in image.shape[1:]))


def _resized(image: Pixels, height: int, width: int) -> Pixels:
    from PIL.Image import Resampling, fromarray

    scaled = [fromarray(channel).resize((width, height), Resampling.LANCZOS) for channel in image]
    return np.stack([np.asarray(channel) for channel in scaled])


def _filled(image: Pixels, shape: ImageShape) -> tuple[Pixels, str]:
    """The middle of the picture, as the pictures of a folder are resized."""
    size, own = np.array(shape[1:]), np.array(image.shape[1:])
    high, wide = np.maximum(1, np.minimum(own, np.round(size * float((own / size).min())))).astype(int)
    top, left = (own - (high, wide)) // 2
    middle = image[:, top : top + high, left : left + wide]
    return _resized(middle, *shape[1:]), f"its middle scaled to {shape[2]}x{shape[1]}"


def _padded(image: Pixels, shape: ImageShape) -> tuple[Pixels, str]:
    """The whole picture in the middle, on the colour of its corners."""
    steps = _placed(image, _ground(image), shape, Appearance(None), Switches(crop=False))
    return steps[-1].image, f"scaled to fit {shape[2]}x{shape[1]}"
