"""From recipes to configurations: `tuned`, our settings, and `origin`, those of the original project.

`tuned` leaves two settings to the data: how pixels are scaled, and whether images are flipped. `settle` fills them in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from fmnist_tui.data import official
from fmnist_tui.data.dataset import PixelStatistics
from fmnist_tui.models.hyperparameters import Hyperparameters, hyperparameter_options
from fmnist_tui.models.options import ConfigError, Option, check_choice, option_named
from fmnist_tui.models.registry import get_model
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.training.config import TrainingConfig, check_device

if TYPE_CHECKING:
    from fmnist_tui.training.recipe_files import RecipeFile

RECIPES = ("tuned", "origin")
"""Names of the recipes that models have; the first one is the default."""

FLIPS = ("auto", "on", "off")
"""Horizontal flips: as suits the data set, always, or never."""

_BY_DATA = (("flip", "auto"), ("input_scale", None), ("input_offset", None))
MODEL = "model."
"""How the names of a model's own settings begin."""
_OTHER_OPTIONS = {
    "seed": "--seed",
    "seeds": "--seeds",
    "limit": "--limit",
    "device": "--device",
    "threads": "--threads",
    "lr": "learning_rate",
    "augment": "flip, shift, crop, erase, cutout or mixup",
}


def recipe_option(recipe: str) -> str:
    """The option that a suggested command needs for this recipe, after a space; "" for `tuned`, the default."""
    return "" if recipe == "tuned" else f" --recipe {recipe}"


def hyperparameters(version: str, recipe: str) -> Hyperparameters:
    """The hyper-parameters of a model's recipe.

    Raises:
        ConfigError: There is no such model or recipe.
    """
    return get_model(version).recipe(recipe)


def options_for(model: ModelSpec) -> tuple[Option, ...]:
    """All settings that a training of the model has, its own ones last, as "model.NAME"."""
    shared = (_narrowed(option, model) for option in hyperparameter_options() if model.engine in option.engines)
    return (*shared, *(replace(option, name=f"{MODEL}{option.name}") for option in model.options))


def _narrowed(option: Option, model: ModelSpec) -> Option:
    """The option with the choices that the model's engine has."""
    if option.name == "optimizer":
        return replace(option, choices=model.optimizers)
    return replace(option, choices=("he", "fan_out")) if option.name == "init" else option


def read_settings(model: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name as a user gave them, as text or as TOML's values, checked and converted.

    Raises:
        ConfigError: The model has no such setting, or a value is invalid.
    """
    return {name: setting_of(model, name).read(value) for name, value in given.items()}


def setting_of(model: ModelSpec, name: str) -> Option:
    """The setting of that name.

    Raises:
        ConfigError: The model has none.
    """
    options = options_for(model)
    if not any(option.name == name for option in options):
        _explain_missing(model, name)
    return option_named(options, name, _OTHER_OPTIONS)


def _explain_missing(model: ModelSpec, name: str) -> None:
    """Raise ConfigError if only other models have this setting."""
    if any(option.name == name for option in hyperparameter_options()):
        raise ConfigError(f"{model.name} ({model.framework}) has no setting {name!r}")
    if name.startswith(MODEL) and not model.options:
        raise ConfigError(f"{model.name} has no settings of its own, so no {name!r}")


def check_effective(settings: Hyperparameters, changed: Collection[str]) -> None:
    """Raise ConfigError if a changed setting would change nothing, because the optimiser doesn't have it."""
    for option in hyperparameter_options():
        if option.name in changed and option.optimizers and settings.optimizer not in option.optimizers:
            users = " and ".join(option.optimizers)
            raise ConfigError(f"{option.name} is a setting of {users}, but the optimizer is {settings.optimizer}")


def settle(settings: Hyperparameters, pixels: PixelStatistics, *, flips: bool) -> Hyperparameters:
    """The hyper-parameters with those that they leave to the data filled in.

    Args:
        settings: As requested.
        pixels: Of all training images; if all pixels are equal (deviation 0), the inputs become 0.
        flips: Whether a mirrored image is as good as the original.
    """
    if settings.flip == "auto":
        settings = replace(settings, flip="on" if flips else "off")
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
    return frozenset(name for name, value in asdict(settings).items() if (name, value) in _BY_DATA)


def configure_all(
    versions: Sequence[str], seeds: Sequence[int], recipe: str, changes: Mapping[str, Any], device: str, **settings: Any
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
    version: str,
    recipe: str,
    changes: Mapping[str, Any],
    flip: str = "auto",
    given: Mapping[str, Any] | None = None,
    recipe_file: RecipeFile | None = None,
    **settings: Any,
) -> TrainingConfig:
    """A configuration from a recipe.

    Args:
        version: The model's name.
        recipe: The recipe's name.
        changes: Settings that differ from the recipe's, and the model's own ones as "model.NAME"; a value of None
            changes nothing.
        flip: "on" or "off": horizontal flips, whatever the recipe says; "auto": the recipe's.
        given: Further changes as a user gave them: as text.
        recipe_file: A recipe file, whose settings replace those of the recipe that it names.
        **settings: Fields of TrainingConfig: seed, limit, score_test, device, threads.

    Raises:
        ConfigError: There is no such model, recipe or setting, or a value is out of range.
    """
    check_choice("flip", flip, FLIPS)
    model = get_model(version)
    base = model.recipe(recipe_file.recipe if recipe_file else recipe)
    values = _of_file(model, recipe_file) if recipe_file else {}
    values |= read_settings(model, given or {})
    values |= {name: value for name, value in changes.items() if value is not None}
    if flip != "auto":
        values["flip"] = flip
    own = {name.removeprefix(MODEL): values.pop(name) for name in list(values) if name.startswith(MODEL)}
    changed = replace(base, **values)
    check_effective(changed, {name for name, value in values.items() if value != getattr(base, name)})
    defaults = {option.name: option.default for option in model.options}
    own = {name: value for name, value in own.items() if name not in defaults or value != defaults[name]}
    return TrainingConfig(
        version,
        recipe_file.recipe if recipe_file else recipe,
        changed != base or bool(own),
        changed,
        source=model.source,
        model_options=own,
        recipe_file=recipe_file.to_json() if recipe_file else None,
        **settings,
    )


def _of_file(model: ModelSpec, file: RecipeFile) -> dict[str, Any]:
    try:
        return read_settings(model, file.settings)
    except ConfigError as error:
        raise ConfigError(f"{file.name}: {error}") from None
