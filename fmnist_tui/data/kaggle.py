"""Images as CSV, as on Kaggle: one grey square image per row, its label first or last; a header or none."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.assembling import Part
from fmnist_tui.data.dataset import MAX_CLASSES, SIDE
from fmnist_tui.data.errors import CancelCheck, DataError, Progress, ProgressCallback, raise_if_cancelled, unreadable
from fmnist_tui.data.reading import COPY_AGAIN, check_kind, unpacked
from fmnist_tui.text import counted

Rows = NDArray[np.uint16]

CELLS = 1 + SIDE * SIDE  # the values of a row of MNIST: the label, then the pixels from the upper left, row by row
COMMA, NEWLINE, ZERO = b",\n0"
LARGEST_PIXEL = 255
LARGEST_LABEL = MAX_CLASSES - 1
MAX_LINE = 1 << 19  # bytes, those of 360x360 pixels: a file without line ends must not fill the memory
MAX_QUOTED = 20  # bytes of an invalid value that a message quotes
FIX_LINE = "fix that line or download the file again"
_NUMBER = re.compile(rb"(?a:(\d{1,9})(\.0*)?)")
_POINT = re.compile(rb"(?<=\d)\.0*(?=[,\n])")
_TITLES = {b"label", b"labels", b"class", b"target", b"category", b"digit", b"y"}
_PIXELS = re.compile(rb"pixel_?(\d+)")
_CONSTANT = 0.9
"""The fraction of its rows from which on a column with one value is a corner pixel rather than the labels."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file: how many, and which holds the label.

    Attributes:
        cells: Values in a row.
        label: Index of the label: 0, or `cells` - 1; None if a file without a header leaves open which.
    """

    cells: int = CELLS
    label: int | None = 0

    def largest(self, column: int) -> int:
        """The largest value in a column."""
        may_be_label = column in (0, self.cells - 1) if self.label is None else column == self.label
        return LARGEST_LABEL if may_be_label else LARGEST_PIXEL

    def name(self, column: int) -> str:
        """A column in a message: "the label", "pixel 7"."""
        label = self.label or 0
        if column == label:
            return "the label"
        return f"pixel {column if label == 0 else column + 1}"


MNIST_COLUMNS = Columns()


def parse_rows(block: bytes, line: int, name: str, columns: Columns = MNIST_COLUMNS) -> Rows:
    """Read whole lines of CSV.

    A row has a label, 0 to 999, and pixels, 0 to 255. Numbers may be quoted or surrounded by spaces, and whole numbers
    may have a decimal point. Lines end in LF or CRLF; blank lines are ignored.

    Args:
        block: One or more lines, each with its end.
        line: The number of the first line, counted from 1.
        name: The file's name in messages.
        columns: What the columns are.

    Returns:
        uint16, (N, cells); N may be 0.

    Raises:
        DataError: A row is invalid; the message names the first such line, the column and what is wrong.
    """
    if b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    rows = _parse_fast(block, columns)
    if rows is None and b"." in block:
        rows = _parse_fast(_POINT.sub(b"", block), columns)
    return _parse_carefully(block, line, name, columns) if rows is None else rows


def _parse_fast(block: bytes, columns: Columns) -> Rows | None:
    """Read rows of plain numbers, or return None if anything else is among them.

    Vectorised: the last digit of a number is one byte before the separator that ends it, its tens two bytes before, its
    hundreds three. `np.loadtxt` takes a third longer, and older versions accept 12.5.
    """
    text = np.frombuffer(block, np.uint8)
    digits = text - np.uint8(ZERO)  # wraps around: all other bytes become 10 or more
    ends = np.flatnonzero(digits >= 10)
    if ends.size % columns.cells:
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    marks = text[ends].reshape(-1, columns.cells)
    is_table = bool((marks[:, :-1] == COMMA).all() and (marks[:, -1] == NEWLINE).all())
    if not is_table or lengths.min() < 1 or lengths.max() > 3:
        return None
    values = digits[ends - 1].astype(np.uint16)
    values += (lengths > 1) * digits[ends - 2] * np.uint16(10)
    values += (lengths > 2) * digits[ends - 3] * np.uint16(100)
    rows: Rows = values.reshape(-1, columns.cells)
    last = columns.cells - 1
    if rows[:, 1:last].max(initial=0) > LARGEST_PIXEL:
        return None
    if any(rows[:, column].max() > columns.largest(column) for column in (0, last)):
        return None
    return rows


def _parse_carefully(block: bytes, line: int, name: str, columns: Columns) -> Rows:
    """Read rows one by one, ten times slower."""
    texts = enumerate(block.split(b"\n"), line)
    rows = [_parse_row(text, f"{name}, line {number}", columns) for number, text in texts if text.strip()]
    return np.array(rows, np.uint16).reshape(-1, columns.cells)


def _parse_row(text: bytes, where: str, columns: Columns) -> list[int]:
    if len(text) >= MAX_LINE:
        raise DataError(f"{where}: it is too long for {columns.cells} numbers", FIX_LINE)
    cells = text.split(b",")
    if len(cells) != columns.cells:
        raise DataError(f"{where}: it has {counted(len(cells), 'value')}, not {columns.cells:,}", FIX_LINE)
    values = [_number(cell) for cell in cells]
    for column, value in enumerate(values):
        largest = columns.largest(column)
        if not 0 <= value <= largest:
            raise DataError(f"{where}: {_problem_with(cells[column], columns.name(column), largest)}", FIX_LINE)
    return values


@lru_cache(maxsize=1024)  # a file of quoted numbers has few distinct values
def _number(cell: bytes) -> int:
    """The whole number in `cell`, plain or quoted; -1 if it is none or far too long."""
    text = cell.strip()
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else -1


def _problem_with(cell: bytes, what: str, largest: int) -> str:
    text = cell.strip()
    if not text.strip(b'"'):
        return f"{what} is empty"
    shown = text[:MAX_QUOTED].decode("utf-8", "replace") + ("..." if len(text) > MAX_QUOTED else "")
    return f"{what} is {shown}, not an integer from 0 to {largest}"


NAMES = ("fashion-mnist_train.csv", "fashion-mnist_test.csv")
BLOCK = 1 << 18  # bytes parsed at a time: small enough for the CPU's cache


def read(path: Path, report: ProgressCallback, cancelled: CancelCheck) -> Part:
    """Read the images in a CSV file, plain or gzipped.

    Each row is a label and the pixels of a square grey image. A header names the label `label`, first or last; without
    one the label is first, unless that column is constant or the last one looks far more like labels. A byte order mark
    is ignored. For rows see `parse_rows`.

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


