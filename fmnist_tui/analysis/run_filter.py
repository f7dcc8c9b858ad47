"""Choosing and grouping runs by their fields: `model=v3 recipe=tuned lr>=0.001 status=running tag=night`."""

from __future__ import annotations

import math
import operator
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from fmnist_tui.runs.status import Status

if TYPE_CHECKING:
    from fmnist_tui.runs.run import Run
    from fmnist_tui.training.events import Epoch

Value = str | float | bool | None | tuple[str, ...]
Values = Mapping[str, Value]
"""A run's fields by name; a tuple is several words, any of which may match."""

TEXTS = ("model", "recipe", "status", "device", "host", "data", "label", "tag", "run")
NUMBERS = ("seed", "epoch", "accuracy", "validation")
_ALIASES = {
    "version": "model",
    "tags": "tag",
    "name": "label",
    "id": "run",
    "lr": "learning_rate",
    "wd": "weight_decay",
    "batch": "batch_size",
    "test_accuracy": "accuracy",
    "validation_accuracy": "validation",
    "val": "validation",
}
_OF_MODEL = "model."
_CONDITION = re.compile(r"([A-Za-z_][\w.]*)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NONE = "none"


class FilterError(ValueError):
    """A filter or a list of fields that can't be understood; its text is one line that says what to write instead."""


@dataclass(frozen=True)
class Condition:
    """One field compared with one or several values.

    Attributes:
        field: The field's full name.
        operator: "=", "!=", ">", ">=", "<" or "<=".
        operands: As written; with "=" one of them has to match, with "!=" none.
    """

    field: str
    operator: str
    operands: tuple[str, ...]

    def matches(self, values: Values) -> bool:
        """Whether a run with these values is meant; with an order, a run without the value never is."""
        value = values.get(self.field)
        if compare := _COMPARE.get(self.operator):
            number = _number(value)
            return number is not None and compare(number, _written_number(self.operands[0]) or 0.0)
        found = any(_equals(value, operand) for operand in self.operands)
        return found if self.operator == "=" else not found


@dataclass(frozen=True)
class RunFilter:
    """Conditions that all have to hold; without any, every run is meant."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, values: Values) -> bool:
        """Whether a run with these values is meant."""
        return all(condition.matches(values) for condition in self.conditions)


def parse_filter(text: str) -> RunFilter:
    """The filter that a person wrote: conditions between spaces, values with spaces in quotes.

    Raises:
        FilterError: A field is unknown, an operator is missing, or a number is expected.
    """
    try:
        parts = shlex.split(text)
    except ValueError:
        raise FilterError("a quote is not closed") from None
    return RunFilter(tuple(_condition(part) for part in parts))


def parse_fields(text: str) -> tuple[str, ...]:
    """The fields to group by, between commas or spaces: "model,recipe".

    Raises:
        FilterError: One of them is unknown.
    """
    return tuple(dict.fromkeys(_field(part) for part in re.split(r"[,\s]+", text) if part))


def values_of(run: Run, epochs: Sequence[Epoch] = ()) -> dict[str, Value]:
    """All fields of a run, its hyper-parameters and its model's own settings included.

    Args:
        run: The run.
        epochs: Those that ended, for the best validation accuracy.
    """
    manifest, model = run.manifest, run.model
    of_model = {f"{_OF_MODEL}{option.name}": option.default for option in model.options} if model else {}
    diverged = ("diverged",) if run.status is Status.FAILED and run.result and run.result.reason == "diverged" else ()
    return {
        **{name: _plain(value) for name, value in (of_model | run.settings).items()},
        "model": run.version,
        "recipe": run.recipe,
        "status": (*str(run.status).split(", "), *diverged),
        "device": run.device,
        "host": manifest.host,
        "data": run.data_name,
        "label": run.label,
        "tag": run.tags,
        "run": run.run_id,
        "seed": run.seed,
        "epoch": run.epochs_done,
        "accuracy": run.test_accuracy,
        "validation": max((one.validation_accuracy for one in epochs), default=None),
    }


T = TypeVar("T")


def grouped_by(
    items: Iterable[T], fields: Sequence[str], values: Callable[[T], Values]
) -> dict[tuple[str, ...], list[T]]:
    """The items by the text of their values of these fields; groups and items stay in the order of `items`."""
    groups: dict[tuple[str, ...], list[T]] = {}
    for item in items:
        known = values(item)
        groups.setdefault(tuple(value_text(known.get(field)) for field in fields), []).append(item)
    return groups


def group_name(fields: Sequence[str], key: Sequence[str]) -> tuple[str, ...]:
    """A group's key for people: "v3", "tuned", "seed=0", "tag=none"; a text needs no name, unless it is missing."""
    short = {full: alias for alias, full in _ALIASES.items() if len(alias) < len(full)}
    pairs = zip(fields, key, strict=True)
    return tuple(text if name in TEXTS and text != _NONE else f"{short.get(name, name)}={text}" for name, text in pairs)


def value_text(value: Value) -> str:
    """A value as it is written in a filter; "none" where there is none."""
    if isinstance(value, tuple):
        return ",".join(value) or _NONE
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, int | float) else value


