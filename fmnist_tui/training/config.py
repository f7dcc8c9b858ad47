"""One training as it was asked for: version, recipe, hyper-parameters, seed, device."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any


class ConfigError(ValueError):
    """A setting that can't be trained with; its text is one line that says what would do."""


class NoDeviceError(ConfigError):
    """The device that is named isn't there."""


class NoPyTorchError(ConfigError):
    """v1 to v3 are asked for where PyTorch isn't installed."""


INSTALL_PYTORCH = "install it: pip install torch (a machine without a GPU needs the CPU build only, see the README)"
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,4})?", re.ASCII)


@dataclass(frozen=True)
class Hyperparameters:
    """What a recipe fixes.

    Attributes:
        epochs: How often each training image is seen.
        batch_size: Images a step.
        learning_rate: The highest one that the schedule reaches.
        schedule: "constant"; "cosine" (falls to zero along a half cosine); "one_cycle" (rises linearly over the
            first 30 % of the steps, then falls to zero along a half cosine).
        optimizer: "sgd" (v0) or "adamw" (v1 to v3).
        momentum: Of SGD.
        weight_decay: Of AdamW.
        input_scale: Pixels of 0 to 255 become pixel * input_scale + input_offset. None: what makes the training
            images' standard deviation 1.
        input_offset: See input_scale. None: what makes their mean 0.
        augment: "none", "flip" (left-right), "shift" (by up to one pixel), "flip_shift"; "auto": "flip_shift" where
            flips suit the data set, else "shift".
        label_smoothing: Of the cross-entropy (v1 to v3).
        target_margin: v0's targets are target_margin and 1 - target_margin.
        init: v0's weights: "he" or "fan_out"; v1 to v3 use PyTorch's defaults, "torch".
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
            _typed(item.name, str(item.type), getattr(self, item.name))
        _in_range("epochs", self.epochs, 1, 10_000)
        _in_range("batch size", self.batch_size, 1, 10_000)
        if not 0.0 < self.learning_rate <= 100.0:
            raise ConfigError(f"learning rate {self.learning_rate:g} is not above 0 and at most 100")
        for name, high in (("momentum", 1.0), ("weight_decay", 10.0), ("label_smoothing", 1.0), ("target_margin", 0.5)):
            if not 0.0 <= getattr(self, name) < high:
                raise ConfigError(f"{name.replace('_', ' ')} {getattr(self, name)} is not at least 0 and below {high}")
        _one_of("schedule", self.schedule, ("constant", "cosine", "one_cycle"))
        _one_of("augment", self.augment, ("none", "flip", "shift", "flip_shift", "auto"))

    @property
    def pixel_scaling(self) -> tuple[float, float]:
        """Input scale and offset, once the data has settled them.

        Raises:
            ConfigError: It hasn't yet.
        """
        if self.input_scale is None or self.input_offset is None:
            raise ConfigError("the input scale is not settled before the data is known")
        return self.input_scale, self.input_offset


@dataclass(frozen=True)
class TrainingConfig:
    """A training's whole configuration; `recipe` names where the hyper-parameters came from.

    Attributes:
        version: "v0" to "v3".
        recipe: "tuned" or "origin".
        modified: Whether a hyper-parameter differs from the recipe's.
        hyperparameters: What is trained with.
        seed: From which all randomness is derived.
        limit: How many training images are taken, of which a tenth is set aside for validation; None for all.
        subset: Which images a limit takes: "first", the first ones; "by_class", the first ones of each class, in
            proportion to the classes; "auto": "first" where these hold all classes as they should, else "by_class".
        score_test: Whether the test images are scored at the end.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps"; resolved before a run starts.
        threads: CPU threads, 0 for as many as there are; resolved before a run starts.
    """

    version: str
    recipe: str
    modified: bool
    hyperparameters: Hyperparameters
    seed: int = 0
    limit: int | None = None
    subset: str = "auto"
    score_test: bool = True
    device: str = "auto"
    threads: int = 0

    def __post_init__(self) -> None:
        _one_of("version", self.version, ("v0", "v1", "v2", "v3"))
        _one_of("optimizer", self.hyperparameters.optimizer, ("sgd",) if self.version == "v0" else ("adamw",))
        _one_of("subset", self.subset, ("auto", "first", "by_class"))
        _typed("device", "str", self.device)
        _check_name(self.device)
        for name in ("seed", "threads") if self.limit is None else ("seed", "threads", "limit"):
            _typed(name, "int", getattr(self, name))
        _in_range("seed", self.seed, 0, 2**32 - 1)
        _in_range("threads", self.threads, 0, 1024)
        if self.limit is not None:
            _in_range("limit", self.limit, 10, 10_000_000)

    def to_json(self) -> dict[str, Any]:
        """The configuration as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> TrainingConfig:
        """The configuration that `to_json` wrote; keys that it doesn't know are passed over.

        Where `subset` is missing, 0.1.0 wrote it, which took the first images.

        Raises:
            ConfigError: A key is missing or a value is out of range.
        """
        try:
            own = {item.name: record[item.name] for item in fields(cls) if item.name != "subset"}
            own["subset"] = record.get("subset", "first")
            known = {item.name for item in fields(Hyperparameters)}
            values = {name: value for name, value in own["hyperparameters"].items() if name in known}
            return cls(**{**own, "hyperparameters": Hyperparameters(**values)})
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"the run's configuration is incomplete ({error})") from error


def check_device(version: str, device: str) -> None:
    """Says nothing where the version may train on the device; whether that is there only PyTorch can tell.

    Raises:
        ConfigError: There is no device of that name, or v0 shall train on another one than the CPU.
        NoPyTorchError: The version needs PyTorch.
    """
    _check_name(device)
    if version != "v0":
        if not _has_pytorch():
            raise NoPyTorchError(f"{version} needs PyTorch; {INSTALL_PYTORCH}; v0 works without")
    elif device not in ("auto", "cpu"):
        raise ConfigError(f"v0 is NumPy and trains on the CPU only, not on {device}; choose device auto or cpu")


def _has_pytorch() -> bool:
    return sys.modules["torch"] is not None if "torch" in sys.modules else _is_installed("torch")


@cache
def _is_installed(package: str) -> bool:
    """Looks for it on the disk, once: the app's form asks at every key."""
    return importlib.util.find_spec(package) is not None


def _check_name(device: str) -> None:
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"device {device!r} is none of auto, cpu, cuda, cuda:N, mps")


def _in_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} {value} is not between {low} and {high}")


def _typed(name: str, kind: str, value: Any) -> None:
    kinds = {"int": int, "float": int | float, "str": str, "float | None": int | float | None}
    if not isinstance(value, kinds[kind]):
        raise ConfigError(f"{name} {value!r} is not of type {kind}")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} {value!r} is none of {', '.join(allowed)}")
