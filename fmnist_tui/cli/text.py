"""Printing, as every command does it."""

from __future__ import annotations

import json
import math
from typing import Any

import click


def print_json(value: Any) -> None:
    """Prints a JSON document."""
    click.echo(json.dumps(_finite(value), indent=2, allow_nan=False))


def print_columns(rows: list[list[str]]) -> None:
    """Prints rows as columns, padded to the widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _finite(value: Any) -> Any:
    """The document with null for what JSON has no word for; a file that somebody edited may hold NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
