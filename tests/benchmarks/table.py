"""The table that is printed, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.measured import Measured
from benchmarks.measuring import Failed
from benchmarks.target import TARGETS, Target

_SCALES = {"x": 1.0, "%": 100.0, "ms": 1e3, "s": 1.0, "KB": 1e-3, "KB/s": 1e-3, "MB": 1e-6}
_HEADER = ("", "row", "measured", "at least", "aim", "quartiles", "95% CI", "n", "what")


def rows_of(found: Mapping[str, Measured | Failed]) -> list[tuple[str, ...]]:
    """The header and a row for each that was measured, those that failed or fall short first."""
    known = [(target, found[target.key]) for target in TARGETS if target.key in found]
    known.sort(key=lambda pair: _rank(*pair))
    return [_HEADER, *(_row(target, one) for target, one in known)]


def as_text(rows: list[tuple[str, ...]]) -> str:
    """Padded to the widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def as_json(found: Mapping[str, Measured | Failed], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Values in seconds, bytes, fractions and ratios; below "failed", by key, why a row could not be measured."""
    known = [(target, found[target.key]) for target in TARGETS if target.key in found]
    measured = [
        {**asdict(target), **asdict(one), "falls_short": target.falls_short(one.value)}
        for target, one in known
        if isinstance(one, Measured)
    ]
    failed = {target.key: one.why for target, one in known if isinstance(one, Failed)}
    return {"machine": dict(machine), "rows": measured, "failed": failed}


def _rank(target: Target, one: Measured | Failed) -> int:
    return 0 if isinstance(one, Failed) else 1 if target.falls_short(one.value) else 2


def _row(target: Target, measured: Measured | Failed) -> tuple[str, ...]:
    if isinstance(measured, Failed):
        return ("FAILED", target.key, "", "", "", "", "", "", f"{target.title}: failed: {measured.why}")
    interval = measured.interval
    bound = ("", "at most ")[not target.more_is_better]
    return (
        "SHORT" if target.falls_short(measured.value) else "ok",
        target.key,
        f"{_number(measured.value, target)}{_unit(target)}",
        f"{bound}{_number(target.at_least, target)}",
        "" if target.aim is None else _number(target.aim, target),
        f"{_number(measured.low, target)} to {_number(measured.high, target)}",
        f"{_number(interval[0], target)} to {_number(interval[1], target)}" if interval else "",
        str(measured.n),
        f"{target.title}{f' ({measured.note})' if measured.note else ''}",
    )


def _number(value: float, target: Target) -> str:
    scaled = value * _SCALES[target.unit]
    return f"{scaled:.0f}" if abs(scaled) >= 100 else f"{scaled:.3g}" if scaled else "0"


def _unit(target: Target) -> str:
    return target.unit if target.unit == "%" else f" {target.unit}"
