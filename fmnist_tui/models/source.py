"""Where the code of a custom model is, what of it a run records, and the model's description made from that record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.files import check_regular_file
from fmnist_tui.models.hyperparameters import ConfigError
from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec
from fmnist_tui.text import safe

if TYPE_CHECKING:
    from torch import nn

TEXT_FILE = "model.py.txt"
"""In a run's folder: the source, for the record. Nothing ever imports it."""
_LARGEST = 2_000_000
"""Bytes of a file of source code."""
_MOST_FILES = 200
_MOST_LAYERS = 300
_LONGEST = 4096
_TEXTS = ("source", "name", "file", "module", "folder", "sha256", "title", "description")
_SHOWN = ("source", "name", "title", "description")
_LONGEST_SHOWN = 300


class SourceError(ConfigError):
    """A custom model's code can't be found or read, isn't the recorded one, or can't be used; the text is one line."""


@dataclass(frozen=True)
class ModelSource:
    """The code of a custom model. It is found by file or module, and identified by its text.

    Attributes:
        given: How the user named it: "net.py:Net".
        name: The class or function that builds the network.
        file: The absolute path of the file that has `name`.
        module: What is imported to get it, "package.module"; "" if the file is run by its path.
        folder: Where imports of local modules start.
        sha256: Of the source's text (`read_text`); "" as long as the code has not been checked.
        files: The file and the local modules that it imports, relative to `folder`.
        title: A few words.
        description: The docstring's first paragraph, or "".
        image_shape: Channels, height and width of the images that it was checked with.
        classes: Their number of classes.
        layers: As measured with them.
    """

    given: str
    name: str
    file: str
    module: str = ""
    folder: str = ""
    sha256: str = ""
    files: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    image_shape: ImageShape = FASHION_MNIST_SHAPE
    classes: int = FASHION_MNIST_CLASSES
    layers: tuple[Layer, ...] = ()

    @property
    def reference(self) -> tuple[str, ...]:
        """What identifies the code whatever its text is: where it is, and where its imports start."""
        return self.file, self.module, self.name, self.folder

    @property
    def argument(self) -> str:
        """How to name it in a command, from any folder."""
        return f"{self.module or self.file}:{self.name}"

    @property
    def table(self) -> LayerTable:
        """The layers that were measured; empty as long as the code has not been checked."""
        return LayerTable(self.layers)

    def spec(self, name: str) -> ModelSpec:
        """The model under a name. Its code is only read when the network is built."""
        return ModelSpec(
            name, self.title or self.name, partial(build_network, self), story=self.description, source=self
        )

    def to_json(self) -> dict[str, Any]:
        """As run.json has it under "model"."""
        texts = {name: getattr(self, "given" if name == "source" else name) for name in _TEXTS}
        images = {"image_shape": list(self.image_shape), "classes": self.classes}
        layers = [[one.name, one.kind, [*one.output_shape], one.parameters, one.macs] for one in self.layers]
        return {**texts, "text": TEXT_FILE, "files": list(self.files), **images, "layers": layers}

    @classmethod
    def from_json(cls, record: object) -> ModelSource | None:
        """The source that `to_json` wrote; None for anything else. Layers that are damaged are left out."""
        if not isinstance(record, Mapping):
            return None
        texts = {name: record.get(name) for name in _TEXTS}
        files = record.get("files")
        if not (isinstance(files, list) and len(files) <= _MOST_FILES and _are_texts([*texts.values(), *files])):
            return None
        own: dict[str, Any] = {**texts, **{name: safe(texts[name])[:_LONGEST_SHOWN] for name in _SHOWN}}
        layers = record.get("layers")
        rows = layers[:_MOST_LAYERS] if isinstance(layers, list) else []
        known = tuple(layer for row in rows if (layer := _layer(row)))
        shape, classes = record.get("image_shape"), record.get("classes")
        if not (isinstance(shape, list) and len(shape) == 3 and _are_counts([*shape, classes])):
            return None
        images: dict[str, Any] = {"image_shape": tuple(shape), "classes": classes}
        return cls(given=own.pop("source"), files=tuple(files), layers=known, **own, **images)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) and len(value) <= _LONGEST and "\0" not in value for value in values)


def _are_counts(values: Iterable[object]) -> bool:
    return all(type(value) is int and 0 <= value < 2**53 for value in values)


def _layer(row: object) -> Layer | None:
    if not (isinstance(row, list) and len(row) == 5):
        return None
    name, kind, shape, *counts = row
    numbers = [*counts, *shape] if isinstance(shape, list) else [""]
    if not (_are_texts([name, kind]) and _are_counts(numbers)):
        return None
    return Layer(safe(name)[:200], safe(kind)[:200], tuple(shape), *counts)


def shortened(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """At most 300 layers; of more, the rest is one row."""
    if len(layers) <= _MOST_LAYERS:
        return tuple(layers)
    rest = layers[_MOST_LAYERS - 1 :]
    counts = sum(layer.parameters for layer in rest), sum(layer.macs for layer in rest)
    return (*layers[: _MOST_LAYERS - 1], Layer("...", f"{len(rest)} further layers", rest[-1].output_shape, *counts))


def read_text(source: ModelSource) -> bytes:
    """The text of all of the source's files as they are now; of several files, each is preceded by its name.

    Raises:
        SourceError: A file can't be read.
    """
    if not source.files or Path(source.folder, source.files[0]) != Path(source.file):
        raise SourceError(f"the description of {source.given} is damaged: it doesn't list {safe(source.file)}")
    parts = {name: _content(Path(source.folder, name), source) for name in source.files}
    if len(parts) == 1:
        return next(iter(parts.values()))
    return b"\n".join(b"# ==== %s ====\n%s" % (name.encode(errors="replace"), text) for name, text in parts.items())


def recorded_text(source: ModelSource) -> bytes:
    """The text of the source, which must be the recorded one.

    Raises:
        SourceError: It is gone, or has changed.
    """
    text = read_text(source)
    if checksum(text) != source.sha256:
        raise SourceError(f"the code of {source.given} has changed since it was checked: {safe(source.file)}")
    return text


def checksum(text: bytes) -> str:
    """The SHA-256 of the source's text."""
    return hashlib.sha256(text).hexdigest()


def current(source: ModelSource) -> ModelSource:
    """The source with the checksum of its files as they are now.

    Raises:
        SourceError: A file can't be read.
    """
    return replace(source, sha256=checksum(read_text(source)))


def _content(path: Path, source: ModelSource) -> bytes:
    try:
        check_regular_file(path, _LARGEST)
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"the code of {source.given} is gone: {safe(path)} doesn't exist") from None
    except OSError as error:
        raise SourceError(f"the code of {source.given} can't be read: {safe(path)} ({error.strerror})") from None


def build_network(source: ModelSource, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build the network from the user's code, which must be the recorded one, and must have been named by this user.

    Raises:
        SourceError: It is gone, it has changed, it was never named by this user, or it fails.
    """
    from fmnist_tui.models.named import is_named
    from fmnist_tui.models.user_code import build

    recorded_text(source)
    if not is_named(source):
        raise SourceError(f"the code {safe(source.argument)} was never named by you, so it isn't run")
    return build(source, image_shape, classes)
