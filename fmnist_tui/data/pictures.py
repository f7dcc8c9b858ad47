"""Folders of pictures, `train/<class>/*.png`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.assembling import Part, Sets, assemble, class_names
from fmnist_tui.data.dataset import MAX_CLASSES, ByteArray
from fmnist_tui.data.decoding import SUFFIXES, decode, opaque
from fmnist_tui.data.errors import CancelCheck, DataError, Progress, ProgressCallback, raise_if_cancelled
from fmnist_tui.files import exists, is_file, is_folder
from fmnist_tui.text import amount, counted, grouped

_PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
LARGEST = 1 << 32
"""Bytes of all images."""
MAX_SIDE = 1024


@dataclass(frozen=True)
class Pictures:
    """The pictures of a folder.

    Attributes:
        folder: The folder.
        classes: Names of the classes, sorted.
        files: By part ("train", "val", "test"), each picture with the index of its class.
        ignored: How many other files there are.
    """

    folder: Path
    classes: tuple[str, ...]
    files: dict[str, list[tuple[Path, int]]]
    ignored: int = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """All pictures."""
        return tuple(path for files in self.files.values() for path, _ in files)


@dataclass
class _Search:
    """What a walk through class folders finds."""

    files: dict[str, list[Path]] = field(default_factory=dict)
    ignored: int = 0


def holds_pictures(folder: Path) -> bool:
    """Whether there is a folder `train` or `test`, or a folder with a picture, or pictures without one, in `folder`.

    Raises:
        OSError: It can't be searched.
    """
    below = [path for path in _entries(folder) if is_folder(path)]
    return bool(_part_folders(folder)) or any(_has_picture(path) for path in [folder, *below])


def _has_picture(folder: Path) -> bool:
    try:
        return any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())
    except OSError:
        return False


def find_pictures(folder: Path) -> Pictures:
    """The pictures in `train/<class>/`, with `val` and `test` if they exist, or in `<class>/`.

    Raises:
        DataError: There are no classes, a class is empty, or one is only in another part.
        OSError: A folder can't be searched.
    """
    parts = _part_folders(folder)
    if "train" not in parts:
        if parts:
            raise DataError(
                f"{folder} has {', '.join(sorted(parts))} but no train", "call the folder to train on train"
            )
        parts = {"train": folder}
    found = {part: _classes_in(path, folder) for part, path in parts.items()}
    classes = _checked_classes(parts["train"], found["train"].files)
    for part, search in found.items():
        if extra := sorted(name for name, files in search.files.items() if files and name not in classes):
            missing = f"{parts[part]} has the class {extra[0]}, which {parts['train']} has not"
            raise DataError(missing, "classes are called the same in both: rename or remove the folder")
        if not any(search.files.values()):
            raise DataError(f"{parts[part]} contains no pictures in class folders", "add some, or remove the folder")
    numbered = {
        part: [(path, label) for label, name in enumerate(classes) for path in search.files.get(name, ())]
        for part, search in found.items()
    }
    ignored = sum(search.ignored for search in found.values())
    return Pictures(folder, class_names(classes), numbered, ignored)


def _checked_classes(train: Path, files: dict[str, list[Path]]) -> tuple[str, ...]:
    """The names of the classes, sorted, each with at least one picture."""
    if not files:
        loose = any(path.suffix.lower() in SUFFIXES for path in _entries(train))
        what = "pictures but no class folders" if loose else "no class folders"
        raise DataError(f"{train} contains {what}", "put the pictures of each class into a folder of its own")
    if len(files) > MAX_CLASSES:
        many = f"{train} has {grouped(len(files))} class folders"
        raise DataError(many, f"at most {grouped(MAX_CLASSES)} are supported")
    if empty := [name for name, pictures in files.items() if not pictures]:
        raise DataError(f"{train / empty[0]} contains no pictures", "add some, or remove the folder")
    if len(files) < 2:
        raise DataError(f"{train} has one class folder only, {next(iter(files))}", "at least 2 classes are needed")
    return tuple(sorted(files))


def _part_folders(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in _entries(folder):
        for part, names in _PARTS.items():
            if path.name.lower() in names and is_folder(path):
                if part in found:
                    raise DataError(f"{folder} has both {found[part].name} and {path.name}", "remove one of them")
                found[part] = path
    return {part: found[part] for part in _PARTS if part in found}


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted, without hidden files and those of operating systems."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _classes_in(folder: Path, root: Path) -> _Search:
    search = _Search()
    for path in _entries(folder):
        if is_folder(path):
            if path.is_symlink() and root.resolve().is_relative_to(path.resolve()):
                raise DataError(f"{path} is a link to a folder that contains it", "remove the link")
            search.files[path.name] = sorted(_walk(path, search))
        elif path.is_symlink() and not exists(path):
            raise DataError(f"{path} is a link to {path.readlink()}, which can't be followed", "fix or remove the link")
        else:
            search.ignored += 1
    return search


def _walk(folder: Path, search: _Search) -> Iterator[Path]:
    """The pictures in a class's folder and those below, where links to folders are not followed: they may be loops."""

    def fail(error: OSError) -> None:
        raise error

    for where, below, names in os.walk(folder, onerror=fail):
        below[:] = [name for name in below if not name.startswith((".", "__MACOSX"))]
        for name in names:
            path = Path(where, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() in SUFFIXES:
                if not is_file(path):
                    kind = "a link that can't be followed" if path.is_symlink() else "not a file"
                    raise DataError(f"{path} is {kind}", "fix or remove it")
                yield path
            else:
                search.ignored += 1


def peek(pictures: Pictures, size: int | None) -> tuple[int, int, int]:
    """Channels, height and width of the first training picture; others may have colours where it has none.

    Raises:
        DataError: It can't be read.
    """
    shape = _decode(pictures.paths[0], size).shape
    return (1 if len(shape) == 2 else 3), *shape[:2]


def read(pictures: Pictures, size: int | None, report: ProgressCallback, cancelled: CancelCheck) -> Sets:
    """Decode all pictures.

    Transparent pixels become white, 16-bit values 8-bit ones, cameras' orientation is applied, and where any picture
    has colours, all are RGB.

    Args:
        pictures: What to read.
        size: The side that they are scaled to: the shorter side, of which the middle is taken; None to leave them.
        report: Called for each picture with the bytes so far.
        cancelled: Polled before each.

    Raises:
        DataError: A picture can't be read, or they have several sizes and none was given.
        Cancelled: `cancelled` returned True.
    """
    reader = _Reader(size, report, cancelled)
    try:
        decoded = {part: [reader.decode(path) for path, _ in files] for part, files in pictures.files.items()}
        parts = {}
        for part, files in pictures.files.items():
            labels = np.array([label for _, label in files], np.int64)
            parts[part] = Part(reader.stacked(decoded.pop(part, [])), labels, str(pictures.folder / part))
    except MemoryError:
        raise DataError(f"{pictures.folder} does not fit into this machine's memory", "give a smaller --size") from None
    notes = [f"{counted(pictures.ignored, 'other file')} ignored"] if pictures.ignored else []
    return assemble(parts["train"], parts.get("test"), parts.get("val"), pictures.classes, notes)


class _Reader:
    """Decodes pictures one after another, and remembers what all have in common."""

    def __init__(self, size: int | None, report: ProgressCallback, cancelled: CancelCheck) -> None:
        self._size, self._report, self._cancelled = size, report, cancelled
        self._first: tuple[Path, tuple[int, int]] | None = None
        self._colours = False
        self._pixels = self._read = 0

    def decode(self, path: Path) -> NDArray[np.uint8]:
        """A picture as (height, width), or (height, width, 3) if it has colours."""
        raise_if_cancelled(self._cancelled)
        pixels = _decode(path, self._size)
        self._check_size(path, (pixels.shape[1], pixels.shape[0]))
        self._colours |= pixels.ndim == 3
        self._pixels += pixels.shape[0] * pixels.shape[1]
        needed = self._pixels * (3 if self._colours else 1)
        if needed > LARGEST:
            raise DataError(f"the pictures need more than {amount(LARGEST)} of memory", "give a smaller --size")
        self._read += path.stat().st_size
        self._report(Progress("reading pictures", self._read, None))
        return pixels

    def _check_size(self, path: Path, size: tuple[int, int]) -> None:
        if self._first is None:
            self._first = path, size
        first, expected = self._first
        if size != expected:
            both = f"{first} has {expected[0]}x{expected[1]} pixels, {path} {size[0]}x{size[1]}"
            raise DataError(both, "bring all to one size: --size 32")
        if max(size) > MAX_SIDE:
            raise DataError(f"{path} has {size[0]}x{size[1]} pixels", "bring all to a smaller size: --size 64")

    def stacked(self, images: Sequence[NDArray[np.uint8]]) -> ByteArray:
        """The images as (N, channels, height, width), with three channels if any picture has colours."""
        if not self._colours:
            return np.stack(images)[:, None]
        found = np.empty((len(images), 3, *images[0].shape[:2]), np.uint8)
        for index, image in enumerate(images):
            found[index] = image if image.ndim == 2 else np.moveaxis(image, 2, 0)
        return found


def _decode(path: Path, size: int | None) -> NDArray[np.uint8]:
    """A picture as (height, width), or (height, width, 3) if it has colours; transparent pixels are white."""
    if size is not None and not 1 <= size <= MAX_SIDE:
        raise DataError(f"pictures can't be resized to {size} pixels", f"give a --size from 1 to {MAX_SIDE}")
    image = opaque(decode(path, path))
    if size is not None:
        from PIL import Image, ImageOps

        image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)