@cache
def known_fields() -> tuple[str, ...]:
    """The full names of all fields but those of the models' own settings ("model.dropout")."""
    from fmnist_tui.models.hyperparameters import hyperparameter_options

    return (*TEXTS, *NUMBERS, *(option.name for option in hyperparameter_options()))


def _condition(part: str) -> Condition:
    found = _CONDITION.fullmatch(part)
    if found is None:
        is_value = re.fullmatch("[a-z][a-z0-9]*", part) and part not in (*known_fields(), *_ALIASES)
        written = f"model={part}" if is_value else "lr>=0.001"
        raise FilterError(f"{part!r} is no condition; write FIELD=VALUE without spaces, such as {written}")
    name, comparison, written = found.groups()
    field = _field(name)
    if comparison in _COMPARE:
        if field in TEXTS:
            raise FilterError(f"{name} is text: use {name}= or {name}!=")
        if _written_number(written) is None:
            raise FilterError(f"{name}{comparison} needs a number, not {written!r}")
        return Condition(field, comparison, (written,))
    operands = tuple(written.split(","))
    if field in NUMBERS and (
        wrong := [one for one in operands if one not in ("", _NONE) and _written_number(one) is None]
    ):
        raise FilterError(f"{name} is a number, not {wrong[0]!r}")
    return Condition(field, comparison, operands)


def _field(name: str) -> str:
    """The full name of a field.

    Raises:
        FilterError: There is no such field.
    """
    full = _ALIASES.get(name.lower(), name.lower())
    if full in known_fields() or (full.startswith(_OF_MODEL) and full != _OF_MODEL):
        return full
    near = get_close_matches(full, [*known_fields(), *_ALIASES], 1)
    raise FilterError(
        f"unknown field {name!r}; " + (f"did you mean {near[0]}?" if near else f"fields: {', '.join(_SOME)}")
    )


_SOME = (*TEXTS, *NUMBERS, "lr and the other hyper-parameters")


def _equals(value: Value, operand: str) -> bool:
    if isinstance(value, tuple) and value:
        return any(_equals(word, operand) for word in value)
    number, written = _number(value), _written_number(operand)
    if number is not None and written is not None:
        return math.isclose(number, written, rel_tol=1e-9, abs_tol=1e-300)
    text = operand.lower() or _NONE
    return fnmatchcase(value_text(value).lower(), {"auto": _NONE}.get(text, text) if value is None else text)


def _number(value: Value) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _written_number(text: str) -> float | None:
    """0.93 for "0.93" and for "93%"."""
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    return None if math.isnan(number) else number / 100 if text.endswith("%") else number


def _plain(value: object) -> Value:
    """A setting's value; what is none of the usual types is shown as text."""
    if isinstance(value, list | tuple):
        return "x".join(map(str, value))
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
