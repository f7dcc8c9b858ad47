"""One training as it was requested: model, recipe, hyper-parameters, seed, device."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from fmnist_tui.models.hyperparameters import Hyperparameters, upgraded
from fmnist_tui.models.options import ConfigError, check_choice, check_range, check_type, option_named
from fmnist_tui.models.registry import BUILT_IN, all_models, get_model
from fmnist_tui.models.source import ModelSource
from fmnist_tui.models.spec import ImageShape, ModelSpec

if TYPE_CHECKING:
    from fmnist_tui.models.spec import Network

__all__ = [
    "INSTALL_PYTORCH",
    "ConfigError",
    "Hyperparameters",
    "NoDeviceError",
    "NoPyTorchError",
    "TrainingConfig",
    "check_device",
    "check_device_name",
    "has_pytorch",
]


class NoDeviceError(ConfigError):
    """The requested device is not available."""


class NoPyTorchError(ConfigError):
    """A model needs PyTorch, which isn't installed."""


INSTALL_PYTORCH = "install it: pip install torch (a machine without a GPU needs the CPU build only, see the README)"
_LATER: Mapping[str, Any] = {"subset": "first", "model_options": {}, "fused": False, "recipe_file": None}
"""Keys that earlier versions didn't write, with what that means."""
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,4})?", re.ASCII)


@dataclass(frozen=True)
class TrainingConfig:
    """A training's whole configuration; `recipe` names where the hyper-parameters came from.

    Attributes:
        version: The model's name, "v0".
        recipe: The recipe's name, "tuned" or "origin".
        modified: Whether a hyper-parameter differs from the recipe's.
        hyperparameters: All hyper-parameters.
        seed: All randomness is derived from it.
        limit: Number of training images used, a tenth of them for validation; None for all.
        subset: Which images a limit takes: "first", the first ones; "by_class", the first ones of each class, in
            proportion to the classes; "auto": "first" if these are a fair sample of all classes, else "by_class".
        score_test: Whether the test images are scored at the end.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps"; resolved before a run starts.
        threads: CPU threads, 0 for all available ones; resolved before a run starts.
        model_options: Settings of the model that differ from its own, by name.
        recipe_file: The recipe file that was used, if any: {"name": ..., "text": ...}.
        source: A custom model's code; None for any other model.
        fused: Whether a custom model was found to have the same gradients where `fused_layers` apply.

    Raises:
        UnknownModelError: There is no such model; a ConfigError.
        ConfigError: A value is of the wrong type or out of range.
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
    model_options: Mapping[str, Any] = field(default_factory=dict)
    recipe_file: Mapping[str, str] | None = None
    source: ModelSource | None = None
    fused: bool = False

    def __post_init__(self) -> None:
        check_type("version", "str", self.version)
        check_choice("optimizer", self.hyperparameters.optimizer, self.model.optimizers)
        check_choice("subset", self.subset, ("auto", "first", "by_class"))
        check_type("device", "str", self.device)
        check_device_name(self.device)
        check_type("fused", "bool", self.fused)
        for name in ("seed", "threads") if self.limit is None else ("seed", "threads", "limit"):
            check_type(name, "int", getattr(self, name))
        check_range("seed", self.seed, 0, 2**32 - 1)
        check_range("threads", self.threads, 0, 1024)
        if self.limit is not None:
            check_range("limit", self.limit, 10, 10_000_000)
        for name, value in self.model_options.items():
            option_named(self.model.options, name).check(value)

    @property
    def model(self) -> ModelSpec:
        """The model that is trained."""
        return get_model(self.version) if self.source is None else self.source.spec(self.version)

    def build(self, image_shape: ImageShape, classes: int) -> Network:
        """The model's untrained network, with the settings of its own."""
        return self.model.build(image_shape, classes, **self.model_options)

    def to_json(self) -> dict[str, Any]:
        """The configuration as a JSON object; that of a custom model has its code's description under "model"."""
        content = asdict(self)
        del content["source"]
        return content if self.source is None else {**content, "model": self.source.to_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> TrainingConfig:
        """The configuration that `to_json` wrote; unknown keys are ignored.

        Version 0.1.0 wrote no `subset`: it took the first images. Versions up to 0.2 wrote no `model_options`.

        Raises:
            ConfigError: A key is missing or a value is out of range.
        """
        try:
            own = {item.name: record[item.name] for item in fields(cls) if item.name not in (*_LATER, "source")}
            own |= {name: record.get(name, default) for name, default in _LATER.items()}
            own["model_options"] = {name: _as_tuple(value) for name, value in own["model_options"].items()}
            own["source"] = source_in(record)
            known = {item.name for item in fields(Hyperparameters)}
            values = {name: value for name, value in upgraded(own["hyperparameters"]).items() if name in known}
            return cls(**{**own, "hyperparameters": Hyperparameters(**values)})
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"the run's configuration is incomplete ({error})") from error


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def source_in(record: Mapping[str, Any]) -> ModelSource | None:
    """The code of the model in run.json or request.json; None for a model that is not custom.

    Raises:
        ConfigError: It is damaged, or the model has the name of a built-in one.
    """
    if record.get("model") is None:
        return None
    source = ModelSource.from_json(record["model"])
    if source is None or record.get("version") in BUILT_IN:
        raise ConfigError("the run's description of its model is damaged")
    return source


def check_device(model: ModelSpec, device: str) -> None:
    """Raise an error if the model can't train on the device; whether it is available only PyTorch can find out.

    Raises:
        ConfigError: There is no device of that name, or the model trains on the CPU only.
        NoPyTorchError: The model needs PyTorch.
    """
    check_device_name(device)
    if model.needs_torch:
        if not has_pytorch():
            others = ", ".join(other.name for other in all_models() if not other.needs_torch)
            raise NoPyTorchError(f"{model.name} needs PyTorch; {INSTALL_PYTORCH}; {others} works without it")
    elif device not in ("auto", "cpu"):
        raise ConfigError(f"{model.name} uses {model.framework} and trains on the CPU only: use --device auto or cpu")


def has_pytorch() -> bool:
    """Whether PyTorch is installed; looked up without importing it."""
    return sys.modules["torch"] is not None if "torch" in sys.modules else _is_installed("torch")


@cache
def _is_installed(package: str) -> bool:
    """Cached, since the app's form asks at every key."""
    return importlib.util.find_spec(package) is not None


def check_device_name(device: str) -> None:
    """Raise ConfigError if it isn't "auto", "cpu", "mps", "cuda" or "cuda:N"."""
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"invalid device {device!r} (choose from auto, cpu, cuda, cuda:N, mps)")
