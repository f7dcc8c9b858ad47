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
    """A file whose write errors are ignored."""

    def write(self, data: Any) -> int:
        """Write the data, or drop it if the terminal is gone."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def outlive_the_terminal() -> None:
    """Make `sys.__stderr__` ignore that the terminal behind it is gone."""
    old = sys.__stderr__
    if old is not None:
        raw = _Lasting(old.fileno(), "w", closefd=False)
        new = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", newline="")
        sys.__stderr__ = new  # type: ignore[misc]


_ASCII = "fmnist_tui_ascii"
"""ASCII by another name: Click considers an ASCII stream misconfigured, and writes UTF-8 to it."""
_LOOK_ALIKE = "fmnist_tui_look_alike"
_LOOK_ALIKE_OR_CODE = "fmnist_tui_look_alike_or_code"
_LONGER = {"±": "+/-", "…": "...", "≈": "~"}


def open_closed_streams() -> None:
    """Open closed standard streams: a lock file that took such a descriptor would be lost to the trainer."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def take_any_text() -> None:
    """Make the streams replace characters that their encoding lacks by similar ones, and never raise.

    For a character without a similar one, standard output has question marks of the same width, and standard error has
    its code: a path in an error must stay legible.
    """
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, _LOOK_ALIKE), (sys.stderr, _LOOK_ALIKE_OR_CODE)):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = stream is not sys.stdin and codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if ascii_only else None, errors=errors)


def write_ascii() -> None:
    """Make standard output write only ASCII."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=_ASCII, errors=_LOOK_ALIKE)


def drop_output() -> None:
    """Send further output to the null device: Python would fail again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_written(text: str, stream: TextIO | None) -> str:
    """`text` as the stream will show it after encoding, for the width of columns."""
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
        plain if (plain := _plain(character)).strip("?") else character.encode("ascii", "backslashreplace").decode()
        for character in error.object[error.start : error.end]
    )
    return "".join(found), error.end


def _plain(character: str) -> str:
    return _LONGER.get(character) or in_ascii(character)


codecs.register(_find)
codecs.register_error(_LOOK_ALIKE, _look_alike)
codecs.register_error(_LOOK_ALIKE_OR_CODE, _look_alike_or_code)


def print_json(value: Any) -> None:
    """Print a JSON document in ASCII; NaN, which an edited file may have, is printed as null."""
    click.echo(json.dumps(finite(value), indent=2, allow_nan=False))


def print_columns(rows: list[list[str]]) -> None:
    """Print rows as columns, padded to the widest cell."""
    shown = [[as_written(safe(cell), sys.stdout) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        click.echo("  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_line(text: str) -> None:
    """Print a line; on a terminal it is wrapped between words."""
    shown = as_written(safe(text), sys.stdout)
    click.echo("\n".join(wrap(shown, terminal_width())) if is_terminal(sys.stdout) else shown)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal; one that was closed before the start is None."""
    return stream is not None and stream.isatty()


def terminal_width() -> int:
    """The width in cells, from COLUMNS or the terminal; 80 if both are unknown."""
    return shutil.get_terminal_size().columns


def can_redraw(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal on which a line can be overwritten."""
    from fmnist_tui.host.terminal import CANNOT_DRAW

    return is_terminal(stream) and os.environ.get("TERM", "") not in CANNOT_DRAW


def show_for_now(text: str) -> None:
    """Overwrite the current line on stderr, cut to the terminal's width; does nothing elsewhere."""
    if can_redraw(sys.stderr):
        shown = as_written(safe(text), sys.stderr)
        click.echo(f"\r\x1b[K{cut(shown, terminal_width() - 1)}", err=True, nl=False)
