"""Printing, as every command does it."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import Any, TextIO

import click

from fmnist_tui.files import finite


def print_json(value: Any) -> None:
    """Prints a JSON document; a file that somebody edited may hold NaN, which is printed as null."""
    click.echo(json.dumps(finite(value), indent=2, allow_nan=False))


def print_columns(rows: list[list[str]]) -> None:
    """Prints rows as columns, padded to the widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_line(text: str) -> None:
    """Prints a line; on a terminal it breaks between words."""
    click.echo(textwrap.fill(text, shutil.get_terminal_size().columns) if is_terminal(sys.stdout) else text)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits there; a stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def show_for_now(text: str) -> None:
    """Writes over the line on stderr that was shown so before; on a terminal alone."""
    if is_terminal(sys.stderr):
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)
