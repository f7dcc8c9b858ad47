"""All models that can be trained: the built-in ones, in order, then those that were registered."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules

from fmnist_tui.models import builtin
from fmnist_tui.models.hyperparameters import ConfigError
from fmnist_tui.models.spec import ModelSpec

_NAME = re.compile(r"[a-z][a-z0-9]*", re.ASCII)
_RESERVED = ("all", "demo", "last", "sweep")
"""Names that have another meaning in commands."""


class UnknownModelError(ConfigError):
    """There is no model of that name; the text lists the known ones."""


def _built_in() -> dict[str, ModelSpec]:
    """The `SPEC` of each module in the package `builtin`, in the order of the modules' names."""
    names = sorted(module.name for module in iter_modules(builtin.__path__))
    specs: list[ModelSpec] = [import_module(f"{builtin.__name__}.{name}").SPEC for name in names]
    return {spec.name: spec for spec in specs}


_models = _built_in()
BUILT_IN = tuple(_models)
"""Names of the built-in models."""


def register_model(spec: ModelSpec) -> None:
    """Make a model known in this process, after the built-in ones.

    Args:
        spec: The model; its name must be new.

    Raises:
        ValueError: The name is taken or invalid, or there is no recipe "tuned".
    """
    if not _NAME.fullmatch(spec.name) or spec.name in _RESERVED:
        raise ValueError(f"invalid model name {spec.name!r} (lower-case letters and digits, a letter first)")
    if spec.name in _models:
        raise ValueError(f"there is already a model {spec.name!r}; choose another name")
    if "tuned" not in spec.recipes:
        raise ValueError(f"model {spec.name!r} has no recipe 'tuned', the default one")
    _models[spec.name] = spec


def is_free(name: str) -> bool:
    """Whether a custom model may have this name: it is valid, and not that of a model of another kind."""
    known = _models.get(name)
    return bool(_NAME.fullmatch(name)) and name not in _RESERVED and (known is None or known.source is not None)


def put_custom(spec: ModelSpec) -> ModelSpec:
    """Make a custom model known in this process, in place of the one that had its name; returns it."""
    if spec.source is None or not is_free(spec.name):
        raise ValueError(f"{spec.name!r} is not the name of a custom model")
    _models[spec.name] = spec
    return spec


def all_models() -> tuple[ModelSpec, ...]:
    """All known models, the built-in ones first."""
    return tuple(_models.values())


def get_model(name: str) -> ModelSpec:
    """The model of that name.

    Raises:
        UnknownModelError: There is none.
    """
    found = find_model(name)
    if found is None:
        raise UnknownModelError(f"unknown model {name!r} (choose from {', '.join(_models)})")
    return found


def find_model(name: str) -> ModelSpec | None:
    """The model of that name, or None if there is none."""
    return _models.get(name)
