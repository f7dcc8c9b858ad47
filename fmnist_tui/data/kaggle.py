"""Kaggle's CSV form of Fashion-MNIST: a header, then one image per row, its label first."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray, ImageSet
from fmnist_tui.data.errors import CancelCheck, DataError, Progress, ProgressCallback, raise_if_cancelled, unreadable
from fmnist_tui.data.reading import COPY_AGAIN, check_kind, unpacked

CELLS = 1 + SIDE * SIDE  # the label, then the pixels from the upper left, row by row
COMMA, NEWLINE, ZERO = b",\n0"
LARGEST_PIXEL = 255
MAX_LINE = 1 << 16  # bytes, 16 times a row's length: a file without line ends must not fill the memory
MAX_DIGITS = 9  # longer numbers are not parsed
MAX_QUOTED = 20  # bytes of an invalid value that a message quotes
FIX_LINE = "fix that line or download the file again"


def parse_rows(block: bytes, line: int, name: str) -> ByteArray:
    """Read whole lines of CSV.

    A row has 785 integers: the label, 0 to 9, and 784 pixels, 0 to 255. Numbers may be quoted or surrounded by spaces.
    Lines end in LF or CRLF; blank lines are ignored.

    Args:
        block: One or more lines, each with its end.
        line: The number of the first line, counted from 1.
        name: The file's name in messages.

    Returns:
        uint8, (N, 785); N may be 0.

    Raises:
        DataError: A row is invalid; the message names the first such line, the column and what is wrong.
    """
    if b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    rows = _parse_fast(block)
    return _parse_carefully(block, line, name) if rows is None else rows


def _parse_fast(block: bytes) -> ByteArray | None:
    """Read rows of plain numbers, or return None if anything else is among them.

    Vectorised: the last digit of a number is one byte before the separator that ends it, its tens two bytes before, its
    hundreds three. `np.loadtxt` takes a third longer, and older versions accept 12.5.
    """
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(ZERO)  # wraps around: all other bytes become 10 or more
    ends = np.flatnonzero(digits >= 10)
    if ends.size % CELLS:
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    marks = text[ends].reshape(-1, CELLS)
    is_table = bool((marks[:, :-1] == COMMA).all() and (marks[:, -1] == NEWLINE).all())
    if not is_table or lengths.min() < 1 or lengths.max() > 3:
        return None
    values = digits[ends - 1].astype(np.uint16)
    values += (lengths > 1) * digits[ends - 2] * np.uint16(10)
    values += (lengths > 2) * digits[ends - 3] * np.uint16(100)
    rows = values.reshape(-1, CELLS)
    if rows.max() > LARGEST_PIXEL or rows[:, 0].max() >= CLASS_COUNT:
        return None
    return rows.astype(np.uint8)


def _parse_carefully(block: bytes, line: int, name: str) -> ByteArray:
    """Read rows one by one, ten times slower."""
    texts = enumerate(block.split(b"\n"), line)
    rows = [_parse_row(text, f"{name}, line {number}") for number, text in texts if text.strip()]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, CELLS)


def _parse_row(text: bytes, where: str) -> bytes:
    if len(text) >= MAX_LINE:
        raise DataError(f"{where}: it is too long for {CELLS} numbers", FIX_LINE)
    cells = text.split(b",")
    if len(cells) != CELLS:
        raise DataError(f"{where}: it has {len(cells)} values, not {CELLS}", FIX_LINE)
    values = [_number(cell) for cell in cells]
    for column, value in enumerate(values):
        largest = LARGEST_PIXEL if column else CLASS_COUNT - 1
        if not 0 <= value <= largest:
            raise DataError(f"{where}: {_problem_with(cells[column], column, largest)}", FIX_LINE)
    return bytes(values)


@lru_cache(maxsize=1024)  # a file of quoted numbers has few distinct values
def _number(cell: bytes) -> int:
    """The integer in `cell`, plain or quoted; -1 if it is none or far too long."""
    text = cell.strip()
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
    return int(text) if text.isdigit() and len(text) <= MAX_DIGITS else -1


def _problem_with(cell: bytes, column: int, largest: int) -> str:
    what = f"pixel {column}" if column else "the label"
    text = cell.strip()
    if not text.strip(b'"'):
        return f"{what} is empty"
    shown = text[:MAX_QUOTED].decode("utf-8", "replace") + ("..." if len(text) > MAX_QUOTED else "")
    return f"{what} is {shown}, not an integer from 0 to {largest}"


NAMES = ("fashion-mnist_train.csv", "fashion-mnist_test.csv")
BLOCK = 1 << 18  # bytes parsed at a time: small enough for the CPU's cache


def read(path: Path, report: ProgressCallback, cancelled: CancelCheck) -> ImageSet:
    """Read the images in a CSV file, plain or gzipped.

    The header is `label,pixel1,...,pixel784`; counting from pixel0, as other data sets on Kaggle do, is accepted too,
    as is a file without a header. A byte order mark is ignored. For rows see `parse_rows`.

    Args:
        path: The file.
        report: Called with the number of bytes read so far.
        cancelled: Polled after every 256 KB of text.

    Raises:
        DataError: The file can't be read or is invalid; the message names the first invalid line.
        Cancelled: `cancelled` returned True.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size

            def tick() -> None:
                raise_if_cancelled(cancelled)
                report(Progress(f"reading {path.name}", file.tell(), size))

            return _parse(unpacked(file, str(path)), str(path), tick)
    except OSError as error:
        raise unreadable(path, error) from None
    except MemoryError:
        raise DataError(f"{path} does not fit into this machine's memory", "use fewer images") from None


def _parse(stream: IO[bytes], name: str, tick: Callable[[], None]) -> ImageSet:
    images, labels = [], []
    for line, block in _blocks(stream, name):
        tick()
        rows = parse_rows(block, line, name)
        images.append(rows[:, 1:].reshape(-1, SIDE, SIDE))
        labels.append(rows[:, 0].copy())
    if not sum(map(len, labels)):
        raise DataError(f"{name} contains no images: there are no rows after the header", COPY_AGAIN)
    return ImageSet.of(np.concatenate(images), np.concatenate(labels))


def _blocks(stream: IO[bytes], name: str) -> Iterator[tuple[int, bytes]]:
    """Blocks of lines after the header, each with the number of its first line."""
    first = stream.readline(MAX_LINE)
    if not first:
        raise DataError(f"{name} is empty", COPY_AGAIN)
    check_kind(first, "a CSV file", name)
    start = len(codecs.BOM_UTF8) if first.startswith(codecs.BOM_UTF8) else 0
    has_header = _is_header(first[start:], name)
    line, block = (2, b"") if has_header else (1, first[start:])
    while block := block + stream.read(BLOCK):
        block += stream.readline(MAX_LINE)
        if not block.endswith(b"\n"):  # the last line, or one that is too long, which `parse_rows` reports
            block += b"\n"
        yield line, block
        line += block.count(b"\n")
        block = b""


def _is_header(text: bytes, name: str) -> bool:
    """Whether the first line is the header. Raise DataError if it is one with other columns."""
    titles = [title.strip().strip(b'"') for title in text.split(b",")]
    if titles[0] != b"label":
        return False
    for first in (1, 0):
        if titles[1:] == [b"pixel%d" % (first + index) for index in range(CELLS - 1)]:
            return True
    raise DataError(
        f"{name}, line 1: the header is not label,pixel1,...,pixel{CELLS - 1}",
        "use these column names, or remove the header",
    )
