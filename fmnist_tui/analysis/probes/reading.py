"""Results out of JSON that somebody may have edited: whole and of the right types, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from fmnist_tui.analysis.values import number, whole

R = TypeVar("R")

_LONGEST = 100_000
_FLOATS = "tuple[float, ...]"


class _Unfit(Exception):
    """A key is missing or of another type."""


def read_as(kind: type[R], record: Mapping[str, Any]) -> R | None:
    """The dataclass `kind` out of a JSON object; None where that doesn't fit.

    Its fields are numbers or tuples of numbers. Keys that it doesn't have are passed over.
    """
    try:
        return kind(**{item.name: _value(record, item.name, str(item.type)) for item in fields(kind)})  # type: ignore[arg-type]
    except (_Unfit, ValueError):
        return None


def _value(record: Mapping[str, Any], name: str, annotation: str) -> Any:
    if name not in record:
        raise _Unfit
    if annotation == _FLOATS:
        return _floats(record[name])
    if record[name] is None and annotation.endswith("| None"):
        return None
    value = whole(record, name) if annotation.startswith("int") else number(record, name)
    if value is None:
        raise _Unfit
    return value


def _floats(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > _LONGEST:
        raise _Unfit
    found = [number({"": value}, "") for value in values]
    known = tuple(value for value in found if value is not None)
    if len(known) != len(found):
        raise _Unfit
    return known
