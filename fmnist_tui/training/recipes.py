"""The recipes: `origin`, the settings of the project that this one reworks, and `tuned`, ours.

v1, v2 and v3 share one tuned recipe, so that a step from version to version is the architecture's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fmnist_tui.training.config import ConfigError, Hyperparameters, TrainingConfig, check_device

RECIPES = ("tuned", "origin")

_MEAN, _DEVIATION = 0.28604, 0.35302  # of Fashion-MNIST's training pixels, as fractions of 255
_STANDARD = (1 / (255 * _DEVIATION), -_MEAN / _DEVIATION)
_ORIGIN_PIXELS = (0.99 / 255, 0.01)

_V0_ORIGIN = Hyperparameters(
    epochs=15,
    batch_size=1,
    learning_rate=1e-4,
    schedule="constant",
    optimizer="sgd",
    init="fan_out",
    target_margin=0.01,
    input_scale=_ORIGIN_PIXELS[0],
    input_offset=_ORIGIN_PIXELS[1],
)
_V0_TUNED = Hyperparameters(
    epochs=30,
    batch_size=64,
    learning_rate=0.02,
    schedule="one_cycle",
    optimizer="sgd",
    momentum=0.9,
    init="he",
    target_margin=0.01,
    input_scale=_STANDARD[0],
    input_offset=_STANDARD[1],
)
_CNN_ORIGIN = Hyperparameters(
    epochs=10,
    batch_size=64,
    learning_rate=3e-4,
    schedule="constant",
    optimizer="adamw",
    weight_decay=0.01,
    init="torch",
    input_scale=_ORIGIN_PIXELS[0],
    input_offset=_ORIGIN_PIXELS[1],
)
_CNN_TUNED = Hyperparameters(
    epochs=10,
    batch_size=128,
    learning_rate=4e-3,
    schedule="one_cycle",
    optimizer="adamw",
    weight_decay=0.01,
    init="torch",
    augment="flip_shift",
    input_scale=_STANDARD[0],
    input_offset=_STANDARD[1],
)


def recipe_option(recipe: str) -> str:
    """What a command that is told to a person needs for this recipe, after a space; "" for `tuned`, the default."""
    return "" if recipe == "tuned" else f" --recipe {recipe}"


def hyperparameters(version: str, recipe: str) -> Hyperparameters:
    """A recipe's hyper-parameters for a version ("v0" to "v3").

    Raises:
        ConfigError: There is no such recipe.
    """
    if recipe not in RECIPES:
        raise ConfigError(f"recipe {recipe!r} is none of {', '.join(RECIPES)}")
    if version == "v0":
        return _V0_ORIGIN if recipe == "origin" else _V0_TUNED
    return _CNN_ORIGIN if recipe == "origin" else _CNN_TUNED


def configure_all(
    versions: Sequence[str], seeds: Sequence[int], recipe: str, changes: dict[str, Any], device: str, **settings: Any
) -> list[TrainingConfig]:
    """A configuration for each version and seed, as `configure` makes it.

    Beside other versions v0, which is NumPy, takes the CPU whatever device the others shall have.

    Raises:
        ConfigError: A value is out of range, or v0 alone is to train on something else than the CPU.
    """
    devices = {version: "cpu" if version == "v0" and len(versions) > 1 else device for version in versions}
    for version in versions:
        check_device(version, devices[version])
    return [
        configure(version, recipe, changes, seed=seed, device=devices[version], **settings)
        for version in versions
        for seed in seeds
    ]


def configure(version: str, recipe: str, changes: dict[str, Any], **settings: Any) -> TrainingConfig:
    """A configuration from a recipe.

    Args:
        version: "v0" to "v3".
        recipe: "tuned" or "origin".
        changes: Hyper-parameters that differ from the recipe's; a value of None changes nothing.
        **settings: TrainingConfig's own fields: seed, limit, score_test, device, threads.

    Raises:
        ConfigError: A value is out of range.
    """
    base = hyperparameters(version, recipe)
    changed = replace(base, **{name: value for name, value in changes.items() if value is not None})
    return TrainingConfig(version, recipe, changed != base, changed, **settings)
