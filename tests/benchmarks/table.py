"""The table that is printed, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.measured import Measured
from benchmarks.target import TARGETS, Target

_SCALES = {"x": 1.0, "%": 100.0, "ms": 1e3, "s": 1.0, "KB/s": 1e-3, "MB": 1e-6}
_HEADER = ("", "row", "measured", "at least", "aim", "quartiles", "95 % interval", "n", "what")


def rows_of(found: Mapping[str, Measured]) -> list[tuple[str, ...]]:
    """The header and a row for each that was measured, those that fall short first."""
    known = [(target, found[target.key]) for target in TARGETS if target.key in found]
    known.sort(key=lambda pair: not pair[0].falls_short(pair[1].value))
    return [_HEADER, *(_row(target, measured) for target, measured in known)]


def as_text(rows: list[tuple[str, ...]]) -> str:
    """Padded to the widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def as_json(found: Mapping[str, Measured], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Values in seconds, bytes, shares and ratios."""
    rows = [
        {**asdict(target), **asdict(found[target.key]), "falls_short": target.falls_short(found[target.key].value)}
        for target in TARGETS
        if target.key in found
    ]
    return {"machine": dict(machine), "rows": rows}


def _row(target: Target, measured: Measured) -> tuple[str, ...]:
    interval = measured.interval
    bound = ("", "at most ")[not target.more_is_better]
    return (
        "SHORT" if target.falls_short(measured.value) else "ok",
        target.key,
        f"{_number(measured.value, target)} {target.unit}",
        f"{bound}{_number(target.at_least, target)}",
        "" if target.aim is None else _number(target.aim, target),
        f"{_number(measured.low, target)} to {_number(measured.high, target)}",
        f"{_number(interval[0], target)} to {_number(interval[1], target)}" if interval else "",
        str(measured.n),
        f"{target.words}{f' ({measured.note})' if measured.note else ''}",
    )


def _number(value: float, target: Target) -> str:
    scaled = value * _SCALES[target.unit]
    return f"{scaled:.0f}" if abs(scaled) >= 100 else f"{scaled:.3g}" if scaled else "0"
