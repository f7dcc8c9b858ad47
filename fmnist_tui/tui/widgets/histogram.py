"""Bars for shares, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text


def bars(rows: Sequence[tuple[str, float]], width: int) -> Text:
    """A line a row: its name, its share, and a bar that fills `width` cells for the greatest share."""
    greatest = max((share for _, share in rows), default=0.0) or 1.0
    return Text("\n".join(f"{name} {share:6.2%} {bar(share / greatest, width)}" for name, share in rows), no_wrap=True)


def bar(share: float, width: int) -> str:
    """A bar of up to `width` cells, in halves of a cell."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2)
