"""Values out of JSON that a person may have edited: of the type that is asked for, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fmnist_tui.text import safe

Record = Mapping[str, Any]

_HUGE = 1e300
_LONGEST = 200


def nested(record: Record, key: str) -> Record:
    """The object under `key`; an empty one where there is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def number(record: Record, key: str) -> float | None:
    """The finite number under `key`."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
        return None
    return float(value)


def whole(record: Record, key: str) -> int | None:
    """The integer under `key`."""
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _HUGE else None


def text(record: Record, key: str) -> str:
    """The string under `key` as one printable line of at most 200 characters; "" where there is none."""
    value = record.get(key)
    return safe(value[:_LONGEST]) if isinstance(value, str) else ""
