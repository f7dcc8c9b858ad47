from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_tui.data import kaggle as csv_rows
from fmnist_tui.data.errors import DataError
from fmnist_tui.data.kaggle import CELLS, parse_rows

from .samples import csv_lines, sample

IMAGES, LABELS = sample(train=5).train
ROWS = np.column_stack([LABELS, IMAGES.reshape(5, -1)])
LINES = csv_lines(IMAGES, LABELS)
BLOCK = "\n".join([*LINES, ""]).encode()


def with_cell(column: int, text: str) -> bytes:
    """The block with another cell in its third line."""
    cells = LINES[2].split(",")
    cells[column] = text
    return "\n".join([*LINES[:2], ",".join(cells), *LINES[3:], ""]).encode()


def complaint(block: bytes, line: int = 1) -> str:
    with pytest.raises(DataError) as caught:
        parse_rows(block, line, "some.csv")
    assert str(caught.value).isprintable()
    return caught.value.problem


def test_rows_come_back_as_they_were_written() -> None:
    rows = parse_rows(BLOCK, 1, "some.csv")
    np.testing.assert_array_equal(rows, ROWS)
    assert rows.dtype == np.uint16


def test_numbers_of_one_to_three_digits_are_read_at_any_place() -> None:
    values = np.arange(CELLS) % 256
    values[0] = 9
    for row in (values, np.append(values[:1], values[:0:-1])):
        np.testing.assert_array_equal(parse_rows(f"{','.join(map(str, row))}\n".encode(), 1, "some.csv"), [row])


def test_sound_rows_are_never_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(csv_rows, "_parse_carefully", refuse)
    for block in (BLOCK, BLOCK.replace(b"\n", b"\r\n"), b"0," * 784 + b"0\n" + b"9," + b"255," * 783 + b"255\n"):
        parse_rows(block, 1, "some.csv")


@pytest.mark.parametrize(
    "harmless",
    [
        BLOCK.replace(b"\n", b"\r\n"),
        BLOCK + b"\n\n",
        BLOCK + b"  \r\n\t\n",
        b"\n" + BLOCK.replace(b"\n", b"\n\n"),
        BLOCK.replace(b",", b", "),
        BLOCK.replace(b",", b'","').replace(b"\n", b'"\n"')[:-1].join([b'"', b""]),
        with_cell(4, f"{ROWS[2, 4]:03}"),
        with_cell(4, f"{ROWS[2, 4]:09}"),
        with_cell(4, f"{ROWS[2, 4]}.0"),
        BLOCK.replace(b",", b".0,").replace(b"\n", b".00\n"),
    ],
    ids=[
        "CRLF",
        "blank lines at the end",
        "white lines",
        "blank lines between",
        "spaces",
        "quotes",
        "007",
        "000000007",
        "7.0",
        "whole numbers with a point",
    ],
)
def test_what_changes_no_number_is_accepted(harmless: bytes) -> None:
    np.testing.assert_array_equal(parse_rows(harmless, 1, "some.csv"), ROWS)


@pytest.mark.parametrize(
    ("column", "text", "problem"),
    [
        (7, "", "pixel 7 is empty"),
        (7, "  ", "pixel 7 is empty"),
        (7, '""', "pixel 7 is empty"),
        (784, "", "pixel 784 is empty"),
        (0, "", "the label is empty"),
        (7, "12.5", "pixel 7 is 12.5, not an integer from 0 to 255"),
        (7, "-1", "pixel 7 is -1, not an integer from 0 to 255"),
        (7, "+1", "pixel 7 is +1, not an integer from 0 to 255"),
        (7, "256", "pixel 7 is 256, not an integer from 0 to 255"),
        (7, "1000", "pixel 7 is 1000, not an integer from 0 to 255"),
        (7, "NaN", "pixel 7 is NaN, not an integer from 0 to 255"),
        (7, "1_0", "pixel 7 is 1_0, not an integer from 0 to 255"),
        (7, '"57', 'pixel 7 is "57, not an integer from 0 to 255'),
        (7, "\u0665", "pixel 7 is \u0665, not an integer from 0 to 255"),  # a digit, but no ASCII one
        (7, "7" * 5000, "pixel 7 is 77777777777777777777..., not an integer from 0 to 255"),
        (7, "\x1b[31m", "pixel 7 is  [31m, not an integer from 0 to 255"),
        (0, "1000", "the label is 1000, not an integer from 0 to 999"),
        (0, "Bag", "the label is Bag, not an integer from 0 to 999"),
        (3, "1,2", "it has 786 values, not 785"),
        (784, "1,", "it has 786 values, not 785"),
    ],
    ids=lambda value: ascii(value)[:16],
)
def test_a_wrong_cell_is_named_by_file_line_and_place(column: int, text: str, problem: str) -> None:
    assert complaint(with_cell(column, text)) == f"some.csv, line 3: {problem}"


def test_a_missing_cell_is_counted() -> None:
    short = LINES[0].rpartition(",")[0]
    assert complaint(f"{short}\n".encode()) == "some.csv, line 1: it has 784 values, not 785"


def test_one_cell_that_moved_to_the_line_before_is_found_although_the_total_is_correct() -> None:
    cells = BLOCK.decode().replace("\n", ",").split(",")
    moved = "\n".join([",".join(cells[:786]), ",".join(cells[786:1570]), ""])
    assert complaint(moved.encode()) == "some.csv, line 1: it has 786 values, not 785"


@pytest.mark.parametrize(("mark", "cells"), [(",", 1570), (";", 1569)])
def test_two_lines_that_run_together_are_one_wrong_line(mark: str, cells: int) -> None:
    block = f"{LINES[0]}{mark}{LINES[1]}\n"
    assert complaint(block.encode()) == f"some.csv, line 1: it has {cells:,} values, not 785"


def test_the_first_of_several_faults_is_reported() -> None:
    block = with_cell(5, "?").replace(LINES[4].encode(), b"x")
    assert complaint(block).startswith("some.csv, line 3: pixel 5 is ?")


def test_lines_are_counted_from_the_given_number_blank_ones_included() -> None:
    assert complaint(b"\n\r\n" + with_cell(5, "x"), line=100).startswith("some.csv, line 104:")


def test_a_line_without_end_is_refused_whatever_is_in_it() -> None:
    assert complaint(b"7" * 600_000 + b"\n") == "some.csv, line 1: it is too long for 785 numbers"


def test_other_separators_are_refused() -> None:
    assert complaint(BLOCK.replace(b",", b";")) == "some.csv, line 1: it has 1 value, not 785"


@given(st.integers(0, len(BLOCK)), st.integers(0, 9), st.binary(max_size=9))
def test_any_damage_gives_a_data_error_or_valid_rows(place: int, removed: int, damage: bytes) -> None:
    block = BLOCK[:place] + damage + BLOCK[place + removed :] + b"\n"
    try:
        rows = parse_rows(block, 1, "some.csv")
    except DataError:
        return
    assert rows.shape[1] == CELLS
    assert rows[:, 0].max() <= 999


@given(st.integers(0, 4), st.integers(0, 784), st.text("0123456789", min_size=1, max_size=4))
def test_the_fast_way_and_the_careful_way_read_alike(row: int, column: int, digits: str) -> None:
    cells = [line.split(",") for line in LINES]
    cells[row][column] = digits
    plain = "\n".join([*map(",".join, cells), ""]).encode()
    assert outcome(plain) == outcome(plain.replace(b",", b" ,"))


def outcome(block: bytes) -> bytes | str:
    try:
        return parse_rows(block, 1, "some.csv").tobytes()
    except DataError as error:
        return str(error)
