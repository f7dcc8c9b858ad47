"""Which settings a trial gets. Grid and random search are functions of the trial's number: no order, no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.models.options import ConfigError
from fmnist_tui.sweeps.space import Space
from fmnist_tui.text import counted

GRID, RANDOM, TPE = "grid", "random", "tpe"
SAMPLERS = (GRID, RANDOM, TPE)
_MOST_SHUFFLED = 1_000_000
NO_OPTUNA = (
    "the sampler tpe needs Optuna, which isn't installed; install it: pip install optuna, or, in this program's source "
    "folder, pip install -c constraints.txt '.[sweep]'"
)


@dataclass(frozen=True)
class Tried:
    """A trial so far, for samplers that learn from it.

    Attributes:
        number: The trial's, from 0.
        settings: By name.
        accuracy: The validation accuracy after the last epoch that was reported; None before.
        is_over: Whether there is nothing more to come: trained to its end, failed, or never promoted so far.
    """

    number: int
    settings: dict[str, Any]
    accuracy: float | None
    is_over: bool


def check_sampler(sampler: str, space: Space, trials: int | None) -> int:
    """The number of trials, once it is known that the sampler can propose them.

    Args:
        sampler: Its name.
        space: What is searched.
        trials: As requested; None for all combinations of a grid.

    Raises:
        ConfigError: It can't; the text says why.
    """
    if sampler == TPE and find_spec("optuna") is None:
        raise ConfigError(NO_OPTUNA)
    if sampler == GRID and (space := space.grid).size is None:
        name = next(one.name for one in space.dimensions if not one.choices)
        example = f"{name}={space.texts[name]}:5"
        raise ConfigError(f"a grid needs values, not a range: give their number, {example}, or list them as A,B,C")
    most = space.size if sampler == GRID or (sampler == RANDOM and _shuffles(space)) else None
    if trials is None:
        if most is None:
            raise ConfigError("give the number of trials with --trials N")
        return most
    if most is not None and trials > most:
        raise ConfigError(f"there are only {counted(most, 'combination')}: use --trials {most}, or search more values")
    return trials


def propose(
    sampler: str, space: Space, seed: int, number: int, tried: Sequence[Tried] = (), journal: Path | None = None
) -> dict[str, Any]:
    """The settings of the trial of this number.

    Args:
        sampler: Its name.
        space: What is searched.
        seed: The sampler's seed.
        number: The trial's number, from 0.
        tried: All earlier trials; only TPE uses them.
        journal: Where TPE keeps Optuna's journal; the others need none.

    Raises:
        ConfigError: Optuna isn't installed.
    """
    if sampler == GRID:
        return space.grid.combination(number)
    if sampler == RANDOM:
        return _random(space, seed, number)
    if find_spec("optuna") is None or journal is None:
        raise ConfigError(NO_OPTUNA)
    from fmnist_tui.sweeps.optuna_sampler import ask

    return ask(space, seed, number, tried, journal)


def _random(space: Space, seed: int, number: int) -> dict[str, Any]:
    """Independent of all other trials; where everything is a choice, no combination is tried twice."""
    if _shuffles(space):
        assert space.size is not None  # noqa: S101
        return space.combination(int(_shuffled(space.size, seed)[number]))
    fractions = np.random.default_rng([seed, number]).random(len(space.dimensions))
    return {one.name: one.at(float(fraction)) for one, fraction in zip(space.dimensions, fractions, strict=True)}


def _shuffles(space: Space) -> bool:
    return space.size is not None and space.size <= _MOST_SHUFFLED


@lru_cache(1)
def _shuffled(size: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
