"""Settings as data: name, type, valid values, documentation; the command line, the form and the docs list them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

AUTO = "auto"
"""How a value that is left to the program (None) is written."""
_YES, _NO = ("true", "on", "yes"), ("false", "off", "no")
_ARTICLES = {"int": "a whole number", "float": "a number", "bool": "true or false", "ints": "whole numbers"}


class ConfigError(ValueError):
    """A setting that can't be trained with; its text is one line that says which values are valid."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """A setting that has a name.

    Attributes:
        name: As it is written on the command line and in files.
        kind: "int", "float", "str", "bool", "float | None" (None is written "auto") or "ints" (a tuple).
        documentation: One or two sentences.
        default: Its value where nothing else is given; of a hyper-parameter, a recipe may give another one.
        low: The smallest valid number, of each where there are several; None where anything goes.
        high: The largest one.
        above: Whether `low` itself is invalid.
        below: Whether `high` itself is invalid.
        choices: Valid texts; empty where any will do.
        longest: How many numbers "ints" may have.
        engines: The engines that have it.
        optimizers: The optimizers that have it; empty where all do.
    """

    name: str
    kind: str
    documentation: str
    default: Any = None
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 8
    engines: tuple[str, ...] = ("torch", "numpy")
    optimizers: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name in words."""
        return self.name.rpartition(".")[2].replace("_", " ")

    @property
    def valid(self) -> str:
        """The valid values in a few words."""
        if self.choices:
            return ", ".join(self.choices)
        kind, _, may_be_auto = self.kind.partition(" | ")
        limits = f", {_limits(self)}" if self.low is not None else ""
        many = f"{_ARTICLES[kind]} between commas, 1 to {self.longest}" if kind == "ints" else _ARTICLES[kind]
        return f"{many}{limits}{f', or {AUTO}' if may_be_auto else ''}"

    def check(self, value: Any) -> None:
        """Raise ConfigError if the value is of another type or out of range."""
        check_type(self.name, self.kind, value)
        if value is None:
            return
        if self.choices:
            check_choice(self.title, value, self.choices)
        if self.kind == "ints" and not 1 <= len(value) <= self.longest:
            raise ConfigError(f"invalid {self.title} {self.write(value)} (1 to {self.longest} numbers)")
        for number in value if self.kind == "ints" else (value,):
            if isinstance(number, float) and not self.choices and self.low is None and not isfinite(number):
                raise ConfigError(f"invalid {self.title} {number} (must be a finite number)")
            if self.low is not None and not self._is_in_range(number):
                raise ConfigError(f"invalid {self.title} {_number(number)} (must be {_limits(self)})")

    def read(self, value: Any) -> Any:
        """The value for what was typed, or read from a TOML or JSON file.

        Raises:
            ConfigError: It is invalid.
        """
        found = self._typed(value.strip()) if isinstance(value, str) else value
        if self.kind == "ints" and isinstance(found, list):
            found = tuple(found)
        if self.kind.startswith("float") and isinstance(found, int) and not isinstance(found, bool):
            found = _as_float(found)
        self.check(found)
        return found

    def write(self, value: Any) -> str:
        """The value as it is typed."""
        if value is None:
            return AUTO
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)

    def _typed(self, text: str) -> Any:
        kind, _, may_be_auto = self.kind.partition(" | ")
        if may_be_auto and text == AUTO:
            return None
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text)
            if kind == "ints":
                return tuple(int(part) for part in text.split(","))
            if kind == "bool" and text.lower() in (*_YES, *_NO):
                return text.lower() in _YES
        except ValueError:
            pass
        if kind == "str":
            return text
        raise ConfigError(f"invalid {self.title} {text!r} (must be {self.valid})")

    def _is_in_range(self, number: float) -> bool:
        low, high = self.low, self.high
        assert low is not None  # noqa: S101
        if not (number > low if self.above else number >= low):
            return False
        return high is None or (number < high if self.below else number <= high)


def _as_float(number: int) -> float:
    """The number, infinite where it is too large for a float: a file may have any number of digits."""
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def option_named(options: Iterable[Option], name: str, also: Mapping[str, str] | None = None) -> Option:
    """The option of that name.

    Args:
        options: Those that there are.
        name: As the user wrote it.
        also: What to do instead, by the names of settings that are no options.

    Raises:
        ConfigError: There is none; its text suggests the nearest and lists all.
    """
    known = {option.name: option for option in options}
    if name in known:
        return known[name]
    if also and name in also:
        raise ConfigError(f"{name!r} is not a hyper-parameter: use {also[name]}")
    raise ConfigError(f"unknown setting {name!r}{suggestion(name, known)} (choose from {', '.join(known)})")


def suggestion(name: str, known: Collection[str]) -> str:
    """A question with the nearest of the known names: "; did you mean 'epochs'?"; "" where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_type(name: str, kind: str, value: Any) -> None:
    """Raise ConfigError if `value` is not of the type that `kind` names ("int", "float | None")."""
    kinds: dict[str, Any] = {
        "int": int,
        "float": int | float,
        "str": str,
        "bool": bool,
        "float | None": int | float | None,
        "ints": tuple,
    }
    parts = value if kind == "ints" and isinstance(value, tuple) else ()
    wrong = (isinstance(value, bool) and kind != "bool") or any(type(part) is not int for part in parts)
    if wrong or not isinstance(value, kinds[kind]):
        raise ConfigError(f"invalid {name} {value!r} (must be of type {kind})")


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError if `value` is not between `low` and `high`, both included."""
    if not low <= value <= high:
        raise ConfigError(f"invalid {name} {value} (must be between {low:,} and {high:,})")


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise ConfigError if `value` is not one of `choices`."""
    if value not in choices:
        raise ConfigError(f"invalid {name} {value!r} (choose from {', '.join(choices)})")


def _limits(option: Option) -> str:
    low, high = (_number(number, grouped=True) for number in (option.low, option.high))
    if option.high is None:
        return f"{'above' if option.above else 'at least'} {low}"
    if option.above or option.below:
        return f"{'above' if option.above else 'at least'} {low} and {'below' if option.below else 'at most'} {high}"
    return f"between {low} and {high}"


def _number(number: Any, *, grouped: bool = False) -> str:
    if isinstance(number, int):
        return f"{number:,}" if grouped else str(number)
    return f"{number:g}"
