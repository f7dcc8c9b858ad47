from __future__ import annotations

import io
import sys

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from fmnist_tui.cli.output import print_columns, take_any_text
from fmnist_tui.text import amount, counted, decoded, duration, megabytes, percent, safe


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_safe_text_is_one_line_that_no_terminal_obeys(text: str) -> None:
    line = safe(text)
    assert len(line) == len(text)
    assert not {character for character in line if ord(character) < 32 or 127 <= ord(character) < 160}
    assert "\n" not in line


def test_safe_text_preserves_ordinary_text() -> None:
    assert safe("Größe 1 [b] ± 東京") == "Größe 1 [b] ± 東京"
    assert safe(None) == "None"


@pytest.mark.parametrize(
    "character",
    [
        *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),  # directions of writing
        *("\u200b", "\u200d", "\u200e", "\u2060", "\ufeff", "\u00ad"),  # without a width
        *map(chr, range(0x80, 0xA0)),
        *("\u2028", "\u2029", "\U000e0001", "\U000e0041", "\ud800", "\udcff", "\x7f", "\x00"),
    ],
)
def test_an_invisible_character_becomes_a_space(character: str) -> None:
    assert safe(f"a{character}b") == "a b"


def test_bytes_that_the_locale_could_not_decode_are_decoded_as_utf8() -> None:
    raw = "日本 é".encode()
    assert safe(raw.decode("ascii", "surrogateescape")) == decoded(raw.decode("ascii", "surrogateescape")) == "日本 é"
    assert safe(b"a\xff\xe6".decode("utf-8", "surrogateescape")) == "a  "
    assert decoded("half \ud800 é") == "half \ud800 é"


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.93188, "93.19%"), (0.0, "0.00%"), (1, "100.00%"), (None, ""), ("0.5", ""), (True, "")],
)
def test_a_fraction_is_written_as_a_percentage(fraction: object, expected: str) -> None:
    assert percent(fraction) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
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
def test_a_duration_is_written_in_its_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_sizes_are_written_in_megabytes_and_gigabytes() -> None:
    assert megabytes(12_345_678) == amount(12_345_678) == "12.3 MB"
    assert amount(4_512_345_678) == "4.5 GB"


def test_only_one_is_singular() -> None:
    assert [counted(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns([["a", "bb", ""], ["ccc", "d", "e"]])
    assert capsys.readouterr().out == "a    bb\nccc  d   e\n"


def test_columns_line_up_by_cells(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["東京", "e\u0301tude", "👍🏽 ok", "🇩🇪", "❤️", "plain"]
    print_columns([[name, "|"] for name in names])
    lines = capsys.readouterr().out.splitlines()
    assert {cell_len(line) for line in lines} == {len("plain  |")}


def test_a_cell_is_made_safe_and_ascii_if_the_stream_is(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    take_any_text()
    print_columns([["東京 ± é\x1b", "|"], ["a", "|"]])
    sys.stdout.flush()
    assert raw.getvalue().decode("ascii") == "???? +/- e   |\na            |\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "shift_jis", "koi8-r"])
@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_written_in_any_encoding(encoding: str, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2)]
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        take_any_text()
        for stream in streams:
            click.echo(text, file=stream)
            stream.flush()
            written = stream.buffer.getvalue()
            assert written.decode(encoding).endswith("\n")
            assert encoding != "ascii" or written.isascii()


def test_a_path_in_an_error_is_escaped_if_the_encoding_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, encoding="latin-1"))
    take_any_text()
    click.echo("error: /tmp/日/ß … ±", err=True)
    sys.stderr.flush()
    assert raw.getvalue() == b"error: /tmp/\\u65e5/\xdf ... \xb1\n"
