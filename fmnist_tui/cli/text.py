"""Printing, as every command does it."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import Any

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
    terminal = sys.stdout is not None and sys.stdout.isatty()
    click.echo(textwrap.fill(text, shutil.get_terminal_size().columns) if terminal else text)