def peek(path: Path) -> tuple[int, int, int]:
    """Channels, height and width of the images, from the first lines.

    Raises:
        DataError: The file can't be read, or its columns aren't those of images.
    """
    try:
        with path.open("rb") as file:
            columns, _ = _blocks(unpacked(file, str(path)), str(path))
    except OSError as error:
        raise unreadable(path, error) from None
    side = math.isqrt(columns.cells - 1)
    return 1, side, side


def _parse(stream: IO[bytes], name: str, tick: Callable[[], None]) -> Part:
    inner, ends = [], []
    columns, blocks = _blocks(stream, name)
    for line, block in blocks:
        tick()
        rows = parse_rows(block, line, name, columns)
        inner.append(rows[:, 1:-1].astype(np.uint8))
        ends.append(rows[:, [0, -1]])
    first_and_last = np.concatenate(ends or [np.zeros((0, 2), np.uint16)])
    if not len(first_and_last):
        raise DataError(f"{name} contains no images: there are no rows after the header", COPY_AGAIN)
    first, last = first_and_last.T
    label_is_first = _first_is_label(first, last) if columns.label is None else columns.label == 0
    labels, corner = (first, last) if label_is_first else (last, first)
    if (wrong := np.flatnonzero(corner > LARGEST_PIXEL)).size:
        advice = "name the columns in a header: label,pixel1,...,"
        raise DataError(f"{name} has a pixel of value {corner[wrong[0]]} in row {wrong[0] + 1}", advice)
    side = math.isqrt(columns.cells - 1)
    images = np.empty((len(labels), side * side), np.uint8)
    images[:, -1 if label_is_first else 0] = corner
    np.concatenate(inner, out=images[:, :-1] if label_is_first else images[:, 1:])
    return Part(images.reshape(-1, 1, side, side), labels.astype(np.int64), name)


