"""The settings that a sweep searches: ranges and choices, as they are typed after --set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fmnist_tui.models.options import ConfigError, Option
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.text import grouped, small_number
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import MODEL, setting_of

_ALIASES = {"lr": "learning_rate"}
_LOG = "log"
_FORMS = "LOW:HIGH, log:LOW:HIGH or A,B,C"
_MOST_POINTS = 10_000
_DIGITS = 4
"""Significant digits of a sampled number, so that it can be read, typed and compared."""


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched.

    Attributes:
        option: The setting.
        text: What was typed: "log:1e-4:1e-2".
        low: The lowest value of a range; 0 for choices, as is `high`.
        high: The highest one, included.
        is_log: Whether values are spread evenly over the logarithm.
        choices: All values; empty for a range.
    """

    option: Option
    text: str
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The setting's name."""
        return self.option.name

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.option.kind == "int"

    def at(self, fraction: float) -> Any:
        """The value at a fraction (0 to below 1) of the range, or of the choices."""
        if self.choices:
            return self.choices[min(int(fraction * len(self.choices)), len(self.choices) - 1)]
        low, high = self.low, self.high + self.is_whole
        if self.is_log:
            value = math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
        else:
            value = low + fraction * (high - low)
        return self.rounded(value)

    def rounded(self, value: float) -> float:
        """A value of the range as it is used: a whole number, or one of few digits."""
        if self.is_whole:
            return min(max(int(value), int(self.low)), int(self.high))
        return min(max(_rounded(value), self.low), self.high)


