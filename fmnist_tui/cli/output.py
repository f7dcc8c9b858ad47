"""Output as every command prints it: the standard streams, lines, columns, JSON."""

from __future__ import annotations

import codecs
import io
import json
import os
import shutil
import sys
from typing import Any, TextIO

import click

from fmnist_tui.files import finite
from fmnist_tui.text import safe
from fmnist_tui.tui.cells import cells, cut, in_ascii, pad, wrap


class _Lasting(io.FileIO):
    """What can't be written counts as written."""

    def write(self, data: Any) -> int:
        """Writes, or drops the data where nobody is there to read it."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def outlive_the_terminal() -> None:
    """Has `sys.__stderr__` go on when the terminal behind it is gone."""
    old = sys.__stderr__
    if old is not None:
        raw = _Lasting(old.fileno(), "w", closefd=False)
        new = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", newline="")
        sys.__stderr__ = new  # type: ignore[misc]


_ASCII = "fmnist_tui_ascii"
"""ASCII by another name: Click takes a stream of ASCII for misconfigured, and writes UTF-8 to it."""
_LOOK_ALIKE = "fmnist_tui_look_alike"
_LOOK_ALIKE_OR_CODE = "fmnist_tui_look_alike_or_code"
_LONGER = {"±": "+/-", "…": "...", "≈": "~"}


def open_closed_streams() -> None:
    """Whatever is opened first takes a closed stream's place: a lock there would be lost to the trainer."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def take_any_text() -> None:
    """Has the streams write what looks alike where their encoding lacks a character; nothing raises.

    Where nothing looks alike, standard output has question marks, as wide as the character, and standard error has its
    code: a path in an error must not be lost.
    """
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, _LOOK_ALIKE), (sys.stderr, _LOOK_ALIKE_OR_CODE)):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = stream is not sys.stdin and codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if ascii_only else None, errors=errors)


def write_ascii() -> None:
    """Has standard output write ASCII alone."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=_ASCII, errors=_LOOK_ALIKE)


def drop_output() -> None:
    """Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_written(text: str, stream: TextIO | None) -> str:
    """`text` as the stream's encoding lets it be read; columns are as wide as that."""
    if text.isascii() or not isinstance(stream, io.TextIOWrapper):
        return text
    return text.encode(stream.encoding, stream.errors or "strict").decode(stream.encoding, "replace")


def _find(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    info = codecs.lookup("ascii")
    return codecs.CodecInfo(
        info.encode, info.decode, info.streamreader, info.streamwriter, info.incrementalencoder,
        info.incrementaldecoder, name=_ASCII,
    )  # fmt: skip


def _look_alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _look_alike_or_code(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = (
        plain if (plain := _plain(letter)).strip("?") else letter.encode("ascii", "backslashreplace").decode()
        for letter in error.object[error.start : error.end]
    )
    return "".join(found), error.end


def _plain(letter: str) -> str:
    return _LONGER.get(letter) or in_ascii(letter)


codecs.register(_find)
codecs.register_error(_LOOK_ALIKE, _look_alike)
codecs.register_error(_LOOK_ALIKE_OR_CODE, _look_alike_or_code)


def print_json(value: Any) -> None:
    """Prints a JSON document in ASCII; an edited file may hold NaN, which is printed as null."""
    click.echo(json.dumps(finite(value), indent=2, allow_nan=False))


def print_columns(rows: list[list[str]]) -> None:
    """Prints rows as columns, padded to the widest cell."""
    shown = [[as_written(safe(cell), sys.stdout) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        click.echo("  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_line(text: str) -> None:
    """Prints a line; on a terminal it breaks between words."""
    shown = as_written(safe(text), sys.stdout)
    click.echo("\n".join(wrap(shown, terminal_width())) if is_terminal(sys.stdout) else shown)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits there; a stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def terminal_width() -> int:
    """Cells in a line, by COLUMNS or the terminal; 80 where neither makes sense."""
    return shutil.get_terminal_size().columns


def can_redraw(stream: TextIO | None) -> bool:
    """Whether it is a terminal on which a line can be written over."""
    from fmnist_tui.host.terminal import CANNOT_DRAW

    return is_terminal(stream) and os.environ.get("TERM", "") not in CANNOT_DRAW


def show_for_now(text: str) -> None:
    """Writes over the line on stderr that was shown so before, cut to the terminal's width; there alone."""
    if can_redraw(sys.stderr):
        shown = as_written(safe(text), sys.stderr)
        click.echo(f"\r\x1b[K{cut(shown, terminal_width() - 1)}", err=True, nl=False)