def _first_is_label(first: Rows, last: Rows) -> bool:
    """Whether the first column has the labels, and not the last one."""
    _, of_first = np.unique(first, return_counts=True)
    _, of_last = np.unique(last, return_counts=True)
    if of_last.max() >= _CONSTANT * len(last):
        return True
    return len(of_first) > 1 and len(of_first) < 4 * len(of_last)


def _blocks(stream: IO[bytes], name: str) -> tuple[Columns, Iterator[tuple[int, bytes]]]:
    """The columns, and blocks of lines after the header, each with the number of its first line."""
    first = stream.readline(MAX_LINE)
    if not first:
        raise DataError(f"{name} is empty", COPY_AGAIN)
    check_kind(first, "a CSV file", name)
    text = first.removeprefix(codecs.BOM_UTF8)
    has_header, line = _is_header(text), 1
    columns = _columns(text, name) if has_header else None
    if has_header:
        text, line = b"", 2
    while not columns and not text.strip():  # blank lines before the first row
        text, line = stream.readline(MAX_LINE), line + 1
        if not text:
            return MNIST_COLUMNS, iter(())
    columns = columns or Columns(_row_length(text, f"{name}, line {line}"), None)

    def blocks(line: int, block: bytes) -> Iterator[tuple[int, bytes]]:
        while block := block + stream.read(BLOCK):
            block += stream.readline(MAX_LINE)
            if not block.endswith(b"\n"):  # the last line, or one that is too long, which `parse_rows` reports
                block += b"\n"
            yield line, block
            line += block.count(b"\n")
            block = b""

    return columns, blocks(line, text)


def _is_header(text: bytes) -> bool:
    """Whether the first line has names: its first or last value starts with a letter."""
    cells = [cell.strip().strip(b'"') for cell in text.split(b",")]
    return len(text) < MAX_LINE and len(cells) > 1 and any(cell[:1].isalpha() for cell in (cells[0], cells[-1]))


def _columns(text: bytes, name: str) -> Columns:
    """The columns that a header names. Raise DataError if they aren't a label and the pixels of a square image."""
    where = f"{name}, line 1"
    titles = [title.strip().strip(b'"').lower() for title in text.split(b",")]
    cells = len(titles)
    if titles[0] in _TITLES:
        label, pixels = 0, titles[1:]
    elif titles[-1] in _TITLES:
        label, pixels = cells - 1, titles[:-1]
    else:
        if math.isqrt(cells) ** 2 == cells:
            raise DataError(
                f"{where}: the header names {counted(cells, 'pixel')} but no label", "use a file with labels"
            )
        first, last = (title[:MAX_QUOTED].decode("utf-8", "replace") for title in (titles[0], titles[-1]))
        what = f"{where}: neither the first column, {first}, nor the last, {last}, is called label"
        raise DataError(what, "rename the column with the label")
    _row_length(text, where)
    numbers = [int(found[1]) if (found := _PIXELS.fullmatch(title)) else None for title in pixels]
    if None not in numbers and numbers != list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers))):
        raise DataError(f"{where}: the pixels of the header are not in order", "sort the columns: pixel1,pixel2,...")
    return Columns(cells, label)


def _row_length(text: bytes, where: str) -> int:
    """The number of values in a row. Raise DataError if they aren't a label and the pixels of a square image."""
    cells = text.count(b",") + 1
    if len(text) >= MAX_LINE:
        raise DataError(f"{where}: it is too long for a row of numbers", FIX_LINE)
    if cells == 1 and (mark := next((mark for mark in (b";", b"\t") if mark in text), None)):
        separators = "semicolons" if mark == b";" else "tabs"
        raise DataError(f"{where}: the values are separated by {separators}", "separate them by commas")
    if cells >= 2 and math.isqrt(cells - 1) ** 2 == cells - 1:
        return cells
    advice = "each row is a label and the pixels of a square grey image, such as 785 values for 28x28"
    if math.isqrt(cells) ** 2 == cells and cells > 1:
        raise DataError(f"{where}: it has {cells} values, all of them pixels: the label is missing", advice)
    raise DataError(f"{where}: it has {counted(cells, 'value')}, not a label and a square image", advice)
