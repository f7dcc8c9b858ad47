"""Kaggle's CSV form of Fashion-MNIST: a header, then an image a row, its label first.

Source: https://www.kaggle.com/datasets/zalando-research/fashionmnist
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from gzip import GzipFile
from io import BufferedReader
from pathlib import Path

import numpy as np

from fmnist_tui.data import progress as steps
from fmnist_tui.data.csv_rows import CELLS, LONGEST_LINE, parse_rows
from fmnist_tui.data.dataset import SIDE, ImageSet
from fmnist_tui.data.errors import DataError, reason
from fmnist_tui.data.idx import FETCH_AGAIN, GZIP_MAGIC
from fmnist_tui.data.progress import Progress, Report, Stop

NAMES = ("fashion-mnist_train.csv", "fashion-mnist_test.csv")
BLOCK = 1 << 18  # bytes that are parsed at a time; what is made of them fits into a processor's cache
Stream = BufferedReader | GzipFile


def read(path: Path, report: Report, cancelled: Stop) -> ImageSet:
    """Read the images in a CSV file, plain or gzipped.

    The header is `label,pixel1,...,pixel784`, or counts from pixel0 as other sets on Kaggle do. A file without
    a header is read as well: a first line of 785 numbers can be nothing but an image. A byte order mark is
    passed over. `parse_rows` says what a row may be.

    Args:
        path: The file.
        report: Told how many bytes of the file have been read.
        cancelled: Asked at every 256 KB of text.

    Raises:
        DataError: The file cannot be read or is not right; a wrong row is named by its line.
        Cancelled: `cancelled` turned true.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size

            def tick() -> None:
                steps.check(cancelled)
                report(Progress(f"reading {path.name}", file.tell(), size))

            return _parse(GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP_MAGIC else file, str(path), tick)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{path} is damaged or cut short: it cannot be unpacked", FETCH_AGAIN) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", "check the file and its permissions") from None


def _parse(stream: Stream, name: str, tick: Callable[[], None]) -> ImageSet:
    images, labels = [], []
    for line, block in _blocks(stream, name):
        tick()
        rows = parse_rows(block, line, name)
        images.append(rows[:, 1:].reshape(-1, SIDE, SIDE))
        labels.append(rows[:, 0].copy())
    if not sum(map(len, labels)):
        raise DataError(f"{name} holds no images: from line 2 on there is none", FETCH_AGAIN)
    return ImageSet.of(np.concatenate(images), np.concatenate(labels))


def _blocks(stream: Stream, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines after the header in blocks, each with the number of its first line."""
    first = stream.readline(LONGEST_LINE)
    if not first:
        raise DataError(f"{name} is empty", FETCH_AGAIN)
    start = len(codecs.BOM_UTF8) if first.startswith(codecs.BOM_UTF8) else 0
    line = 2
    if not _is_header(first[start:], name):
        stream.seek(start)
        line = 1
    while block := stream.read(BLOCK):
        block += stream.readline(LONGEST_LINE)
        if not block.endswith(b"\n"):  # the last line, or one that `parse_rows` refuses for its length
            block += b"\n"
        yield line, block
        line += block.count(b"\n")


def _is_header(text: bytes, name: str) -> bool:
    """Whether the first line is the header; raise DataError for one that names other columns."""
    titles = [title.strip().strip(b'"') for title in text.split(b",")]
    if titles[0] != b"label":
        return False
    for first in (1, 0):
        if titles[1:] == [b"pixel%d" % (first + place) for place in range(CELLS - 1)]:
            return True
    raise DataError(f"{name}, line 1: the header is not label,pixel1,...,pixel{CELLS - 1}", FETCH_AGAIN)
