"""What a person chose and finds again at the next start: theme, how images are drawn, the last form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fmnist_tui.files import read_json, write_json

_LONGEST = 40


@dataclass(frozen=True)
class Choices:
    """All of it; what was never chosen is as the program has it.

    Attributes:
        theme: The name of one of Textual's themes.
        ascii_images: Whether images are drawn in ASCII.
        inverted: Whether they are drawn dark on light.
        form: The fields of the form that trains, by their names.
    """

    theme: str = "textual-dark"
    ascii_images: bool = False
    inverted: bool = False
    form: Mapping[str, str] = field(default_factory=dict)


def read_choices(file: Path) -> Choices:
    """What was kept; a file that is missing or broken, or a value that makes no sense, counts as never chosen."""
    record = read_json(file) or {}
    known: dict[str, Any] = {item.name: record.get(item.name) for item in fields(Choices)}
    return Choices(**{name: value for name, value in known.items() if _fits(name, value)})


def write_choices(file: Path, choices: Choices) -> None:
    """Keeps them.

    Raises:
        OSError: They can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, asdict(choices))


def _fits(name: str, value: Any) -> bool:
    if name == "form":
        return isinstance(value, dict) and all(_is_word(word) for word in value.values())
    return _is_word(value) if name == "theme" else isinstance(value, bool)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST and value.isprintable()
