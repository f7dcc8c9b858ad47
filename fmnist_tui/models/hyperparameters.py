"""Hyper-parameters, the learning rate of each step, and the recipes that the PyTorch models share."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any


class ConfigError(ValueError):
    """A setting that can't be trained with; its text is one line that says which values are valid."""


def check_type(name: str, kind: str, value: Any) -> None:
    """Raise ConfigError if `value` is not of the type that the annotation `kind` names ("int", "float | None")."""
    kinds = {"int": int, "float": int | float, "str": str, "float | None": int | float | None}
    if not isinstance(value, kinds[kind]):
        raise ConfigError(f"invalid {name} {value!r} (must be of type {kind})")


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError if `value` is not between `low` and `high`, both included."""
    if not low <= value <= high:
        raise ConfigError(f"invalid {name} {value} (must be between {low:,} and {high:,})")


def check_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise ConfigError if `value` is not one of `choices`."""
    if value not in choices:
        raise ConfigError(f"invalid {name} {value!r} (choose from {', '.join(choices)})")


@dataclass(frozen=True)
class Hyperparameters:
    """What a recipe fixes.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: The highest value that the schedule reaches.
        schedule: "constant"; "cosine" (falls to zero along a half cosine); "one_cycle" (rises linearly over the
            first 30% of the steps, then falls to zero along a half cosine).
        optimizer: "sgd" or "adamw"; which of them a model can use depends on its engine.
        momentum: Of SGD.
        weight_decay: Of AdamW.
        input_scale: Pixels of 0 to 255 become pixel * input_scale + input_offset. None: computed from the training
            images, so that their standard deviation becomes 1.
        input_offset: See input_scale. None: computed so that their mean becomes 0.
        augment: "none", "flip" (left-right), "shift" (by up to one pixel), "flip_shift"; "auto": "flip_shift" where
            flips suit the data set, else "shift".
        label_smoothing: Of the cross-entropy (PyTorch engine).
        target_margin: Targets are target_margin and 1 - target_margin instead of 0 and 1 (NumPy engine).
        init: Initial weights: "he" or "fan_out" (NumPy engine), or "torch", the module's own initialisation.

    Raises:
        ConfigError: A value is of the wrong type or out of range.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    optimizer: str
    init: str
    input_scale: float | None
    input_offset: float | None
    momentum: float = 0.0
    weight_decay: float = 0.0
    augment: str = "none"
    label_smoothing: float = 0.0
    target_margin: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            check_type(item.name, str(item.type), getattr(self, item.name))
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch size", self.batch_size, 1, 10_000)
        if not 0.0 < self.learning_rate <= 100.0:
            raise ConfigError(f"invalid learning rate {self.learning_rate:g} (must be above 0 and at most 100)")
        for name, high in (("momentum", 1.0), ("weight_decay", 10.0), ("label_smoothing", 1.0), ("target_margin", 0.5)):
            value = getattr(self, name)
            if not 0.0 <= value < high:
                raise ConfigError(f"invalid {name.replace('_', ' ')} {value} (must be at least 0 and below {high})")
        check_choice("schedule", self.schedule, ("constant", "cosine", "one_cycle"))
        check_choice("augment", self.augment, ("none", "flip", "shift", "flip_shift", "auto"))

    @property
    def pixel_scaling(self) -> tuple[float, float]:
        """Input scale and offset, once they have been computed from the data.

        Raises:
            ConfigError: They haven't been.
        """
        if self.input_scale is None or self.input_offset is None:
            raise ConfigError("the input scale is computed from the training images, which are not loaded yet")
        return self.input_scale, self.input_offset


WARM_UP = 0.3
"""The fraction of the steps in which "one_cycle" rises."""


def learning_rate(schedule: str, peak: float, step: int, total_steps: int) -> float:
    """The learning rate of a step.

    Args:
        schedule: "constant", "cosine" or "one_cycle", as in Hyperparameters.
        peak: The highest learning rate.
        step: Steps already taken, 0 to total_steps - 1.
        total_steps: Steps of the whole run.
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * _half_cosine(step / total_steps)
    rising = WARM_UP * total_steps
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    return peak * _half_cosine((step - rising) / (total_steps - rising))


def _half_cosine(done: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * done))


ORIGIN_PIXELS = (0.99 / 255, 0.01)
"""Input scale and offset of the original project."""

SHARED_RECIPES: Mapping[str, Hyperparameters] = MappingProxyType(
    {
        "tuned": Hyperparameters(
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
        ),
        "origin": Hyperparameters(
            epochs=10,
            batch_size=64,
            learning_rate=3e-4,
            schedule="constant",
            optimizer="adamw",
            weight_decay=0.01,
            init="torch",
            input_scale=ORIGIN_PIXELS[0],
            input_offset=ORIGIN_PIXELS[1],
        ),
    }
)
"""Recipes of all PyTorch models that bring no others, so that their differences come from the architecture alone."""
