"""Words and numbers as people read them; text from files made safe to print."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

import click


def safe(text: object) -> str:
    """`text` on one line, without escape codes or other control characters."""
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in str(text))


def percent(share: object) -> str:
    """93.19 % for 0.9319, an empty string for what is no number."""
    return f"{share * 100:.2f} %" if isinstance(share, int | float) and not isinstance(share, bool) else ""


def duration(seconds: float) -> str:
    """4.2 s, 3 min 05 s, 2 h 10 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(count: float) -> str:
    """12.3 MB."""
    return f"{count / 1e6:.1f} MB"


def print_json(value: Any) -> None:
    """Prints a JSON document."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


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
