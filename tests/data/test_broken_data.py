"""Broken data sets of every kind, each with the line that says what is wrong and what to do."""

# ruff: noqa: E501 - a line of the table is a line on the screen

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fmnist_tui.data import DataError, load

from .samples import put

Break = Callable[[Path], Path]
RNG = np.random.default_rng(0)


def grey(count: int = 12, side: int = 6) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return RNG.integers(0, 256, (count, side, side), np.uint8)


def labels(count: int = 12, classes: int = 3) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.arange(count) % classes


def arrays(**changed: Any) -> dict[str, Any]:
    """The arrays of a valid archive, some of them changed or, with None, left out."""
    good = {"x_train": grey(), "y_train": labels(), "x_test": grey(6), "y_test": labels(6)}
    return {name: array for name, array in (good | changed).items() if array is not None}


def npz(**changed: Any) -> Break:
    def write(folder: Path) -> Path:
        np.savez(folder / "some.npz", **arrays(**changed))
        return folder / "some.npz"

    return write


def archive(content: bytes | None = None, cut: int | None = None) -> Break:
    """An archive whose x_train is this content, or of which only the first bytes are there."""

    def write(folder: Path) -> Path:
        path = npz()(folder)
        if content is not None:
            members = {f"{name}.npy": saved(array) for name, array in arrays().items()} | {"x_train.npy": content}
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
                for name, data in members.items():
                    file.writestr(name, data)
        path.write_bytes(path.read_bytes()[:cut])
        return path

    return write


def saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def csv(text: str, name: str = "some.csv") -> Break:
    return lambda folder: put(folder, {name: text.encode()}) / name


def rows(*lines: str, head: str = "label,pixel1,pixel2,pixel3,pixel4") -> Break:
    return csv("\n".join([head, *lines, ""]))


IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(**changed: bytes) -> Break:
    """The four files, some of them with other content: "train_images", ..."""

    def write(folder: Path) -> Path:
        contents = dict(zip(("train_images", "train_labels", "test_images", "test_labels"), IDX, strict=True))
        good = {"train_images": idx_images(12), "train_labels": idx_labels(labels())}
        good |= {"test_images": idx_images(6), "test_labels": idx_labels(labels(6))}
        return put(folder, {contents[part]: content for part, content in (good | changed).items()})

    return write


def idx_images(count: int, side: int = 6) -> bytes:
    return struct.pack(">4I", 2051, count, side, side) + grey(count, side).tobytes()


def idx_labels(values: Any) -> bytes:
    return struct.pack(">2I", 0x0C01, len(values)) + np.asarray(values, ">i4").tobytes()


def picture(mode: str = "L", size: tuple[int, int] = (6, 6), kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind, **options)
    return stream.getvalue()


GOOD = {f"{part}/{name}/{index}.png": picture() for part in ("train", "test") for name in "ab" for index in range(3)}


def pictures(changed: dict[str, bytes] | None = None, without: str = "-", size: int | None = None) -> Break:
    """Folders of pictures, some files changed or added, and those left out whose path begins so."""

    def write(folder: Path) -> Path:
        files = {name: content for name, content in GOOD.items() if not name.startswith(without)} | (changed or {})
        for name, content in files.items():
            put((folder / name).parent, {Path(name).name: content})
        return Path(f"{folder}#size={size}") if size else folder

    return write


def after(write: Break, change: Callable[[Path], object]) -> Break:
    def both(folder: Path) -> Path:
        path = write(folder)
        change(folder)
        return path

    return both


