"""Pictures as the network gets them: prepared as the data's images were made, or an error on one line."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fmnist_tui.data import DataError
from fmnist_tui.inspection.appearance import OF_FASHION_MNIST, Appearance, appearance_for, appearance_of
from fmnist_tui.inspection.pictures import Prepared, Switches, prepare, read_pictures
from fmnist_tui.inspection.predict import load_model, predict
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.run import read_run

from .samples import FORMS, REFERENCE, SHAPE, V0, encoded, garments, photograph

BLUE = (20, 40, 200)


def prepared(
    content: bytes, switches: Switches | None = None, appearance: Appearance | None = OF_FASHION_MNIST
) -> Prepared:
    (picture,) = read_pictures(io.BytesIO(content), "it", SHAPE)
    return prepare(picture, SHAPE, appearance, switches or Switches())


def npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def shapes(array: NDArray[Any], shape: tuple[int, int, int] = SHAPE) -> list[tuple[int, ...]]:
    return [image.shape for image in read_pictures(io.BytesIO(npy(array)), "it", shape)]


def digits(height: int, *, by_mass: bool) -> NDArray[np.uint8]:
    """Thin lines with a heavy foot, `height` of 28 pixels high; their mass or their box is in the middle."""
    image = np.zeros((8, 1, 28, 28), np.uint8)
    top = 1 if by_mass else (28 - height) // 2
    image[:, :, top : top + height, 13:15] = 255
    image[:, :, top + height - 5 : top + height, 10:18] = 255
    return image


def test_pictures_made_of_test_images_are_recognised_nearly_as_well_as_those() -> None:
    images, labels = garments()
    runs = [read_run(find_run(REFERENCE, name)) for name in V0]
    models = [load_model(run) for run in runs]

    def correct(some: NDArray[np.uint8]) -> int:
        found = [predict(run, some, model).argmax(axis=1) == labels for run, model in zip(runs, models, strict=True)]
        return int(np.sum(found))

    assert correct(images) == 262
    found = {name: correct(np.stack([prepared(make(one)).image for one in images])) for name, make in FORMS.items()}
    cut_out = [found.pop(name) for name in ("cut out", "cut out, light and dark exchanged")]
    assert min(found.values()) >= 256, found
    assert min(cut_out) >= 240, cut_out


def test_each_step_is_there_with_its_result_and_can_be_switched_off() -> None:
    image = garments()[0][0]
    photo = encoded(photograph(image, (300, 200), (150, 10), 200).convert("RGB"))
    full = prepared(photo)
    assert full.summary == (
        "read (300x200, grey), inverted, levels stretched, cropped to 140x75, scaled to 28x15, centred"
    )
    read, inverted, levelled, cropped, scaled, centred = (step.image for step in full.steps)
    assert read[0, 0, 0] == 200
    assert (inverted == 255 - read).all()
    assert levelled[0, 0, 0] == 0
    assert cropped.shape == (1, 75, 140)
    assert scaled.shape == (1, 15, 28)
    assert (centred[:, 7:22] == scaled).all()
    assert not centred[:, :7].any()
    without = prepared(photo, Switches(invert=False, levels=False, crop=False, centre=False))
    assert without.summary == "read (300x200, grey), scaled to 28x19, left in its place"
    assert without.image[0, 0, 0] == 200
    aside = prepared(photo, Switches(centre=False, crop=False)).image
    assert (np.flatnonzero(aside[0].any(axis=0)) >= 12).all()
    assert prepared(photo, Switches(centre=False)).image.shape == SHAPE
    plain = prepare(read[:, ::5, ::5], SHAPE, None, Switches(crop=False))
    assert plain.summary == "read (60x40, grey), scaled to fit 28x28"
    assert prepare(read, SHAPE, None).summary == "read (300x200, grey), its middle scaled to 28x28"


def test_a_picture_of_the_datas_size_is_used_as_it_is() -> None:
    image = garments()[0][0]
    for kind in ("L", "RGB", "RGBA", "P"):
        as_it_is = prepared(encoded(Image.fromarray(image[0]).convert(kind)))
        assert as_it_is.summary == "used as it is"
        np.testing.assert_array_equal(as_it_is.image, image)
    assert prepared(encoded(Image.fromarray(image[0])), appearance=None).summary == "used as it is"
    light = prepared(encoded(Image.fromarray(255 - image[0])))
    assert light.summary == "used as it is, although its background is light and that of the data dark"
    np.testing.assert_array_equal(light.image, 255 - image)


def test_transparency_is_seen_whatever_the_colour_of_the_object() -> None:
    for grey, expected in ((0, 255), (100, 155), (170, 170), (255, 255)):
        disc = Image.new("LA", (90, 90), (grey, 0))
        disc.paste((grey, 255), (20, 30, 80, 60))
        image = prepared(encoded(disc)).image[0]
        assert (image[14, 14], image[0, 0]) == (expected, 0)
    plain = prepared(encoded(disc), Switches(invert=False)).image[0]
    assert (plain[14, 14], plain[0, 0]) == (255, 0)


def test_a_blank_picture_is_used_whole() -> None:
    blank = prepared(encoded(Image.new("L", (50, 40), 255)))
    assert "not cropped: nothing stands out from the background" in blank.summary
    assert not blank.image.any()


def test_how_the_data_looks_is_measured(tmp_path: Path) -> None:
    images, _ = garments()
    assert appearance_of(images) == OF_FASHION_MNIST
    assert appearance_for(read_run(find_run(REFERENCE, V0[0])), None, tmp_path) == OF_FASHION_MNIST
    assert appearance_of(255 - images) == Appearance((255,), 1.0)
    assert appearance_of(digits(20, by_mass=True)) == Appearance((0,), 20 / 28, by_mass=True)
    assert appearance_of(digits(20, by_mass=False)) == Appearance((0,), 20 / 28, by_mass=False)
    photos = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 16), np.uint8)
    assert appearance_of(photos) == Appearance(None)
    assert appearance_of(np.zeros((3, 1, 8, 8), np.uint8)) == Appearance((0,))


def test_an_object_has_the_size_and_the_place_that_the_datas_objects_have() -> None:
    drawn = Image.fromarray(255 - digits(20, by_mass=False)[0, 0]).resize((280, 280), Image.Resampling.NEAREST)
    drawn = drawn.crop((60, 0, 280, 280))
    by_mass = prepared(encoded(drawn), appearance=Appearance((0,), 20 / 28, by_mass=True))
    rows = np.flatnonzero(by_mass.image[0].any(axis=1))
    assert (rows[0], rows[-1] + 1) == (1, 21)
    assert by_mass.steps[-1].text == "centred by mass"
    in_box = prepared(encoded(drawn), appearance=Appearance((0,), 20 / 28)).image[0]
    assert list(np.flatnonzero(in_box.any(axis=1))) == list(range(4, 24))


def test_pictures_in_colour_for_data_in_colour() -> None:
    shape, white = (3, 16, 16), Appearance((255, 255, 255))
    photo = Image.new("RGB", (80, 60), (250, 250, 250))
    photo.paste(BLUE, (10, 10, 40, 40))
    (picture,) = read_pictures(io.BytesIO(encoded(photo)), "it", shape)
    image = prepare(picture, shape, white).image
    assert abs(image[:, 8, 8].astype(int) - BLUE).max() <= 5
    assert image.shape == shape
    scene = prepare(picture, shape, Appearance(None))
    assert scene.summary == "read (80x60, colour), its middle scaled to 16x16"
    assert prepare(picture[:1], shape, white).image.shape == shape


def test_arrays_in_every_order_of_axes() -> None:
    byte = np.zeros((5, 40, 30), np.uint8)
    assert shapes(byte[0]) == [(1, 40, 30)]
    assert shapes(byte) == [(1, 40, 30)] * 5
    assert shapes(np.random.default_rng(0).random((40, 30, 3))) == [(3, 40, 30)]
    assert shapes(np.random.default_rng(0).random((3, 40, 30))) == [(3, 40, 30)]
    assert shapes(np.zeros((3, 28, 28), np.uint8)) == [(1, 28, 28)] * 3
    assert shapes(np.zeros((1, 28, 28), np.uint8)) == [(1, 28, 28)]
    assert shapes(byte[:, None]) == [(1, 40, 30)] * 5
    assert shapes(np.random.default_rng(0).random((2, 3, 9, 9)), (3, 9, 9)) == [(3, 9, 9)] * 2
    turned = np.asfortranarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    (image,) = read_pictures(io.BytesIO(npy(turned)), "it", SHAPE)
    np.testing.assert_array_equal(image[0], turned)
    (half,) = read_pictures(io.BytesIO(npy(np.full((4, 4), 0.5, np.float16))), "it", SHAPE)
    assert (half == 128).all()


_GIF = encoded(Image.new("L", (6, 6)), "GIF", save_all=True, append_images=[Image.new("L", (6, 6), 90)])
_NOISE = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)))
_CLAIM = b"IHDR" + (30_000).to_bytes(4, "big") * 2 + _NOISE[24:29]
_HUGE = _NOISE[:12] + _CLAIM + zlib.crc32(_CLAIM).to_bytes(4, "big") + _NOISE[33:]
_NPY = npy(np.zeros((28, 28), np.uint8))

BROKEN = {
    "empty.png": (b"", "it is empty"),
    "text.png": (b"no picture", "it is not a picture"),
    "markup.png": (b"<svg/>", "it is not a picture"),
    "truncated.png": (_NOISE[:-500], "it is damaged or truncated"),
    "header-only.png": (_NOISE[:20], "it is "),
    "truncated.jpg": (encoded(Image.new("L", (90, 90)), "JPEG")[:200], "it is "),
    "truncated.webp": (encoded(Image.new("L", (90, 90)), "WEBP")[:30], "it is "),
    "huge.png": (_HUGE, "it claims more than 50,000,000 pixels"),
    "animated.gif": (_GIF, "it has 2 frames"),
    "floating.tiff": (encoded(Image.new("F", (6, 6)), "TIFF"), "it has floating-point values"),
    "magic-only.npy": (b"\x93NUMPY", "it is damaged"),
    "truncated.npy": (_NPY[:-9], "it is damaged"),
    "too-long.npy": (_NPY + b"12345", "it is damaged"),
    "claims-much.npy": (_NPY.replace(b"(28, 28)", b"(9e9,99)"), "it is damaged"),
    "claims-more.npy": (_NPY.replace(b"(28, 28), }  ", b"(2800, 280000), }"), "it is damaged"),
    "no-dictionary.npy": (_NPY.replace(b"descr", b"other"), "it is damaged"),
    "pickled.npy": (npy(np.array([{}, {}], object)), "it holds object values"),
    "integers.npy": (npy(np.full((28, 28), 256)), "it holds integers outside of 0 to 255"),
    "negative.npy": (npy(np.full((28, 28), -1, np.int8)), "it holds integers outside of 0 to 255"),
    "scalar.npy": (npy(np.array(3)), "it holds a single number; its shape has to be (H, W), "),
    "nan.npy": (npy(np.full((28, 28), np.nan)), "it holds NaN or infinite values"),
    "infinite.npy": (npy(np.full((28, 28), np.inf, np.float32)), "it holds NaN or infinite values"),
    "large-values.npy": (npy(np.full((28, 28), 255.0)), "it holds values outside of 0 to 1"),
    "no-pixels.npy": (npy(np.zeros((0, 28, 28))), "it "),
    "one-axis.npy": (npy(np.zeros(28)), "it holds an array of 28"),
    "five-axes.npy": (npy(np.zeros((1, 1, 1, 28, 28))), "it holds an array of 1x1x1x28x28"),
    "channels.npy": (npy(np.zeros((2, 7, 28, 28))), "it holds an array of 2x7x28x28"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line(name: str) -> None:
    content, message = BROKEN[name]
    with pytest.raises(DataError) as raised:
        read_pictures(io.BytesIO(content), "it", SHAPE)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", [np.int64, np.uint16, ">i4"])
def test_integers_of_any_size_are_pixels(kind: str) -> None:
    pixels = np.arange(30 * 20).reshape(30, 20) % 256
    (found,) = read_pictures(io.BytesIO(npy(pixels.astype(kind))), "it", SHAPE)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], pixels)


@pytest.mark.parametrize("name", ["empty.png", "text.png", "truncated.png", "huge.png"])
def test_nobody_is_told_to_remove_a_file_of_their_own(name: str) -> None:
    with pytest.raises(DataError, match="choose another file"):
        read_pictures(io.BytesIO(BROKEN[name][0]), "it", SHAPE)


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    (tmp_path / "link.png").symlink_to("link.png")
    for path, message in (
        (pipe, "not a regular file; choose a regular file$"),
        (Path("/dev/zero"), "not a regular file; choose a regular file$"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none.png", "No such file"),
        (tmp_path / "link.png", "Too many levels"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(DataError, match=message):
            read_pictures(path, path, SHAPE)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="was trained on"):
        predict(read_run(find_run(REFERENCE, V0[0])), np.zeros((2, 3, 28, 28), np.uint8))