@dataclass(frozen=True)
class Space:
    """All settings that are searched, in the order in which they were given."""

    dimensions: tuple[Dimension, ...]

    @cached_property
    def texts(self) -> dict[str, str]:
        """What was typed, by name."""
        return {one.name: one.text for one in self.dimensions}

    @property
    def size(self) -> int | None:
        """The number of combinations; None where there is a range."""
        if not all(one.choices for one in self.dimensions):
            return None
        return math.prod(len(one.choices) for one in self.dimensions)

    @cached_property
    def grid(self) -> Space:
        """The same with all values of ranges of whole numbers, unless they are logarithmic or very many."""
        return Space(tuple(_listed(one) for one in self.dimensions))

    def combination(self, index: int) -> dict[str, Any]:
        """One of the `size` combinations; the last setting changes fastest."""
        found: dict[str, Any] = {}
        for one in reversed(self.dimensions):
            index, position = divmod(index, len(one.choices))
            found[one.name] = one.choices[position]
        return {one.name: found[one.name] for one in self.dimensions}

    def read(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A trial's settings as JSON has them, checked: numbers, and lists as tuples.

        Raises:
            ConfigError: One is missing or invalid.
        """
        return {one.name: one.option.read(settings.get(one.name)) for one in self.dimensions}

    def write(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """A trial's settings as they are typed, by name."""
        return {one.name: one.option.write(settings.get(one.name)) for one in self.dimensions}


def _listed(one: Dimension) -> Dimension:
    if one.choices or not one.is_whole or one.is_log or one.high - one.low >= _MOST_POINTS:
        return one
    return replace(one, choices=tuple(range(int(one.low), int(one.high) + 1)))


def full_name(name: str) -> str:
    """A setting's name as `Hyperparameters` has it, for what a user typed."""
    plain = name.strip().replace("-", "_")
    return _ALIASES.get(plain, plain)


def is_search(model: ModelSpec, name: str, text: str) -> bool:
    """Whether what was typed for a setting has several values; if not, all trials have this one.

    Raises:
        ConfigError: The model has no such setting.
    """
    option = setting_of(model, name)
    return ":" in text or _separator(option) in text


def parse_space(model: ModelSpec, given: Mapping[str, str]) -> Space:
    """The search space for settings by name, each with a text that `is_search`.

    Raises:
        ConfigError: There is no such setting, or a range or choice is invalid.
    """
    return Space(tuple(_parse(setting_of(model, name), text) for name, text in given.items()))


def _parse(option: Option, text: str) -> Dimension:
    if ":" in text:
        return _parse_range(option, text)
    return _with_choices(option, text, (option.read(part) for part in text.split(_separator(option))))


def _separator(option: Option) -> str:
    """Between choices: a comma, or, where values are lists with commas, a slash."""
    return "/" if option.kind == "ints" else ","


def _parse_range(option: Option, text: str) -> Dimension:
    if option.kind not in ("int", "float", "float | None"):
        raise ConfigError(f"{option.name} has no range: list its values as {option.name}=A{_separator(option)}B")
    scale, *rest = text.split(":")
    is_log = scale.strip().lower() == _LOG
    parts = rest if is_log else [scale, *rest]
    if len(parts) not in (2, 3):
        raise ConfigError(f"invalid search {option.name}={text} (must be {_FORMS})")
    low, high = (option.read(part) for part in parts[:2])
    if low is None or high is None:
        raise ConfigError(f"invalid range {option.name}={text}: the ends must be numbers")
    if not low < high:
        raise ConfigError(f"invalid range {option.name}={text}: {low} is not below {high}")
    if is_log and low <= 0:
        raise ConfigError(f"invalid range {option.name}={text}: a logarithmic one starts above 0")
    found = Dimension(option, text, float(low), float(high), is_log)
    return found if len(parts) == 2 else _with_choices(option, text, _points(found, parts[2]), is_log=is_log)


def _points(dimension: Dimension, count: str) -> list[Any]:
    """So many values of the range, evenly spread, with both ends."""
    n = small_number(count.strip()) or 0
    if not 2 <= n <= _MOST_POINTS:
        what = f"{count!r} is no number of values from 2 to {grouped(_MOST_POINTS)}"
        raise ConfigError(f"invalid search {dimension.name}={dimension.text}: {what}")
    low, high = dimension.low, dimension.high
    fractions = [index / (n - 1) for index in range(n)]
    if dimension.is_log:
        span = math.log(high) - math.log(low)
        values = [math.exp(math.log(low) + fraction * span) for fraction in fractions]
    else:
        values = [low + (high - low) * fraction for fraction in fractions]
    if dimension.is_whole:
        return list(dict.fromkeys(round(value) for value in values))
    return [low, *map(_rounded, values[1:-1]), high]


def _with_choices(option: Option, text: str, values: Iterable[Any], *, is_log: bool = False) -> Dimension:
    choices = tuple(values)
    repeated = [value for index, value in enumerate(choices) if value in choices[:index]]
    if repeated:
        raise ConfigError(f"invalid search {option.name}={text}: {option.write(repeated[0])} is listed twice")
    return Dimension(option, text, is_log=is_log, choices=choices)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def trial_config(
    base: TrainingConfig,
    space: Space,
    settings: Mapping[str, Any],
    seed: int | None = None,
    *,
    score_test: bool = False,
) -> TrainingConfig:
    """What a trial trains: the shared configuration with its own settings; the test images aren't scored.

    Args:
        base: What all trials share.
        space: What is searched.
        settings: The trial's.
        seed: Instead of the trials' own, for the winner, as is `score_test`.
        score_test: Whether the test images are scored.

    Raises:
        ConfigError: The settings can't be trained together.
    """
    values = space.read(settings)
    own = {name.removeprefix(MODEL): values.pop(name) for name in list(values) if name.startswith(MODEL)}
    hyperparameters = replace(base.hyperparameters, **values)
    defaults = {option.name: option.default for option in base.model.options}
    options = {**base.model_options, **own}
    options = {name: value for name, value in options.items() if name not in defaults or value != defaults[name]}
    return replace(
        base,
        hyperparameters=hyperparameters,
        model_options=options,
        modified=hyperparameters != base.model.recipe(base.recipe) or bool(options),
        seed=base.seed if seed is None else seed,
        score_test=score_test,
    )