def png_that_claims(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    chunks = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunks + picture()[33:]


ANIMATION = picture(kind="GIF", save_all=True, append_images=[Image.new("L", (6, 6), 9), Image.new("L", (6, 6), 90)])

NOISE = io.BytesIO()
Image.fromarray(grey(1, 60)[0]).save(NOISE, "PNG")

# What is broken, and the line: DATA is the folder, and what follows it in each path is as the user gave it.
BROKEN: dict[str, tuple[Break, str]] = {
    # .npz
    "npz: not a zip": (csv("no zip at all", "some.npz"), "DATA/some.npz is not an .npz archive, or it is truncated; download or copy it again"),
    "npz: truncated": (archive(cut=500), "DATA/some.npz is not an .npz archive, or it is truncated; download or copy it again"),
    "npz: other names": (npz(x_train=None, y_train=None, x_test=None, y_test=None, X=grey(), y=labels()), "DATA/some.npz contains X, y; name the arrays x_train, y_train, x_test and y_test, or train_images, train_labels, test_images and test_labels"),
    "npz: no labels": (npz(y_test=None), "DATA/some.npz lacks the array y_test; name the arrays x_train, y_train, x_test and y_test, or train_images, train_labels, test_images and test_labels"),
    "npz: objects": (npz(x_train=np.array([grey(1)[0], None], object)), "x_train of DATA/some.npz holds Python objects, which are not read; save it as an array of numbers"),
    "npz: text for pixels": (npz(x_train=np.full((12, 6, 6), "9")), "x_train of DATA/some.npz has the type <U1; save it as an array of numbers"),
    "npz: claims terabytes": (archive(header((10**9, 32, 32)) + bytes(100)), "x_train of DATA/some.npz claims 1024.0 GB, more than 2.1 GB; use fewer or smaller images"),
    "npz: less than its header": (archive(header((12, 6, 6)) + bytes(100)), "x_train of DATA/some.npz is truncated: it has 100 bytes of 432; download or copy it again"),
    "npz: damaged header": (archive(b"\x93NUMPY\x01\x00\x10\x00{'descr': nonsense"), "x_train of DATA/some.npz is damaged: it can't be read; download or copy it again"),
    "npz: NaN": (npz(x_train=np.where(np.arange(12)[:, None, None] == 3, np.nan, grey() / 255)), "x_train of DATA/some.npz has values that are not finite, first in image 3; fix or remove it"),
    "npz: standardised": (npz(x_train=np.full((12, 6, 6), -0.5)), "x_train of DATA/some.npz has negative values (-0.5); give pixels as they are, 0 to 255 or 0 to 1, not standardised"),
    "npz: 16 bits": (npz(x_train=np.full((12, 6, 6), 65535, np.uint16)), "x_train of DATA/some.npz has values up to 65535, not 255; scale the pixels to 0 to 255"),
    "npz: scaled differently": (npz(x_train=np.full((12, 6, 6), 200, np.uint8), x_test=np.full((6, 6, 6), 0.5)), "DATA/some.npz has pixels 0 to 200 in x_train but 0 to 1 in x_test; scale all arrays alike"),
    "npz: alpha channel": (npz(x_train=RNG.integers(0, 256, (12, 6, 6, 4))), "x_train of DATA/some.npz has the shape 12x6x6x4, which is neither grey nor RGB; remove the alpha channel"),
    "npz: flat, but not square": (npz(x_train=grey().reshape(12, 36)[:, :35]), "x_train of DATA/some.npz has the shape 12x35; give images as (N, height, width), (N, height, width, channels) or (N, channels, height, width)"),
    "npz: no images": (npz(x_train=grey(0), y_train=labels(0)), "x_train of DATA/some.npz contains no images; give at least one image"),
    "npz: a single number": (npz(x_train=np.uint8(1)), "x_train of DATA/some.npz has the shape of a single number; give images as (N, height, width), (N, height, width, channels) or (N, channels, height, width)"),
    "npz: labels beyond all integers": (npz(y_train=labels().astype(np.uint64) + np.uint64(2**63)), "y_train of DATA/some.npz has label 9223372036854775808 at image 0; number the classes from 0"),
    "npz: one-hot labels": (npz(y_train=np.eye(3)[labels()]), "y_train of DATA/some.npz has the shape 12x3; give one class number for each image: y.argmax(axis=1)"),
    "npz: fractions for labels": (npz(y_train=labels() / 2), "y_train of DATA/some.npz has label 0.5 at image 1; labels must be whole numbers"),
    "npz: fewer labels": (npz(y_train=labels(11)), "x_train of DATA/some.npz has 12 images but y_train 11 labels; give one label for each image"),
    "npz: negative label": (npz(y_train=labels() - 1), "x_train of DATA/some.npz has label -1 at image 0; remove images without a class, and number the classes from 0"),
    "npz: one class": (npz(y_train=labels() * 0, y_test=labels(6) * 0), "x_train of DATA/some.npz has images of one class only; at least 2 classes are needed"),
    "npz: too few to set aside": (npz(x_train=grey(3), y_train=labels(3), x_test=None, y_test=None), "x_train of DATA/some.npz has no test set, and too few images to set some of a class aside; add a test set, or at least a second image of a class"),
    "npz: too many classes": (npz(x_train=grey(2000), y_train=np.arange(2000)), "x_train of DATA/some.npz has 2,000 different labels; at most 1,000 classes are supported: give one label per class"),
    "npz: another size for testing": (npz(x_test=grey(6, 8)), "x_train of DATA/some.npz has images of 6x6 but x_test of DATA/some.npz has images of 8x8; all images must have the same size and colours"),
    "npz: a size for what isn't pictures": (lambda folder: Path(f"{npz()(folder)}#size=8"), "--size resizes pictures, and DATA/some.npz holds an .npz archive; leave --size out"),
    # CSV
    "csv: not square": (rows("0,1,2,3", head="label,pixel1,pixel2,pixel3"), "DATA/some.csv, line 1: it has 4 values, all of them pixels: the label is missing; each row is a label and the pixels of a square grey image, such as 785 values for 28x28"),
    "csv: no label": (rows("1,2,3,4", head="pixel1,pixel2,pixel3,pixel4"), "DATA/some.csv, line 1: the header names 4 pixels but no label; use a file with labels"),
    "csv: semicolons": (csv("label;pixel1\n1;2\n"), "DATA/some.csv, line 1: the values are separated by semicolons; separate them by commas"),
    "csv: a fraction": (rows("0,1,2,3,4", "1,1,2,0.5,4"), "DATA/some.csv, line 3: pixel 3 is 0.5, not an integer from 0 to 255; fix that line or download the file again"),
    "csv: a name for a label": (rows("0,1,2,3,4", "cat,1,2,3,4"), "DATA/some.csv, line 3: the label is cat, not an integer from 0 to 999; fix that line or download the file again"),
    "csv: a short row": (rows("0,1,2,3,4", "1,1,2,3"), "DATA/some.csv, line 3: it has 4 values, not 5; fix that line or download the file again"),
    "csv: only a header": (rows(), "DATA/some.csv contains no images: there are no rows after the header; download or copy it again"),
    # IDX
    "idx: truncated": (idx(train_images=idx_images(12)[:-9]), "DATA/train-images-idx3-ubyte is truncated: the 12 images of its header take 432 bytes, it contains 423; download or copy it again"),
    "idx: floats": (idx(train_images=b"\0\0\x0d\x03" + bytes(20)), "DATA/train-images-idx3-ubyte is not an IDX file of images: it contains values of type 0d in 3 dimensions; save images as unsigned bytes (type 08) in 3 dimensions, labels as integers in 1"),
    "idx: gzip bomb": (idx(train_labels=gzip.compress(idx_labels(labels()) + bytes(20_000_000))), "DATA/train-labels-idx1-ubyte is too long: the 12 labels of its header take 48 bytes, but more follow; download it again, or, if you wrote it yourself, fix its header"),
    "idx: negative label": (idx(test_labels=idx_labels(labels(6) - 1)), "DATA/t10k-images-idx3-ubyte has label -1 at image 0; remove images without a class, and number the classes from 0"),
    # pictures
    "pictures: several sizes": (pictures({"train/b/0.png": picture(size=(8, 6))}), "DATA/train/a/0.png has 6x6 pixels, DATA/train/b/0.png 8x6; bring all to one size: --size 32"),
    "pictures: text in disguise": (pictures({"train/b/0.png": b"no picture"}), "DATA/train/b/0.png is not a picture, whatever its name; remove it, or save it as PNG or JPEG"),
    "pictures: truncated": (pictures({"train/b/0.png": NOISE.getvalue()[:-200]}, size=6), "DATA/train/b/0.png is damaged or truncated; copy it again, or remove it"),
    "pictures: bomb": (pictures({"train/b/0.png": png_that_claims(30_000, 30_000)}), "DATA/train/b/0.png claims more than 50,000,000 pixels; remove it, or make it smaller"),
    "pictures: animated": (pictures({"train/b/0.GIF": ANIMATION}), "DATA/train/b/0.GIF has 3 frames; save one of them as a picture of its own"),
    "pictures: floating point": (pictures({"train/b/0.tiff": picture("F", kind="TIFF")}), "DATA/train/b/0.tiff has floating-point values; save it with 8 bits per channel"),
    "pictures: an empty class": (after(pictures(), lambda folder: (folder / "train" / "c").mkdir()), "DATA/train/c contains no pictures; add some, or remove the folder"),
    "pictures: a class only in test": (pictures({"test/cat/0.png": picture()}), "DATA/test has the class cat, which DATA/train has not; classes are called the same in both: rename or remove the folder"),
    "pictures: no class folders": (pictures({"train/0.png": picture()}, without="train"), "DATA/train contains pictures but no class folders; put the pictures of each class into a folder of its own"),
    "pictures: one class": (pictures(without="train/b"), "DATA/train has one class folder only, a; at least 2 classes are needed"),
    "pictures: test without train": (after(pictures(without="train"), lambda folder: (folder / "Train").touch()), "DATA has test but no train; call the folder to train on train"),
    "pictures: a link in a circle": (after(pictures(), lambda folder: (folder / "train" / "loop").symlink_to(folder)), "DATA/train/loop is a link to a folder that contains it; remove the link"),
    "pictures: a link to itself": (after(pictures(), lambda folder: (folder / "train" / "b" / "9.png").symlink_to("9.png")), "DATA/train/b/9.png is a link that can't be followed; fix or remove it"),
    "pictures: train twice": (after(pictures(), lambda folder: (folder / "TRAIN").mkdir()), "DATA has both TRAIN and train; remove one of them"),
    "pictures: larger than can be": (pictures({name: picture(size=(2000, 2)) for name in GOOD}), "DATA/train/a/0.png has 2000x2 pixels; bring all to a smaller size: --size 64"),
    # other
    "nothing there": (lambda folder: folder / "nowhere", "there is no folder DATA/nowhere; give the folder that contains the IDX or CSV files or the pictures, or an .npz or .csv file"),
    "a picture for a folder": (lambda folder: put(folder, {"cat.PNG": picture()}) / "cat.PNG", "DATA/cat.PNG is neither a folder nor a file of a known format; give the folder that contains the class folders"),
    "several data sets": (lambda folder: put(folder, {"a.npz": b"", "b.npz": b""}), "DATA contains several data sets: a.npz, b.npz; give one of these files"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_is_said_in_one_line_with_what_to_do(kind: str, tmp_path: Path) -> None:
    write, line = BROKEN[kind]
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(DataError) as caught:
        load(str(write(folder)), tmp_path / "cache")
    assert str(caught.value).replace(str(folder), "DATA") == line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_says_how_to_change_that(tmp_path: Path) -> None:
    folder = pictures()(tmp_path)
    (folder / "train" / "a" / "0.png").chmod(0)
    with pytest.raises(DataError, match=r"cannot read .*/0\.png: Permission denied; you lack the permission"):
        load(str(folder), tmp_path / "cache")
