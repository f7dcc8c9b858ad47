"""Kaggle's CSV form of Fashion-MNIST: a header, then an image a row, its label first.

Source: https://www.kaggle.com/datasets/zalando-research/fashionmnist
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from fmnist_tui.data import progress as steps
from fmnist_tui.data.csv_rows import CELLS, LONGEST_LINE, parse_rows
from fmnist_tui.data.dataset import SIDE, ImageSet
from fmnist_tui.data.errors import DataError, unreadable
from fmnist_tui.data.kinds import check_kind
from fmnist_tui.data.progress import Progress, Report, Stop
from fmnist_tui.data.unpacking import COPY_AGAIN, unpacked

NAMES = ("fashion-mnist_train.csv", "fashion-mnist_test.csv")
BLOCK = 1 << 18  # bytes that are parsed at a time; what is made of them fits into a processor's cache


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

            return _parse(unpacked(file, str(path)), str(path), tick)
    except OSError as error:
        raise unreadable(path, error) from None
    except MemoryError:
        raise DataError(f"{path} holds more images than this machine's memory does", "use fewer images") from None


def _parse(stream: IO[bytes], name: str, tick: Callable[[], None]) -> ImageSet:
    images, labels = [], []
    for line, block in _blocks(stream, name):
        tick()
        rows = parse_rows(block, line, name)
        images.append(rows[:, 1:].reshape(-1, SIDE, SIDE))
        labels.append(rows[:, 0].copy())
    if not sum(map(len, labels)):
        raise DataError(f"{name} holds no images: from line 2 on there is none", COPY_AGAIN)
    return ImageSet.of(np.concatenate(images), np.concatenate(labels))


def _blocks(stream: IO[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines after the header in blocks, each with the number of its first line."""
    first = stream.readline(LONGEST_LINE)
    if not first:
        raise DataError(f"{name} is empty", COPY_AGAIN)
    check_kind(first, "a CSV file", name)
    start = len(codecs.BOM_UTF8) if first.startswith(codecs.BOM_UTF8) else 0
    has_header = _is_header(first[start:], name)
    line, block = (2, b"") if has_header else (1, first[start:])
    while block := block + stream.read(BLOCK):
        block += stream.readline(LONGEST_LINE)
        if not block.endswith(b"\n"):  # the last line, or one that `parse_rows` refuses for its length
            block += b"\n"
        yield line, block
        line += block.count(b"\n")
        block = b""


def _is_header(text: bytes, name: str) -> bool:
    """Whether the first line is the header; raise DataError for one that names other columns."""
    titles = [title.strip().strip(b'"') for title in text.split(b",")]
    if titles[0] != b"label":
        return False
    for first in (1, 0):
        if titles[1:] == [b"pixel%d" % (first + place) for place in range(CELLS - 1)]:
            return True
    raise DataError(
        f"{name}, line 1: the header is not label,pixel1,...,pixel{CELLS - 1}",
        "give the columns these names, or leave the header out",
    )
