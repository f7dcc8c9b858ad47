"""Rows of numbers out of CSV text: fast where every row is sound, exact about the first fault where one is not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fmnist_tui.data.dataset import CLASS_COUNT, SIDE, ByteArray
from fmnist_tui.data.errors import DataError

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
