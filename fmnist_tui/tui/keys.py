"""Ids for all key bindings, so that their keys can be changed in `keys.toml`.

An id is the name of the screen, dialog or widget and that of the action, as the key line, help and palette show it:
`training.stop`, `dataset.next-page`, `app.quit`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.binding import Binding, BindingsMap
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key, key_to_character

from fmnist_tui.keymap import KeymapError, read_keymap

_SUFFIX = re.compile("(?<=.)(Screen|Dialog|View|App)$")
_NAMED = 3
"""How many faults are named."""


class Remappable:
    """Gives an id to each binding of the class that has none; comes first among the bases."""

    def __init_subclass__(cls, **options: Any) -> None:
        bindings = cls.__dict__.get("BINDINGS")
        if bindings:
            cls.BINDINGS = [_identified(binding, cls.__name__) for binding in bindings]  # type: ignore[attr-defined]
        super().__init_subclass__(**options)


def _identified(binding: Binding, owner: str) -> Binding:
    if binding.id:
        return binding
    scope = "app" if binding.action.startswith("app.") or owner == "FmnistApp" else _slug(_SUFFIX.sub("", owner))
    return replace(binding, id=f"{scope}.{_slug(binding.description or binding.action)}")


def _slug(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub("[^a-z0-9]+", "-", spaced.lower()).strip("-")


def known_bindings() -> dict[str, set[str]]:
    """The keys of each id, of all classes that are imported by now."""
    found: dict[str, set[str]] = defaultdict(set)
    for owner in _subclasses(Remappable):
        for key, bindings in BindingsMap(owner.__dict__.get("BINDINGS") or []).key_to_bindings.items():
            for binding in bindings:
                if binding.id:
                    found[binding.id].add(key)
    return found


def completed(keymap: Mapping[str, str], known: Mapping[str, set[str]]) -> dict[str, str]:
    """The keymap, and in it the default keys of the actions that share a key with one that gets another.

    Textual takes a key away from all actions that have it: to pause and to continue are on one key.
    """
    moved = {(_scope(name), key) for name in keymap for key in known.get(name, ())}
    sharing = {
        name: ",".join(sorted(keys))
        for name, keys in known.items()
        if name not in keymap and any((_scope(name), key) in moved for key in keys)
    }
    return {**sharing, **keymap}


def usable_keymap(file: Path) -> tuple[dict[str, str], str]:
    """The keys of the file, completed, and a line on what is wrong with it, or "". All screens have to be imported."""
    try:
        keymap = read_keymap(file)
    except KeymapError as error:
        return {}, str(error)
    known = known_bindings()
    fault = keymap_fault(keymap, known)
    return completed(keymap, known) if keymap else {}, f"{file}: {fault}" if fault else ""


def keymap_fault(keymap: Mapping[str, str], known: Mapping[str, set[str]]) -> str:
    """One line about ids that don't exist and keys that are in use on the same screen; "" if all is well."""
    faults = [_unknown_id(name, known) for name in keymap if name not in known]
    for name in sorted(keymap.keys() & known.keys()):
        faults += [f"there is no key {key!r} for {name}" for key in _keys(keymap[name]) if not _exists(key)]
        for other, defaults in known.items():
            if other == name or defaults & known[name] or not _meet(name, other):
                continue
            shared = ", ".join(sorted(_keys(keymap[name]) & (_keys(keymap[other]) if other in keymap else defaults)))
            if not shared or (other in keymap and other < name):
                continue
            if other in keymap or _scope(other) != _scope(name):
                faults.append(f"{shared} is the key of both {name} and {other}")
            else:
                faults.append(f"{shared} was the key of {other}, which has none now")
    more = f", and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return f"{', '.join(faults[:_NAMED])}{more}"


def _unknown_id(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    similar = get_close_matches(name, list(known), 1)
    return f"there is no {name}" + (f" (did you mean {similar[0]}?)" if similar else "")


def _keys(text: str) -> set[str]:
    """The keys of one value in the file, as Textual names them."""
    return {_character_to_key(key) if len(key) == 1 else key for key in text.split(",")}


def _exists(key: str) -> bool:
    """Whether a key can have this name, with or without ctrl, shift and others before it."""
    name = key.rpartition("+")[2]
    names = {known.value for known in Keys} | {*KEY_NAME_REPLACEMENTS.values()}
    return len(name) == 1 or name in names or (name.islower() and key_to_character(name) is not None)


def _meet(name: str, other: str) -> bool:
    """Whether both actions are asked for the same keys: those of the app are there on every screen."""
    return _scope(other) == _scope(name) or "app" in (_scope(other), _scope(name))


def _scope(name: str) -> str:
    return name.partition(".")[0]


def _subclasses(cls: type) -> Iterator[type]:
    children: list[type] = cls.__subclasses__()
    for child in children:
        yield child
        yield from _subclasses(child)
