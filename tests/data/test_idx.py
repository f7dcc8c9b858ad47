from __future__ import annotations

import gzip
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.data.errors import DataError
from fmnist_tui.data.idx import parse_images, parse_labels

from .samples import Sample, images_file, labels_file, sample

SAMPLE = sample()
IMAGES = images_file(SAMPLE.train[0])
LABELS = labels_file(SAMPLE.train[1])


def complaint(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        parse_images(content, "some-file")
    assert "some-file" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_and_labels_come_back_as_they_were_plain_or_gzipped(
    pack: Callable[[bytes], bytes], small: Sample
) -> None:
    images, labels = parse_images(pack(IMAGES), "images"), parse_labels(pack(LABELS), "labels")
    np.testing.assert_array_equal(images, small.train[0])
    np.testing.assert_array_equal(labels, small.train[1])
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.c_contiguous
    assert not images.flags.writeable
    assert not labels.flags.writeable


def test_a_truncated_file_names_itself_and_says_what_to_do() -> None:
    assert complaint(IMAGES[:-1]) == "some-file is cut short: 47055 bytes of 47056; fetch the file again"


def test_a_file_that_ends_in_its_header_is_cut_short() -> None:
    assert "within its header" in complaint(IMAGES[:10])


def test_extra_bytes_are_refused() -> None:
    assert "is too long: 47057 bytes, not 47056" in complaint(IMAGES + b"\0")


def test_an_empty_file_is_called_empty() -> None:
    assert "is empty" in complaint(b"")
    assert "is empty" in complaint(gzip.compress(b""))


@pytest.mark.parametrize("content", [LABELS, b"hello world, no images here", b"\0"])
def test_a_file_of_another_kind_is_refused_by_its_first_bytes(content: bytes) -> None:
    assert f"starts with {content[:4].hex()}, not 00000803" in complaint(content)


def test_images_where_labels_belong_are_refused() -> None:
    with pytest.raises(DataError, match="not an IDX file of labels"):
        parse_labels(IMAGES, "some-file")


def test_images_of_another_size_are_refused() -> None:
    assert "images of 32x32 pixels; only 28x28" in complaint(images_file(np.zeros((3, 32, 32), np.uint8)))


def test_a_file_of_no_images_is_refused() -> None:
    assert "holds no images" in complaint(images_file(np.zeros((0, 28, 28), np.uint8)))


def test_a_count_of_billions_is_refused_without_reserving_memory() -> None:
    assert "cut short" in complaint(struct.pack(">4I", 2051, 0xFFFFFFFF, 28, 28) + b"\0" * 784)


def test_a_label_past_nine_is_named_with_its_place() -> None:
    labels = np.array([3, 9, 10, 200], np.uint8)
    with pytest.raises(DataError, match="label 10 at image 2; labels must be 0 to 9"):
        parse_labels(labels_file(labels), "some-file")


def test_a_damaged_gzip_stream_is_refused() -> None:
    packed = gzip.compress(IMAGES)
    middle = len(packed) // 2
    assert "cannot be unpacked" in complaint(packed[:middle])
    assert "cannot be unpacked" in complaint(packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :])


def test_bytes_behind_a_gzip_stream_are_refused() -> None:
    assert "other bytes after its gzip stream" in complaint(gzip.compress(IMAGES) + b"more")


@given(st.binary(max_size=60))
def test_any_bytes_give_a_data_error_or_valid_labels(noise: bytes) -> None:
    for content in (noise, gzip.compress(noise), b"\x1f\x8b" + noise, struct.pack(">I", 2049) + noise):
        try:
            labels = parse_labels(content, "some-file")
        except DataError:
            continue
        assert labels.ndim == 1
        assert labels.max() <= 9


@given(st.integers(0, len(IMAGES) - 1), st.binary(min_size=1, max_size=8), st.booleans())
def test_damaged_images_give_a_data_error_or_valid_images(place: int, damage: bytes, gzipped: bool) -> None:
    content = gzip.compress(IMAGES, 1) if gzipped else IMAGES
    place %= len(content)
    content = content[:place] + damage + content[place + len(damage) :]
    try:
        images = parse_images(content, "some-file")
    except DataError:
        return
    assert images.shape == (60, 28, 28)
