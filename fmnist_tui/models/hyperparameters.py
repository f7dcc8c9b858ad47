"""Hyper-parameters, the learning rate of each step, and the recipes that the PyTorch models share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from fmnist_tui.models.options import ConfigError, Option, check_choice, check_range, check_type

__all__ = [
    "SHARED_RECIPES",
    "ConfigError",
    "Hyperparameters",
    "Option",
    "check_choice",
    "check_range",
    "check_type",
    "hyperparameter_options",
    "learning_rate",
    "upgraded",
]

_TORCH, _NUMPY = ("torch",), ("numpy",)
SCHEDULES = ("constant", "cosine", "one_cycle", "linear", "step")


def _about(documentation: str, **details: Any) -> dict[str, Any]:
    """The metadata of a hyper-parameter: its documentation, and further fields of an `Option`."""
    return {"documentation": documentation, **details}


@dataclass(frozen=True)
class Hyperparameters:
    """What a recipe fixes. Each is documented where it is defined, below; `hyperparameter_options` lists them.

    Those with a default were added later or are used by few: a run that doesn't mention them was trained with it.

    Raises:
        ConfigError: A value is of the wrong type or out of range.
    """

    epochs: int = field(metadata=_about("Passes over the training images.", low=1, high=10_000))
    batch_size: int = field(metadata=_about("Images per step.", low=1, high=10_000))
    learning_rate: float = field(
        metadata=_about("The highest value that the schedule reaches.", low=0, above=True, high=100)
    )
    schedule: str = field(
        metadata=_about(
            "How the learning rate falls after the warm-up: not at all, to zero along a half cosine (one_cycle is the "
            "same with a warm-up of 0.3), to zero in a straight line, or to a tenth after half of the steps and to a "
            "hundredth after three quarters (step). It is laid out over all epochs, early stopping or not.",
            choices=SCHEDULES,
        )
    )
    optimizer: str = field(
        metadata=_about(
            "sgd: stochastic gradient descent. adamw: Adam with decoupled weight decay (Loshchilov and Hutter, 2019). "
            "muon: orthogonalised momentum (Jordan et al., 2024) for matrices and convolution weights, AdamW for all "
            "other parameters, both with the same learning rate. v0 has sgd, PyTorch models have all.",
            choices=("sgd", "adamw", "muon"),
        )
    )
    init: str = field(
        metadata=_about(
            "Initial weights. he: N(0, sqrt(2 / fan_in)). fan_out: N(0, fan_out ** -0.5), the original project's. "
            "torch: the module's own initialisation, for PyTorch models.",
            choices=("he", "fan_out", "torch"),
            engines=_NUMPY,
        )
    )
    input_scale: float | None = field(
        metadata=_about(
            "Pixels of 0 to 255 become pixel * input_scale + input_offset. auto: computed from the training images, so "
            "that their standard deviation becomes 1.",
        )
    )
    input_offset: float | None = field(
        metadata=_about("See input_scale. auto: computed from the training images, so that their mean becomes 0.")
    )
    momentum: float = field(
        default=0.0,
        metadata=_about(
            "The fraction of the velocity that a step keeps.", low=0, high=1, below=True, optimizers=("sgd",)
        ),
    )
    weight_decay: float = field(
        default=0.0,
        metadata=_about(
            "Pulls all parameters towards zero. sgd adds weight_decay * parameter to the gradient; adamw and muon "
            "subtract learning_rate * weight_decay * parameter, independently of the gradient.",
            low=0,
            high=10,
            below=True,
        ),
    )
    label_smoothing: float = field(
        default=0.0,
        metadata=_about(
            "The cross-entropy's targets are mixed with this fraction of the uniform distribution.",
            low=0,
            high=1,
            below=True,
            engines=_TORCH,
        ),
    )
    target_margin: float = field(
        default=0.0,
        metadata=_about(
            "Targets are target_margin and 1 - target_margin instead of 0 and 1.",
            low=0,
            high=0.5,
            below=True,
            engines=_NUMPY,
        ),
    )
    nesterov: bool = field(
        default=False,
        metadata=_about("Nesterov's momentum: the gradient is followed by a look ahead.", optimizers=("sgd",)),
    )
    beta1: float = field(
        default=0.9,
        metadata=_about(
            "The decay of AdamW's mean of gradients.",
            low=0,
            high=1,
            below=True,
            engines=_TORCH,
            optimizers=("adamw", "muon"),
        ),
    )
    beta2: float = field(
        default=0.999,
        metadata=_about(
            "The decay of AdamW's mean of squared gradients.",
            low=0,
            high=1,
            below=True,
            engines=_TORCH,
            optimizers=("adamw", "muon"),
        ),
    )
    epsilon: float = field(
        default=1e-8,
        metadata=_about(
            "Added to the root of AdamW's mean of squared gradients.",
            low=0,
            above=True,
            high=1,
            engines=_TORCH,
            optimizers=("adamw", "muon"),
        ),
    )
    muon_momentum: float = field(
        default=0.95,
        metadata=_about(
            "Muon's momentum, always Nesterov's.", low=0, high=1, below=True, engines=_TORCH, optimizers=("muon",)
        ),
    )
    warm_up: float | None = field(
        default=None,
        metadata=_about(
            "The fraction of the steps in which the learning rate rises in a straight line. auto: 0.3 for one_cycle, "
            "else 0.",
            low=0,
            high=1,
            below=True,
        ),
    )
    clip: float = field(
        default=0.0,
        metadata=_about(
            "The largest norm of all gradients together; longer ones are scaled down to it. 0: no limit.",
            low=0,
            high=1e6,
        ),
    )
    ema: float = field(
        default=0.0,
        metadata=_about(
            "The decay of an exponential moving average of the weights; the averaged weights are validated, scored and "
            "saved. At step t it is at most (1 + t) / (10 + t), so that the first weights are forgotten. Running "
            "statistics of batch normalisation are averaged alike. 0: no average. 0.999 is usual.",
            low=0,
            high=1,
            below=True,
        ),
    )
    patience: int = field(
        default=0,
        metadata=_about(
            "Early stopping: training ends after this many epochs in a row without a better validation accuracy; the "
            "weights are those of the last epoch. 0: all epochs are trained.",
            low=0,
            high=10_000,
        ),
    )
    precision: str = field(
        default="float32",
        metadata=_about(
            "bf16: matrix products and convolutions in bfloat16 (PyTorch's autocast), weights and optimiser in "
            "float32. A CPU can do it, as can GPUs of CUDA's compute capability 8.0 and above.",
            choices=("float32", "bf16"),
            engines=_TORCH,
        ),
    )
    fused_layers: str = field(
        default="on",
        metadata=_about(
            "on: a CPU trains faster, with the same mathematics but other rounding: images with channels last, and "
            "batch normalisation, ReLU and 2x2 pooling in shared passes. A model of your own is checked at the run's "
            "start: where its gradients differ by more than rounding, this is off. off: PyTorch's own layers.",
            choices=("on", "off"),
            engines=_TORCH,
        ),
    )
    flip: str = field(
        default="off",
        metadata=_about(
            "Mirror training images left to right with probability 1/2. auto: if that suits the data set.",
            choices=("off", "on", "auto"),
        ),
    )
    shift: int = field(
        default=0,
        metadata=_about("Shift training images by up to so many pixels each way; black moves in.", low=0, high=16),
    )
    crop: int = field(
        default=0,
        metadata=_about(
            "As shift, but the image goes on beyond its edges as if mirrored there: a random crop of an image padded "
            "by so many pixels. One of shift and crop must be 0.",
            low=0,
            high=16,
        ),
    )
    erase: float = field(
        default=0.0,
        metadata=_about(
            "Random erasing (Zhong et al., 2020): with this probability a rectangle of 2% to 33% of the image becomes "
            "noise.",
            low=0,
            high=1,
        ),
    )
    cutout: int = field(
        default=0,
        metadata=_about(
            "Cutout (DeVries and Taylor, 2017): the side in pixels of a square around a random pixel of each image, "
            "set to the mean grey. 0: none.",
            low=0,
            high=1024,
        ),
    )
    mixup: float = field(
        default=0.0,
        metadata=_about(
            "Mixup (Zhang et al., 2018): each image and its target are mixed with another one of the batch, by a "
            "weight from Beta(mixup, mixup), one per step; training accuracy refers to the heavier image. 0: none.",
            low=0,
            high=100,
        ),
    )

    def __post_init__(self) -> None:
        for option in hyperparameter_options():
            option.check(getattr(self, option.name))
        if self.shift and self.crop:
            raise ConfigError(f"shift {self.shift} and crop {self.crop} exclude each other: one of them must be 0")
        if self.nesterov and self.optimizer == "sgd" and not self.momentum:
            raise ConfigError("nesterov needs a momentum above 0")

    @property
    def augments(self) -> bool:
        """Whether training images are changed at random."""
        return self != self.without_augmentation()

    def without_augmentation(self) -> Hyperparameters:
        """The same with training images as they are."""
        return replace(self, flip="off", shift=0, crop=0, erase=0.0, cutout=0, mixup=0.0)

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
_OLD_AUGMENT = {
    "none": {"flip": "off", "shift": 0},
    "flip": {"flip": "on", "shift": 0},
    "shift": {"flip": "off", "shift": 1},
    "flip_shift": {"flip": "on", "shift": 1},
    "auto": {"flip": "auto", "shift": 1},
}


@cache
def hyperparameter_options() -> tuple[Option, ...]:
    """All hyper-parameters, in the order of their definition."""
    return tuple(
        Option(
            name=item.name,
            kind=str(item.type),
            default=None if item.default is MISSING else item.default,
            **item.metadata,
        )
        for item in fields(Hyperparameters)
    )


def upgraded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters by name, as an earlier version may have written them, under today's names.

    Versions up to 0.2 had one `augment` instead of `flip` and `shift`.
    """
    found = {name: value for name, value in values.items() if name != "augment"}
    old = values.get("augment")
    return found if old is None else {**_OLD_AUGMENT.get(str(old), {"flip": old}), **found}


def learning_rate(schedule: str, peak: float, step: int, total_steps: int, warm_up: float | None = None) -> float:
    """The learning rate of a step.

    Args:
        schedule: As in Hyperparameters.
        peak: The highest learning rate.
        step: Steps already taken, 0 to total_steps - 1.
        total_steps: Steps of the whole run.
        warm_up: The fraction of the steps in which it rises; None for the schedule's own.
    """
    if warm_up is None:
        warm_up = WARM_UP if schedule == "one_cycle" else 0.0
    rising = warm_up * total_steps
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    if schedule == "constant":
        return peak
    done = (step - rising) / (total_steps - rising)
    if schedule == "linear":
        return peak * (1.0 - done)
    if schedule == "step":
        return peak * (1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01)
    return peak * _half_cosine(done)


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
            flip="auto",
            shift=1,
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
