from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.cli.printing import print_columns
from fmnist_tui.text import amount, counted, duration, megabytes, percent, safe


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_safe_text_is_one_line_that_no_terminal_obeys(text: str) -> None:
    line = safe(text)
    assert len(line) == len(text)
    assert not {letter for letter in line if ord(letter) < 32 or 127 <= ord(letter) < 160}
    assert "\n" not in line


def test_safe_text_keeps_what_people_write() -> None:
    assert safe("Größe 1 [b] ± 東京") == "Größe 1 [b] ± 東京"
    assert safe(None) == "None"


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.93188, "93.19 %"), (0.0, "0.00 %"), (1, "100.00 %"), (None, ""), ("0.5", ""), (True, "")],
)
def test_a_share_is_told_in_per_cent(share: object, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0.0 s"),
        (4.24, "4.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (60.0, "1 min 00 s"),
        (185.4, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7800.0, "2 h 10 min"),
        (90_000.0, "25 h 00 min"),
    ],
)
def test_a_duration_is_told_as_people_say_it(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_sizes_are_told_in_megabytes_and_gigabytes() -> None:
    assert megabytes(12_345_678) == amount(12_345_678) == "12.3 MB"
    assert amount(4_512_345_678) == "4.5 GB"


def test_only_one_thing_is_told_in_the_singular() -> None:
    assert [counted(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns([["a", "bb", ""], ["ccc", "d", "e"]])
    assert capsys.readouterr().out == "a    bb\nccc  d   e\n"
