"""Data sets of any size, number of classes and format: one good example of each."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fmnist_tui.data import DataError, Dataset, load, split_of
from fmnist_tui.data.quick_check import data_check, image_shape
from fmnist_tui.host.machine import CheckState

from .samples import put

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (30, 8, 8), np.uint8)
RGB = RNG.integers(0, 256, (30, 9, 7, 3), np.uint8)
LABELS = np.arange(30) % 3


def loaded(path: Path, size: int | None = None) -> Dataset:
    """Loaded twice: decoded, and from the cache; both are the same."""
    cache = (path if path.is_dir() else path.parent).with_name("cache")
    text = f"{path}#size={size}" if size else str(path)
    shape = image_shape(text, cache)[0]
    first, second = load(text, cache), load(text, cache, verify=True)
    assert len(list((cache / "arrays").iterdir())) == 1
    assert (first.fingerprints, first.classes, first.note) == (second.fingerprints, second.classes, second.note)
    assert (first.n_validation, first.source) == (second.n_validation, second.source)
    np.testing.assert_array_equal(first.test.labels, second.test.labels)
    assert second.shape == first.shape == shape == image_shape(text, cache)[0]
    assert data_check(text, cache).state is CheckState.OK
    return second


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez_compressed(folder / "some.npz", **arrays)
    return folder / "some.npz"


def keras(images: NDArray[Any], labels: NDArray[Any] = LABELS) -> dict[str, NDArray[Any]]:
    return {"x_train": images[:20], "y_train": labels[:20], "x_test": images[20:], "y_test": labels[20:]}


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY.reshape(30, 64), GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY.astype(np.int64), GREY[:, None]),
        (GREY.astype(">f4"), GREY[:, None]),
        (GREY / 255, GREY[:, None]),
        ((GREY / 255).astype(np.float16), GREY[:, None]),
        (GREY > 127, np.where(GREY > 127, 255, 0)[:, None]),
        (np.asfortranarray(GREY), GREY[:, None]),
        (RGB, np.moveaxis(RGB, 3, 1)),
        (np.moveaxis(RGB, 3, 1), np.moveaxis(RGB, 3, 1)),
    ],
    ids=["HW", "flat", "HW1", "integers", "big-endian", "0 to 1", "half", "bits", "Fortran", "HWC", "CHW"],
)
def test_an_archive_of_keras_arrays(images: NDArray[Any], expected: NDArray[Any], folder: Path) -> None:
    dataset = loaded(npz(folder, **keras(images)))
    np.testing.assert_allclose(dataset.train.images.astype(int), expected[:20], atol=int(images.dtype == np.float16))
    np.testing.assert_array_equal(dataset.test.labels, LABELS[20:])
    assert dataset.shape == expected.shape[1:]
    assert dataset.classes == ("class 0", "class 1", "class 2")
    assert dataset.name == 'file "some.npz"'
    assert not dataset.flips


def test_an_archive_of_medmnist_and_its_validation_set(folder: Path) -> None:
    arrays = {"train_images": RGB[:15], "train_labels": LABELS[:15, None], "val_images": RGB[15:20]}
    arrays |= {"val_labels": LABELS[15:20, None], "test_images": RGB[20:], "test_labels": LABELS[20:, None]}
    dataset = loaded(npz(folder, **arrays))
    assert (len(dataset.train), dataset.n_validation, len(dataset.test)) == (20, 5, 10)
    train, validation = split_of(dataset)
    assert (train.tolist(), validation.tolist()) == (list(range(15)), list(range(15, 20)))
    np.testing.assert_array_equal(dataset.train.images[15], np.moveaxis(RGB[15], 2, 0))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (LABELS + 1, ("class 1", "class 2", "class 3")),
        (LABELS * 50, ("class 0", "class 50", "class 100")),
        (np.array(["cat", "dog", "eel"])[LABELS], ("cat", "dog", "eel")),
        (LABELS.astype(float), ("class 0", "class 1", "class 2")),
    ],
    ids=["from 1", "with gaps", "names", "whole floats"],
)
def test_classes_are_the_labels_that_occur(labels: NDArray[Any], names: tuple[str, ...], folder: Path) -> None:
    dataset = loaded(npz(folder, **keras(GREY, labels)))
    assert dataset.classes == names
    np.testing.assert_array_equal(dataset.train.labels, LABELS[:20])


@pytest.mark.parametrize("height", [8, 28])
def test_two_classes_are_two_whatever_the_size(height: int, folder: Path) -> None:
    images = np.broadcast_to(np.arange(30, dtype=np.uint8)[:, None, None], (30, height, height))
    dataset = loaded(npz(folder, **keras(images, LABELS.clip(0, 1))))
    assert dataset.classes == ("class 0", "class 1")


def test_names_of_classes_are_never_blank_and_never_the_same(folder: Path) -> None:
    names = np.array(["", "a b", "a\nb"])
    dataset = loaded(npz(folder, **keras(GREY, names[LABELS])))
    assert dataset.classes == ("class 0", "a b", "a b (2)")
    for name in ("a b", "a\nb", "\u200b"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(GREY[number]).save(folder / "pictures" / name / f"{number}.png")
    assert load(str(folder / "pictures"), folder / "cache").classes == ("a b", "a b (2)", "class 2")


def test_very_long_names_are_cut_in_the_middle(folder: Path) -> None:
    names = np.array([f"{'x' * 300}{number}" for number in range(3)])
    dataset = loaded(npz(folder, **keras(GREY, names[LABELS])))
    assert dataset.classes == tuple(f"{'x' * 50}…{'x' * 48}{number}" for number in range(3))


def test_a_thousand_classes_need_wider_labels(folder: Path) -> None:
    labels = np.arange(2000) % 1000
    images = RNG.integers(0, 256, (2000, 2, 2), np.uint8)
    dataset = loaded(npz(folder, x_train=images, y_train=labels, x_test=images, y_test=labels))
    assert dataset.train.labels.dtype == np.uint16
    assert len(dataset.classes) == dataset.train.labels.max() + 1 == 1000


def test_without_a_test_set_a_part_of_each_class_is_set_aside_and_that_is_said(folder: Path) -> None:
    labels = np.repeat([0, 1, 2], [20, 9, 1])
    dataset = loaded(npz(folder, x_train=GREY, y_train=labels))
    assert (dataset.train.class_counts(3), dataset.test.class_counts(3)) == ([16, 7, 1], [4, 2, 0])
    assert dataset.note == "no test set: 20% of each class's images (6) are set aside for testing"
    both = {image.tobytes() for part in (dataset.train, dataset.test) for image in part.images}
    assert len(both) == 30


def idx_files(prefix: str, test: str, labels: NDArray[Any]) -> dict[str, bytes]:
    files = {}
    for part, chosen in (("train", slice(20)), (test, slice(20, 30))):
        images = GREY[chosen]
        files[f"{prefix}{part}-images-idx3-ubyte"] = struct.pack(">4I", 2051, *images.shape) + images.tobytes()
        own = labels[chosen].astype(np.uint8).tobytes()
        files[f"{prefix}{part}-labels-idx1-ubyte"] = struct.pack(">2I", 2049, len(own)) + own
    return files


def test_emnist_letters_by_their_own_names_with_labels_from_one(folder: Path) -> None:
    put(folder, idx_files("emnist-letters-", "test", LABELS + 1))
    assert loaded(folder).classes == ("class 1", "class 2", "class 3")


def test_one_of_several_idx_sets_is_named_by_its_training_images(folder: Path) -> None:
    put(folder, idx_files("emnist-letters-", "test", LABELS + 1) | idx_files("emnist-digits-", "test", LABELS))
    with pytest.raises(DataError, match="several data sets: emnist-digits-train-images-idx3-ubyte, emnist-letters-"):
        load(str(folder), folder.with_name("cache"))
    assert loaded(folder / "emnist-digits-train-images-idx3-ubyte").classes[0] == "class 0"


def table(label: str, header: bool, images: NDArray[Any] = GREY, labels: NDArray[Any] = LABELS) -> str:
    columns = [labels[:, None], images.reshape(len(images), -1)]
    names = ["label", *(f"pixel{index}" for index in range(images[0].size))]
    if label == "last":
        columns, names = columns[::-1], [*names[1:], names[0]]
    lines = [",".join(map(str, row)) for row in np.hstack(columns).tolist()]
    return "\n".join([",".join(names)] * header + [*lines, ""])


def with_border(images: NDArray[Any]) -> NDArray[Any]:
    return np.pad(images[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))


@pytest.mark.parametrize("label", ["first", "last"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    "vary",
    [
        str,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: '"' + text.strip().replace(",", '","').replace("\n", '"\n"') + '"',
        lambda text: "\n".join(line if "l" in line else line.replace(",", ".0,") for line in text.splitlines()),
    ],
    ids=["plain", "CRLF", "BOM", "quotes", "floats"],
)
def test_csv_as_on_kaggle(vary: Callable[[str], str], header: bool, label: str, folder: Path) -> None:
    images = with_border(GREY)
    parts = {"train": slice(20), "test": slice(20, 30)}
    texts = {f"some_{part}.csv": vary(table(label, header, images[at], LABELS[at])) for part, at in parts.items()}
    put(folder, {name: text.encode() for name, text in texts.items()})
    for path in (folder, folder / "some_train.csv"):
        dataset = load(str(path), folder.with_name("cache"))
        np.testing.assert_array_equal(dataset.train.images[:, 0], images[:20])
        np.testing.assert_array_equal(dataset.test.labels, LABELS[20:])


def test_one_csv_file_alone_gzipped(folder: Path) -> None:
    put(folder, {"all.csv.gz": gzip.compress(table("first", header=True).encode())})
    dataset = loaded(folder / "all.csv.gz")
    assert (len(dataset.train), len(dataset.test)) == (24, 6)
    assert dataset.source.endswith("all.csv.gz), CSV")


def encoded(image: NDArray[Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        put((folder / name).parent, {Path(name).name: content})
    return folder


NAMES = ("ant", "bee", "cat")


def tree(images: NDArray[Any], part: str = "") -> dict[str, bytes]:
    return {f"{part}{NAMES[index % 3]}/{index:02}.png": encoded(image) for index, image in enumerate(images)}


def test_folders_of_pictures_with_all_parts_and_files_that_are_none(folder: Path) -> None:
    files = tree(GREY[:18], "train/") | tree(GREY[18:24], "VAL/") | tree(GREY[24:], "test/")
    write(folder, files | {"train/ant/notes.txt": b"x", "train/ant/.DS_Store": b"x", "readme.md": b"x"})
    dataset = loaded(folder)
    assert (len(dataset.train), dataset.n_validation, len(dataset.test)) == (24, 6, 6)
    assert dataset.classes == NAMES
    assert dataset.note == "1 other file ignored"
    np.testing.assert_array_equal(dataset.train.images[:2, 0], GREY[[0, 3]])


def test_class_folders_alone_in_colour(folder: Path) -> None:
    dataset = loaded(write(folder, tree(RGB)))
    assert dataset.shape == (3, 9, 7)
    assert dataset.train.class_counts(3) == [8, 8, 8]
    assert dataset.note.startswith("no test set: 20%")


def test_a_size_makes_pictures_of_all_sizes_alike_and_is_part_of_the_caches_key(folder: Path) -> None:
    write(folder, tree(RGB, "train/") | tree(np.repeat(RGB, 3, axis=1), "test/"))
    dataset = loaded(folder, 5)
    assert dataset.shape == (3, 5, 5)
    assert dataset.source.endswith("pictures, resized to 5x5")
    assert load(f"{folder}#size=6", folder.with_name("cache")).shape == (3, 6, 6)


def test_a_changed_picture_is_read_again(folder: Path) -> None:
    first = loaded(write(folder, tree(GREY)))
    write(folder, {"ant/00.png": encoded(255 - GREY[0])})
    assert load(str(folder), folder.with_name("cache")).fingerprints != first.fingerprints


SQUARE = Image.fromarray(np.array([[0, 50], [100, 200]], np.uint8))
TURNED = Image.Exif()
TURNED[0x0112] = 6  # the camera was held upright: turn it clockwise
TRANSPARENT = Image.merge("LA", (SQUARE, SQUARE.point(lambda value: 255 * (value != 50))))
PALETTE = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8))
PALETTE.putpalette([255, 0, 0, 0, 0, 255])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("16 bits.PNG", encoded(np.array([[0, 12850], [25700, 51400]], np.uint16)), [[0, 50], [100, 200]]),
        ("black and white.png", encoded(SQUARE.point(lambda value: value > 60, "1")), [[0, 0], [255, 255]]),
        ("grey with alpha.png", encoded(TRANSPARENT), [[0, 255], [100, 200]]),
        ("turned.png", encoded(SQUARE, exif=TURNED), [[100, 0], [200, 50]]),
        ("palette.gif", encoded(PALETTE), [[(255, 0, 0), (0, 0, 255)], [(0, 0, 255), (255, 0, 0)]]),
        ("alpha.webp", encoded(Image.new("RGBA", (2, 2), (9, 9, 9, 0)), "WEBP", lossless=True), [[(255,) * 3] * 2] * 2),
        ("cmyk.jpg", encoded(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "JPEG"), [[(255, 0, 0)] * 2] * 2),
        ("a bitmap.bmp", encoded(SQUARE, "BMP"), [[0, 50], [100, 200]]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_pictures_of_every_kind(name: str, content: bytes, expected: list[Any], folder: Path) -> None:
    plain = {f"{part}/{kind}/other.png": encoded(SQUARE) for part in ("train", "test") for kind in "ab"}
    image = loaded(write(folder, plain | {f"train/a/ {name}": content})).train.images[0]
    wanted = np.array(expected)
    assert image.shape == ((1, 2, 2) if wanted.ndim == 2 else (3, 2, 2))
    np.testing.assert_allclose(image[0] if wanted.ndim == 2 else np.moveaxis(image, 0, 2), wanted, atol=3)


def test_links_to_class_folders_are_followed_and_those_below_are_not(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", tree(GREY))
    (folder / "train").mkdir()
    for name in NAMES:
        (folder / "train" / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere" / "ant" / "loop").symlink_to(tmp_path / "elsewhere")
    assert load(str(folder), tmp_path / "cache").train.class_counts(3) == [8, 8, 8]
