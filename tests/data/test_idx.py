from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.data.errors import DataError
from fmnist_tui.data.idx import IMAGES_MAGIC, LABELS_MAGIC, parse, read_images, read_labels

from .samples import Sample, images_file, labels_file, sample

SAMPLE = sample()
IMAGES = images_file(SAMPLE.train[0])
LABELS = labels_file(SAMPLE.train[1])


def complaint(content: bytes, magic: int = IMAGES_MAGIC) -> str:
    with pytest.raises(DataError) as caught:
        parse(content, "some-file", magic)
    assert "some-file" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["some-file", "some-file.gz"])
def test_images_and_labels_come_back_as_they_were_plain_or_gzipped_whatever_the_name(
    pack: Callable[[bytes], bytes], name: str, tmp_path: Path, small: Sample
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(IMAGES))
    images = read_images(path)
    path.write_bytes(pack(LABELS))
    labels = read_labels(path)
    np.testing.assert_array_equal(images, small.train[0])
    np.testing.assert_array_equal(labels, small.train[1])
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.c_contiguous
    assert not images.flags.writeable
    assert not labels.flags.writeable


def test_a_truncated_file_names_itself_and_says_what_to_do() -> None:
    assert complaint(IMAGES[:-1]) == (
        "some-file is truncated: the 60 images of its header take 47040 bytes, it contains 47039; "
        "download or copy it again"
    )


def test_a_file_that_ends_in_its_header_is_cut_short() -> None:
    assert "within its header" in complaint(IMAGES[:10])


def test_extra_bytes_are_refused() -> None:
    assert "is too long: the 60 images of its header take 47040 bytes, but more follow" in complaint(IMAGES + b"\0")
    assert "is too long" in complaint(gzip.compress(IMAGES + b"\0"))


def test_an_empty_file_is_called_empty() -> None:
    assert "is empty" in complaint(b"")
    assert "is empty" in complaint(gzip.compress(b""))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LABELS, "it contains labels; the names of the files may be swapped"),
        (b"hello world, no images here", "it starts with 68656c6c; download or copy it again"),
        (b"\0", "it starts with 00; download"),
        (b"PK\x03\x04rest", "it is a zip archive; unzip it"),
        (b"<html>not found", "it is a web page; download the file itself"),
        (b"\x89PNG\r\n\x1a\n", "it is a PNG picture; use IDX or CSV files"),
        (b"\xff\xd8\xff\xe0", "it is a JPEG picture; use IDX or CSV files"),
        (b"BZh91AY", "it is compressed with bzip2; decompress it: bunzip2"),
        (gzip.compress(gzip.compress(IMAGES)), "it is compressed twice; decompress it once: gunzip"),
        (b"version https://git-lfs", "it is a Git LFS pointer, not the file itself; fetch it"),
        (b"\0\0\x0d\x03" + bytes(20), "it contains values of type 0d in 3 dimensions; save images as unsigned bytes"),
    ],
    ids=["labels", "text", "one byte", "zip", "HTML", "PNG", "JPEG", "bzip2", "gzip twice", "Git LFS", "floats"],
)
def test_a_file_of_another_kind_is_refused_with_what_helps(content: bytes, words: str) -> None:
    assert words in complaint(content)


def test_images_where_labels_belong_are_refused() -> None:
    assert "not an IDX file of labels: it contains images" in complaint(IMAGES, LABELS_MAGIC)


@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 14, 56), (3, 1, 1)])
def test_images_of_any_size_are_read(shape: tuple[int, int, int]) -> None:
    assert parse(images_file(np.zeros(shape, np.uint8)), "some-file", IMAGES_MAGIC).shape == shape


@pytest.mark.parametrize("shape", [(3, 0, 28), (3, 28, 0)])
def test_images_without_pixels_are_refused(shape: tuple[int, int, int]) -> None:
    assert f"images of {shape[1]}x{shape[2]} pixels; " in complaint(images_file(np.zeros(shape, np.uint8)))


@pytest.mark.parametrize(("shape", "channels_first"), [((5, 4, 6, 3), (5, 3, 4, 6)), ((5, 3, 4, 6), (5, 3, 4, 6))])
def test_images_in_colour_come_channels_first(
    shape: tuple[int, ...], channels_first: tuple[int, ...], tmp_path: Path
) -> None:
    pixels = np.arange(5 * 72, dtype=np.uint16).astype(np.uint8).reshape(shape)
    path = tmp_path / "some-file"
    path.write_bytes(struct.pack(">5I", 2052, *shape) + pixels.tobytes())
    assert read_images(path).shape == channels_first
    assert read_images(path)[0, :, 0, 1].tolist() == (pixels[0, 0, 1] if shape[3] == 3 else pixels[0, :, 0, 1]).tolist()


@pytest.mark.parametrize(("kind", "dtype"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4")])
def test_labels_may_be_wider_integers(kind: int, dtype: str) -> None:
    labels = np.array([0, 7, 120], dtype)
    content = struct.pack(">2I", kind << 8 | 1, 3) + labels.tobytes()
    np.testing.assert_array_equal(parse(content, "some-file", LABELS_MAGIC), labels)


def test_a_file_of_no_images_is_refused() -> None:
    assert "contains no images" in complaint(images_file(np.zeros((0, 28, 28), np.uint8)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_count_of_billions_is_refused_without_reserving_memory(pack: Callable[[bytes], bytes]) -> None:
    content = pack(struct.pack(">4I", 2051, 0xFFFFFFFF, 28, 28) + b"\0" * 784)
    tracemalloc.start()
    try:
        assert "truncated" in complaint(content)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_stream_that_unpacks_to_far_more_than_its_header_promises_is_not_unpacked_to_its_end() -> None:
    bomb = gzip.compress(IMAGES + bytes(200_000_000), 1)
    tracemalloc.start()
    try:
        assert "too long" in complaint(bomb)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_may_not_be_read_says_who_can_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot read .*some-file: Permission denied; you lack the permission"):
        read_images(tmp_path / "some-file")


@given(st.binary(max_size=60))
def test_any_bytes_give_a_data_error_or_valid_labels(noise: bytes) -> None:
    for content in (noise, gzip.compress(noise), b"\x1f\x8b" + noise, struct.pack(">I", 2049) + noise):
        try:
            labels = parse(content, "some-file", LABELS_MAGIC)
        except DataError:
            continue
        assert labels.ndim == 1


@given(st.integers(0, len(IMAGES) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_images_give_a_data_error_or_valid_images(place: int, damage: bytes, gzipped: bool) -> None:
    content = gzip.compress(IMAGES, 1) if gzipped else IMAGES
    place %= len(content)
    content = content[:place] + damage + content[place + len(damage) :]
    try:
        images = parse(content, "some-file", IMAGES_MAGIC)
    except DataError:
        return
    assert images.size <= max(60 * 784, len(content) * 1040)
