"""The user's own keys: `keys.toml` in the settings folder, with the key of an action by the action's id.

For example:

    [training]
    stop = "k"
    pause = ["p", "space"]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fmnist_tui.files import check_regular_file, exists

FILE_NAME = "keys.toml"
_LARGEST = 100_000
"""Bytes."""
_LONGEST = 80


class KeymapError(Exception):
    """The file can't be used; the text is one line."""


def read_keymap(file: Path) -> dict[str, str]:
    """Keys, separated by commas, by the id of their action ("training.stop"); empty if there is no file.

    Raises:
        KeymapError: The file can't be read, is no TOML, or has a value that is no key.
    """
    if not exists(file):
        return {}
    import tomllib

    try:
        check_regular_file(file, _LARGEST)
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise KeymapError(f"{file} can't be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise KeymapError(f"{file} is no valid TOML: {reason}") from None
    keymap = {}
    for name, value in _leaves(content):
        keys = value if isinstance(value, list) else [value]
        if not keys or not all(map(_is_key, keys)):
            raise KeymapError(f'{file}: {name} needs a key, such as "k" or "ctrl+k", or a list of keys')
        keymap[name] = ",".join(keys)
    return keymap


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() and value.strip(" ,") != ""
