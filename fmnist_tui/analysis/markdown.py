"""Markdown: tables, lists, and text that means no more than its letters."""

from __future__ import annotations

import re
from collections.abc import Sequence


def bullets(lines: Sequence[str]) -> str:
    """The lines as a list in Markdown."""
    return "\n".join(f"- {escaped(line)}" for line in lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *(tuple(map(escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """`text` as Markdown that means no more than its letters."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
