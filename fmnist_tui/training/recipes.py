"""The recipes: `origin`, the settings of the project that this one reworks, and `tuned`, ours.

`tuned` leaves two things to the data: how pixels are scaled, and whether images are flipped. `settle` fills them in.
v1, v2 and v3 share one tuned recipe, so that a step from version to version is the architecture's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from fmnist_tui.data import official
from fmnist_tui.data.statistics import PixelStatistics
from fmnist_tui.training.config import ConfigError, Hyperparameters, TrainingConfig, check_device

RECIPES = ("tuned", "origin")

FLIPS = ("auto", "on", "off")
"""What may be asked for: horizontal flips as the data set has it, or in any case, or in none."""

_BY_DATA = ("augment", "auto")
_FLIPPED = {"none": "flip", "shift": "flip_shift", "auto": "flip_shift"}
_UNFLIPPED = {"flip": "none", "flip_shift": "shift", "auto": "shift"}
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
    input_scale=None,
    input_offset=None,
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
    augment="auto",
    input_scale=None,
    input_offset=None,
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


def with_flips(augment: str, flips: str) -> str:
    """An augmentation with horizontal flips "on", "off", or as it was ("auto").

    Raises:
        ConfigError: `flips` is none of these.
    """
    if flips not in FLIPS:
        raise ConfigError(f"flip {flips!r} is none of {', '.join(FLIPS)}")
    return {"on": _FLIPPED, "off": _UNFLIPPED}.get(flips, {}).get(augment, augment)


def settle(settings: Hyperparameters, pixels: PixelStatistics, *, flips: bool) -> Hyperparameters:
    """The hyper-parameters with what they leave to the data filled in; what is settled already stays as it is.

    Args:
        settings: As the user asked for them.
        pixels: Of all training images; where all pixels are alike (deviation 0) they become 0.
        flips: Whether a mirrored image is as good as the original.
    """
    if settings.augment == "auto":
        settings = replace(settings, augment=with_flips("auto", "on" if flips else "off"))
    deviation = pixels.deviation or 1.0
    if settings.input_scale is None:
        settings = replace(settings, input_scale=1 / (255 * deviation))
    if settings.input_offset is None:
        settings = replace(settings, input_offset=(0.0 - pixels.mean) / deviation)
    return settings


def settle_for_fashion_mnist(settings: Hyperparameters) -> Hyperparameters:
    """The hyper-parameters as Fashion-MNIST settles them."""
    return settle(settings, official.FASHION_MNIST.pixels, flips=True)


def left_to_data(settings: Hyperparameters) -> frozenset[str]:
    """The names of those hyper-parameters that only the data settles."""
    return frozenset(name for name, value in asdict(settings).items() if value is None or (name, value) == _BY_DATA)


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


def configure(
    version: str, recipe: str, changes: dict[str, Any], flip: str = "auto", **settings: Any
) -> TrainingConfig:
    """A configuration from a recipe.

    Args:
        version: "v0" to "v3".
        recipe: "tuned" or "origin".
        changes: Hyper-parameters that differ from the recipe's; a value of None changes nothing.
        flip: "auto", "on" or "off": horizontal flips, whatever the recipe says.
        **settings: TrainingConfig's own fields: seed, limit, score_test, device, threads.

    Raises:
        ConfigError: A value is out of range.
    """
    base = hyperparameters(version, recipe)
    changed = replace(base, **{name: value for name, value in changes.items() if value is not None})
    changed = replace(changed, augment=with_flips(changed.augment, flip))
    return TrainingConfig(version, recipe, changed != base, changed, **settings)
