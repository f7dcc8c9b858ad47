from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.data import Cancelled, DataError, Progress, kaggle
from fmnist_tui.data.assembling import Part
from fmnist_tui.data.errors import never, quiet

from .samples import HEADER, Sample, csv_file, csv_lines, sample

SAMPLE = sample(train=30)
CONTENT = csv_file(*SAMPLE.train)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fashion-mnist_train.csv"


def read(path: Path, content: bytes) -> Part:
    path.write_bytes(content)
    return kaggle.read(path, quiet, never)


def complaint(path: Path, content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content)
    assert str(path) in str(caught.value)
    return str(caught.value).replace(str(path), "train.csv")


def assert_sample(images: Part) -> None:
    np.testing.assert_array_equal(images.images, SAMPLE.train[0])
    np.testing.assert_array_equal(images.labels, SAMPLE.train[1])
    assert images.images.dtype == np.uint8
    assert images.images.flags.c_contiguous


@pytest.mark.parametrize(
    "vary",
    [
        bytes,
        gzip.compress,
        lambda content: content.rstrip(b"\n"),
        lambda content: content + b"\n\r\n",
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(HEADER.encode(), b'"label","' + HEADER[6:].replace(",", '","').encode() + b'"'),
        lambda content: content.replace(HEADER.encode(), zero_based().encode()),
        lambda content: content.partition(b"\n")[2],
        lambda content: b"\xef\xbb\xbf" + content.partition(b"\n")[2],
    ],
    ids=[
        "plain",
        "gzipped",
        "no end of the last line",
        "blank lines at the end",
        "CRLF",
        "byte order mark",
        "quoted header",
        "pixel0 first",
        "no header",
        "no header, byte order mark",
    ],
)
def test_a_file_in_any_usual_dress_holds_the_same_images(vary: Callable[[bytes], bytes], path: Path) -> None:
    assert_sample(read(path, vary(CONTENT)))


def zero_based() -> str:
    return ",".join(["label", *(f"pixel{number}" for number in range(784))])


@pytest.mark.parametrize("size", [1000, 4096])
def test_blocks_end_where_lines_end(size: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle, "BLOCK", size)
    assert_sample(read(path, CONTENT))
    assert_sample(read(path, CONTENT[:-1]))


def test_the_line_of_a_fault_is_the_one_an_editor_shows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle, "BLOCK", 4096)
    lines = CONTENT.split(b"\n")
    lines[24] = lines[24].replace(b",", b",x", 1)
    for end in (b"\n", b"\r\n"):
        assert "train.csv, line 25: pixel 1 is x" in complaint(path, end.join(lines))


def test_without_a_header_the_first_image_is_line_one(path: Path) -> None:
    lines = CONTENT.partition(b"\n")[2]
    assert "train.csv, line 1: the label is 7777" in complaint(path, b"7777" + lines[1:])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "train.csv is empty"),
        (gzip.compress(b""), "train.csv is empty"),
        (b"\xef\xbb\xbf", "train.csv contains no images"),
        (b"\n\n", "train.csv contains no images"),
        (HEADER.encode(), "train.csv contains no images: there are no rows after the header"),
        (f"{HEADER}\n\n".encode(), "train.csv contains no images"),
        (
            CONTENT.replace(b"pixel2,", b""),
            "train.csv, line 1: it has 784 values, all of them pixels: the label is missing",
        ),
        (
            CONTENT.replace(b"pixel2,pixel3", b"pixel3,pixel2"),
            "train.csv, line 1: the pixels of the header are not in order",
        ),
        (
            CONTENT.replace(b"label", b"kind", 1),
            "line 1: neither the first column, kind, nor the last, pixel784, is called label",
        ),
        (b"<html>sign in to this network</html>", "train.csv is not a CSV file: it is a web page; download the file"),
        (CONTENT.decode().encode("utf-16"), "train.csv is not a CSV file: it is text in UTF-16; save it as UTF-8"),
        (b"PK\x03\x04" + CONTENT, "train.csv is not a CSV file: it is a zip archive; unzip it"),
        (b"\0" * 1_000_000, "train.csv, line 1: it is too long for a row of numbers"),
        (f"{HEADER}\n".encode() + b"7," * 500_000, "train.csv, line 2: it is too long for 785 numbers"),
        (gzip.compress(CONTENT)[:-20], "train.csv is truncated: its gzip stream has no end"),
        (gzip.compress(CONTENT)[:-8] + b"\1" * 8, "train.csv is damaged: it can't be decompressed"),
    ],
    ids=[
        "no bytes",
        "no bytes gzipped",
        "byte order mark alone",
        "blank lines alone",
        "header alone",
        "header and a blank line",
        "header lacks a name",
        "header has names in another order",
        "header starts otherwise",
        "web page",
        "UTF-16",
        "zip archive",
        "one line of zero bytes",
        "one line of numbers",
        "gzip cut short",
        "gzip with a wrong sum",
    ],
)
def test_a_file_that_is_no_table_of_images_is_reported_in_one_line(content: bytes, problem: str, path: Path) -> None:
    assert problem in complaint(path, content)


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: gzip.compress(content[:1000]) + gzip.compress(content[1000:]) + b"more",
        lambda content: gzip.compress(codecs.BOM_UTF8 + content) + bytes(99),
        lambda content: gzip.compress(content.partition(b"\n")[2]),
    ],
    ids=["two members and more", "byte order mark, zeros behind", "no header"],
)
def test_whatever_gzip_reads_is_read(path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(CONTENT))
    expected = SAMPLE.train
    np.testing.assert_array_equal(kaggle.read(path, quiet, never).images, expected[0])


def test_a_missing_file_is_reported(path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*train\.csv: No such file"):
        kaggle.read(path, quiet, never)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_progress_counts_the_bytes_of_the_file(pack: Callable[[bytes], bytes], path: Path) -> None:
    content = pack(CONTENT)
    path.write_bytes(content)
    seen: list[Progress] = []
    kaggle.read(path, seen.append, never)
    assert seen[-1] == Progress("reading fashion-mnist_train.csv", len(content), len(content))


def test_a_request_to_stop_is_read_between_the_blocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle, "BLOCK", 4096)
    path.write_bytes(CONTENT)
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        kaggle.read(path, seen.append, lambda: len(seen) == 2)
    assert len(seen) == 2


@given(st.integers(0, len(CONTENT)), st.integers(0, 9000), st.binary(max_size=20), st.booleans())
def test_any_damage_gives_a_data_error_or_valid_images(
    tmp_path_factory: pytest.TempPathFactory, place: int, removed: int, damage: bytes, gzipped: bool
) -> None:
    content = gzip.compress(CONTENT, 1) if gzipped else CONTENT
    place %= len(content)
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    try:
        images = read(path, content[:place] + damage + content[place + removed :])
    except DataError:
        return
    assert len(images.images) == len(images.labels)
    assert images.labels.max() <= 999


def test_an_image_comes_out_of_a_single_line(path: Path, small: Sample) -> None:
    line = csv_lines(*small.train)[0]
    assert len(read(path, line.encode()).labels) == 1
