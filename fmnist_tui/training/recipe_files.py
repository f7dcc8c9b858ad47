"""Recipes as TOML files: written with a comment on each setting, and read back."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.models.options import AUTO, ConfigError, Option
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.training.recipes import MODEL, options_for

_LARGEST = 64 * 1024
"""Bytes; a file with all settings and their documentation has 8,000."""
_WIDTH = 100


@dataclass(frozen=True)
class RecipeFile:
    """A recipe file that was read, its values unchecked: which are valid depends on the model.

    Attributes:
        name: The file's name, without its folder.
        text: Its content.
        recipe: The recipe that settings which aren't in it are taken from.
        settings: Its settings by name, as TOML's values; the model's own as "model.NAME".
    """

    name: str
    text: str
    recipe: str
    settings: Mapping[str, Any]

    def to_json(self) -> dict[str, str]:
        """What is recorded with a run."""
        return {"name": self.name, "text": self.text}


def read_recipe_file(path: Path) -> RecipeFile:
    """Read a recipe file.

    Raises:
        ConfigError: It can't be read, or isn't TOML with names and values alone.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"can't read recipe {path} ({error.strerror})") from None
    if len(content) > _LARGEST:
        raise ConfigError(f"recipe {path} is larger than {_LARGEST // 1024} KB: is it a recipe?")
    try:
        text = content.decode("utf-8-sig")  # Windows' editors begin files with a byte order mark
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ConfigError(f"recipe {path} is not text in UTF-8") from None
    except (ValueError, RecursionError) as error:  # also a number of more than 4,300 digits
        raise ConfigError(f"recipe {path} is not valid TOML: {error}") from None
    recipe = values.pop("recipe", "tuned")
    if not isinstance(recipe, str):
        raise ConfigError(f"recipe {path}: recipe must be the name of a recipe, in quotes")
    return RecipeFile(path.name, text, recipe, dict(_flat(path, values)))


def _flat(path: Path, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values by name; the only table is `model`."""
    for name, value in values.items():
        if not isinstance(value, dict):
            yield name, value
        elif name != MODEL.rstrip("."):
            raise ConfigError(f"recipe {path}: {name} is a table; settings are plain names and values")
        else:
            yield from ((f"{MODEL}{inner}", one) for inner, one in value.items())


def recipe_toml(model: ModelSpec, recipe: str, settings: Hyperparameters) -> str:
    """A model's recipe as a file that `read_recipe_file` reads, with a comment on each setting.

    Args:
        model: The model.
        recipe: The recipe's name.
        settings: Its hyper-parameters.
    """
    lines = [
        f"# Recipe {recipe} of {model.name}. Change values, then: fmnist-tui train {model.name} --recipe FILE.toml",
        "# A setting that is removed from this file has the value of this recipe:",
        f'recipe = "{recipe}"',
    ]
    for option in options_for(model):
        value = option.default if option.name.startswith(MODEL) else getattr(settings, option.name)
        used = not option.optimizers or settings.optimizer in option.optimizers
        only = "" if used else f" Only with optimizer {' or '.join(option.optimizers)}."
        lines += ["", *_comment(f"{option.documentation}{only}"), *_comment(f"Values: {option.valid}.")]
        lines.append(f"{'' if used else '# '}{option.name} = {_toml(option, value)}")
    return "\n".join([*lines, ""])


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _toml(option: Option, value: Any) -> str:
    if value is None:
        return f'"{AUTO}"'
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(str, value))}]" if option.kind == "ints" else option.write(value)
