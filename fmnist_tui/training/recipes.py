"""From recipes to configurations: `tuned`, our settings, and `origin`, those of the original project.

`tuned` leaves two settings to the data: how pixels are scaled, and whether images are flipped. `settle` fills them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from fmnist_tui.data import official
from fmnist_tui.data.dataset import PixelStatistics
from fmnist_tui.models.hyperparameters import Hyperparameters, check_choice
from fmnist_tui.models.registry import get_model
from fmnist_tui.training.config import TrainingConfig, check_device

RECIPES = ("tuned", "origin")
"""Names of the recipes that models have; the first one is the default."""

FLIPS = ("auto", "on", "off")
"""Horizontal flips: as suits the data set, always, or never."""

_BY_DATA = ("augment", "auto")
_FLIPPED = {"none": "flip", "shift": "flip_shift", "auto": "flip_shift"}
_UNFLIPPED = {"flip": "none", "flip_shift": "shift", "auto": "shift"}


def recipe_option(recipe: str) -> str:
    """The option that a suggested command needs for this recipe, after a space; "" for `tuned`, the default."""
    return "" if recipe == "tuned" else f" --recipe {recipe}"


def hyperparameters(version: str, recipe: str) -> Hyperparameters:
    """The hyper-parameters of a model's recipe.

    Raises:
        ConfigError: There is no such model or recipe.
    """
    return get_model(version).recipe(recipe)


def with_flips(augment: str, flips: str) -> str:
    """An augmentation with horizontal flips "on", "off", or as it was ("auto").

    Raises:
        ConfigError: `flips` is none of these.
    """
    check_choice("flip", flips, FLIPS)
    return {"on": _FLIPPED, "off": _UNFLIPPED}.get(flips, {}).get(augment, augment)


def settle(settings: Hyperparameters, pixels: PixelStatistics, *, flips: bool) -> Hyperparameters:
    """The hyper-parameters with those that they leave to the data filled in.

    Args:
        settings: As requested.
        pixels: Of all training images; if all pixels are equal (deviation 0), the inputs become 0.
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
    """The hyper-parameters with those that they leave to the data filled in for Fashion-MNIST."""
    return settle(settings, PixelStatistics(*official.FASHION_MNIST.pixels), flips=True)


def left_to_data(settings: Hyperparameters) -> frozenset[str]:
    """The names of those hyper-parameters that are left to the data."""
    return frozenset(name for name, value in asdict(settings).items() if value is None or (name, value) == _BY_DATA)


def configure_all(
    versions: Sequence[str], seeds: Sequence[int], recipe: str, changes: dict[str, Any], device: str, **settings: Any
) -> list[TrainingConfig]:
    """A configuration for each model and seed, as `configure` makes it.

    Among several models, those that train on the CPU only do so whatever the device of the others.

    Args:
        versions: Names of the models.
        seeds: Of each model's runs.
        recipe: As for `configure`, as are the following.
        changes: Hyper-parameters that differ from the recipe's.
        device: Of those models that can use it.
        **settings: Further arguments of `configure`.

    Raises:
        ConfigError: A value is out of range, or a single model can't train on the device.
    """
    devices = dict.fromkeys(versions, device)
    if len(versions) > 1:
        devices |= {version: "cpu" for version in versions if not get_model(version).needs_torch}
    for version in versions:
        check_device(get_model(version), devices[version])
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
        version: The model's name.
        recipe: The recipe's name.
        changes: Hyper-parameters that differ from the recipe's; a value of None changes nothing.
        flip: "on" or "off": horizontal flips, whatever the recipe says; "auto": the recipe's.
        **settings: Fields of TrainingConfig: seed, limit, score_test, device, threads.

    Raises:
        ConfigError: There is no such model or recipe, or a value is out of range.
    """
    model = get_model(version)
    base = model.recipe(recipe)
    changed = replace(base, **{name: value for name, value in changes.items() if value is not None})
    changed = replace(changed, augment=with_flips(changed.augment, flip))
    return TrainingConfig(version, recipe, changed != base, changed, source=model.source, **settings)
