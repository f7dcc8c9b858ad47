"""The settings that are saved for the next start: theme, how images are drawn, the last form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from fmnist_tui.files import read_json, write_json
from fmnist_tui.tui.themes import DARK

_LONGEST = 40


@dataclass(frozen=True)
class Settings:
    """The settings, with their defaults.

    Attributes:
        theme: The name of one of the app's or Textual's themes.
        ascii_images: Whether images are drawn in ASCII.
        inverted: Whether they are drawn dark on light.
        introduced: Whether the introduction of the first start was read and hidden.
        form: The fields of the form that trains, by their names.
    """

    theme: str = DARK
    ascii_images: bool = False
    inverted: bool = False
    introduced: bool = False
    form: Mapping[str, str] = field(default_factory=dict)


def read_settings(file: Path, others: Settings | None = None) -> Settings:
    """The saved settings; the others, or the defaults, where the file is missing or damaged or a value is invalid."""
    record = read_json(file) or {}
    known: dict[str, Any] = {item.name: record.get(item.name) for item in fields(Settings)}
    return replace(others or Settings(), **{name: value for name, value in known.items() if _fits(name, value)})


def write_settings(file: Path, settings: Settings) -> None:
    """Saves the settings.

    Raises:
        OSError: The file can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, asdict(settings))


def _fits(name: str, value: Any) -> bool:
    if name == "form":
        return isinstance(value, dict) and all(_is_short_text(text) for text in value.values())
    return _is_short_text(value) if name == "theme" else isinstance(value, bool)


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()
