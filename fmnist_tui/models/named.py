"""The models that this user named: built-in ones, entry points, files and modules; and the code that may be run.

A run records where its model's code is, but whoever wrote the run's folder may not decide which code this user runs.
So the code that the user names is noted in the user's state folder, with its checksum, and no other code is run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.models.check import check_model
from fmnist_tui.models.registry import UnknownModelError, all_models, find_model, is_free, put_custom
from fmnist_tui.models.source import ModelSource, SourceError, current
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec
from fmnist_tui.paths import state_folder, used_state_folders
from fmnist_tui.text import safe

GROUP = "fmnist_tui.models"
"""The group of entry points in which packages offer models."""
_FOLDER = "models"
_MOST_CHECKSUMS = 50
_LONGEST_NAME = 20
_STORY = re.compile(r"v\d+")
"""Names of built-in models, today's and later ones."""


@dataclass(frozen=True)
class Remembered:
    """Code that the user named.

    Attributes:
        name: The model's name, with which its runs' ids begin.
        source: As it was when it was named last.
        checksums: Of the code whenever it was named.
        when: When it was named last (unix seconds).
    """

    name: str
    source: ModelSource
    checksums: tuple[str, ...]
    when: float


def remembered() -> list[Remembered]:
    """All code that the user named, the latest first."""
    files = [file for folder in used_state_folders() for file in _entries(folder / _FOLDER)]
    found = {one.source.reference: one for file in files if (one := _read(file))}
    return sorted(found.values(), key=lambda one: one.when, reverse=True)


def is_named(source: ModelSource) -> bool:
    """Whether the user named this code, with the checksum that it has now."""
    found = [one for folder in used_state_folders() if (one := _read(folder / _FOLDER / _file_name(source)))]
    return any(one.source.reference == source.reference and source.sha256 in one.checksums for one in found)


def is_known(source: ModelSource) -> bool:
    """Whether the user named the file (or module) and the class or function, whatever its text was."""
    return any(one.source.reference == source.reference for one in remembered())


def remember(source: ModelSource, wanted: str = "") -> str:
    """Note that the user named this code; returns its model's name, the same as before if it was named before.

    Args:
        source: The code, checked.
        wanted: What its model's name is derived from; "" for the name of the class or function.

    Raises:
        SourceError: It can't be noted.
    """
    known = remembered()
    earlier = next((one for one in known if one.source.reference == source.reference), None)
    name = earlier.name if earlier else _new_name(wanted or source.name, {one.name for one in known})
    checksums = [one for one in (earlier.checksums if earlier else ()) if one != source.sha256]
    checksums = [*checksums, source.sha256][-_MOST_CHECKSUMS:]
    content = {"name": name, "checksums": checksums, "model": source.to_json()}
    try:
        folder = state_folder() / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        write_json(folder / _file_name(source), content)
    except (OSError, RunError, ValueError) as error:
        raise SourceError(f"the model {safe(source.given)} can't be remembered: {safe(error)}") from None
    return name


def _read(file: Path) -> Remembered | None:
    record = read_json(file) or {}
    source, name, checksums = ModelSource.from_json(record.get("model")), record.get("name"), record.get("checksums")
    if (
        source is None
        or not isinstance(name, str)
        or not isinstance(checksums, list)
        or file.name != _file_name(source)
    ):
        return None
    with suppress(OSError):
        return Remembered(name, source, tuple(map(str, checksums)), file.stat().st_mtime)
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return [file for file in folder.iterdir() if file.suffix == ".json"]
    except OSError:
        return []


def _file_name(source: ModelSource) -> str:
    key = "\0".join(source.reference)
    return f"{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:32]}.json"


def _new_name(wanted: str, taken: set[str]) -> str:
    """A valid model name: "net" for "Net", "net2" if that is another's."""
    own = "".join(character for character in wanted.lower() if character.isascii() and character.isalnum())
    base = re.sub(r"^\d+", "", own)[:_LONGEST_NAME]
    if not is_free(base) or _STORY.fullmatch(base):
        base = f"{base}custom"
    names = (base, *(f"{base}{'x' * base[-1].isdigit()}{number}" for number in range(2, 10_000)))
    return next(name for name in names if name not in taken and is_free(name))


def entry_points() -> dict[str, str]:
    """The models of installed packages: "package.module:NAME" by the entry point's name."""
    from importlib.metadata import entry_points as installed

    found = installed(group=GROUP)
    return {safe(one.name): one.value.partition("[")[0].replace(" ", "") for one in sorted(found)}


def name_model(
    text: str,
    folder: Path,
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
    classes: int = FASHION_MNIST_CLASSES,
) -> ModelSpec:
    """The model that the user names: it is checked and remembered, and known in this process from now on.

    Args:
        text: A known model's name, "FILE.py:NAME", "package.module:NAME", an entry point's name, or the name of a
            model that was named before.
        folder: The user's working directory.
        image_shape: Channels, height and width of the images that it is checked with.
        classes: Their number of classes.

    Raises:
        UnknownModelError: There is no such model.
        SourceError: Its code fails; one line with the file and the line.
    """
    known = find_model(text)
    if known is not None and known.source is None:
        return known
    if ":" in text or text.endswith(".py") or "/" in text:
        return take(check_model(text, folder, image_shape, classes), text)
    points = entry_points()
    if text in points:
        return take(check_model(points[text], folder, image_shape, classes), text, text)
    for one in remembered():
        if one.name == text:
            source = check_model(one.source.argument, Path(one.source.folder), image_shape, classes)
            return take(source, one.source.given)
    names = dict.fromkeys([*(model.name for model in all_models()), *points, *(one.name for one in remembered())])
    own = "or name your own: net.py:Net or package.module:NAME"
    raise UnknownModelError(f"unknown model {text!r} (choose from {', '.join(names)}), {own}")


def take(source: ModelSource, given: str, wanted: str = "") -> ModelSpec:
    """The model of a source that was checked because the user named it: it is remembered, and known in this process.

    Raises:
        SourceError: It can't be remembered.
    """
    source = replace(source, given=safe(given))
    return put_custom(source.spec(remember(source, wanted)))


def refresh(spec: ModelSpec, image_shape: ImageShape, classes: int) -> ModelSpec:
    """The model as its code is now: checked and remembered again if the code has changed, or was never checked.

    Raises:
        SourceError: Its code fails.
    """
    source = spec.source
    if source is None:
        return spec
    with suppress(SourceError):
        is_same = source.sha256 and (source.image_shape, source.classes) == (image_shape, classes)
        if is_same and current(source).sha256 == source.sha256 and is_named(source):
            return spec
    return take(check_model(source.argument, Path(source.folder or "/"), image_shape, classes), source.given)


def listed() -> Iterator[ModelSpec]:
    """The custom models that can be named by a name alone: entry points, and those that were named before.

    No code is run. The entry points that were never used have no layers yet.
    """
    known = remembered()
    used, names = {one.source.argument for one in known}, {one.name for one in known}
    for name, value in entry_points().items():
        module, _, attribute = value.partition(":")
        if value not in used and attribute and is_free(name) and name not in names:
            source = ModelSource(name, attribute, "", module, title=safe(value)[:60])
            yield source.spec(name)
    for one in known:
        yield one.source.spec(one.name)
