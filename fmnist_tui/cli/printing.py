"""Printing, as every command does it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, TextIO

import click

from fmnist_tui.cli.streams import as_written
from fmnist_tui.files import finite
from fmnist_tui.text import safe
from fmnist_tui.tui.cells import cells, cut, pad, wrap


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
    from fmnist_tui.runs.machine.terminal import CANNOT_DRAW

    return is_terminal(stream) and os.environ.get("TERM", "") not in CANNOT_DRAW


def show_for_now(text: str) -> None:
    """Writes over the line on stderr that was shown so before, cut to the terminal's width; there alone."""
    if can_redraw(sys.stderr):
        shown = as_written(safe(text), sys.stderr)
        click.echo(f"\r\x1b[K{cut(shown, terminal_width() - 1)}", err=True, nl=False)
