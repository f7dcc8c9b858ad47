"""Kaggle's CSV form of Fashion-MNIST: a header, then one image per row, its label first."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from fmnist_tui.data import errors as steps
from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray, ImageSet
from fmnist_tui.data.errors import DataError, Progress, Report, Stop, unreadable
from fmnist_tui.data.reading import COPY_AGAIN, check_kind, unpacked

CELLS = 1 + SIDE * SIDE  # the label, then the pixels from the upper left, row by row
COMMA, NEWLINE, ZERO = b",\n0"
LARGEST_PIXEL = 255
LONGEST_LINE = 1 << 16  # bytes, 16 times what a row needs: a file without line ends must not fill the memory
LONGEST_NUMBER = 9  # digits that are looked at
LONGEST_QUOTE = 20  # bytes of a wrong cell that a message shows
MEND = "mend that line or get the file again"


def parse_rows(block: bytes, line: int, name: str) -> ByteArray:
    """Read whole lines of CSV.

    A row is 785 whole numbers, the label from 0 to 9 and 784 pixels from 0 to 255. Numbers may be quoted or have
    spaces around them. Lines end in LF or CRLF; blank ones are passed over, wherever they are.

    Args:
        block: One or more lines, each with its end.
        line: The number of the first line, as an editor counts them.
        name: What to call the file in messages.

    Returns:
        uint8, (N, 785), N may be 0.

    Raises:
        DataError: A row is not right; the message names the first such line, the cell and what is wrong with it.
    """
    if b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    rows = _parse_sound(block)
    return _parse_carefully(block, line, name) if rows is None else rows


def _parse_sound(block: bytes) -> ByteArray | None:
    """Read rows of bare numbers, or return None where any is not exactly that.

    Whole arrays at a time: the last digit of a number stands one place before the mark that ends it, its tens two
    places before, its hundreds three. `np.loadtxt` takes a third longer, and older ones let 12.5 pass.
    """
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(ZERO)  # wraps, so that everything else is 10 or more
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
    """Read rows one by one, ten times as slowly."""
    texts = enumerate(block.split(b"\n"), line)
    rows = [_parse_row(text, f"{name}, line {number}") for number, text in texts if text.strip()]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, CELLS)


def _parse_row(text: bytes, place: str) -> bytes:
    if len(text) >= LONGEST_LINE:
        raise DataError(f"{place}: it is too long for {CELLS} numbers", MEND)
    cells = text.split(b",")
    if len(cells) != CELLS:
        raise DataError(f"{place}: it has {len(cells)} cells, not {CELLS}", MEND)
    values = [_number(cell) for cell in cells]
    for column, value in enumerate(values):
        largest = LARGEST_PIXEL if column else CLASS_COUNT - 1
        if not 0 <= value <= largest:
            raise DataError(f"{place}: {_complaint(cells[column], column, largest)}", MEND)
    return bytes(values)


@lru_cache(maxsize=1024)  # a file whose every number is quoted has few different cells
def _number(cell: bytes) -> int:
    """Return the whole number in `cell`, bare or in quotes, or -1 where it is none or far too long."""
    text = cell.strip()
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
    return int(text) if text.isdigit() and len(text) <= LONGEST_NUMBER else -1


def _complaint(cell: bytes, column: int, largest: int) -> str:
    what = f"pixel {column}" if column else "the label"
    text = cell.strip()
    if not text.strip(b'"'):
        return f"{what} is empty"
    shown = text[:LONGEST_QUOTE].decode("utf-8", "replace") + ("..." if len(text) > LONGEST_QUOTE else "")
    return f"{what} is {shown}, not a whole number from 0 to {largest}"


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
