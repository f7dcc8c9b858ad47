"""Which data would be used, by a quick look: headers, sizes and what is known from an earlier load."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.data import cache as arrays
from fmnist_tui.data import folder as folders
from fmnist_tui.data.dataset import SIDE, check_enough
from fmnist_tui.data.errors import unreadable
from fmnist_tui.data.idx import IMAGES_MAGIC, read_images, read_labels
from fmnist_tui.data.official import Release
from fmnist_tui.data.reading import unpacked
from fmnist_tui.data.sources import DEMO, KEPT, USUAL_SOURCES, Sources
from fmnist_tui.files import is_folder
from fmnist_tui.host.check import Row, State

_PIXELS = SIDE * SIDE
_HEADER = 16  # bytes


@dataclass(frozen=True)
class _Found:
    """Data that looks right: what is known of it, and its fingerprints if it was loaded before."""

    words: str
    counts: tuple[int, int] | None
    fingerprints: tuple[str, str] | None = None

    def may_be(self, release: Release) -> bool:
        """Whether nothing speaks against its being the official data."""
        if self.fingerprints:
            return self.fingerprints == release.fingerprints
        sizes = {file.size for file in release.files}
        return self.counts is not None and {16 + count * _PIXELS for count in self.counts} <= sizes


def data_row(folder: str | None, cache: Path, sources: Sources = USUAL_SOURCES) -> Row:
    """Which data would be used, and whether it is there; nothing is fetched.

    Args:
        folder: As `load` takes it: a folder, "demo", or None for the usual places.
        cache: Where fetched and decoded data is kept.
        sources: The usual places.
    """
    if folder == DEMO:
        return Row("data", State.OK, "the demo set, which the program draws itself")
    if folder is not None:
        return _given(Path(folder), cache, sources.release)
    return _usual(cache, sources)


def _given(folder: Path, cache: Path, release: Release) -> Row:
    try:
        found = _look(folder, cache)
    except DataError as error:
        return Row("data", State.PROBLEM, error.problem, error.advice)
    except OSError as error:
        fault = unreadable(Path(error.filename or folder), error)
        return Row("data", State.PROBLEM, fault.problem, fault.advice)
    other = "" if not found.fingerprints or found.may_be(release) else "; not the official Fashion-MNIST"
    return Row("data", State.OK, f"{folder}: {found.words}{other}")


def _usual(cache: Path, sources: Sources) -> Row:
    """The first of the usual places that has it; what is wrong with one that is there is told."""
    faults = []
    for folder in (sources.system, cache / KEPT):
        try:
            found = _look(folder, cache)
        except DataError as error:
            faults += [error.problem] * is_folder(folder)
        except OSError as error:
            faults.append(f"can't read {folder} ({error.strerror})")
        else:
            if found.may_be(sources.release):
                return Row("data", State.OK, f"{folder}: {found.words}")
            faults.append(f"{folder} holds other data than Fashion-MNIST")
    seen = "; ".join([*faults, "not here yet: Fashion-MNIST (31 MB) is fetched at its first use"])
    return Row("data", State.NOTE, seen, "fetch it now: fmnist-tui data; or do without: --data demo")


def _look(folder: Path, cache: Path) -> _Found:
    """What lies in `folder`. Raises DataError or OSError where it isn't right."""
    files = folders.find(folder)
    if known := arrays.recall(arrays.entry(cache, files)):
        train, test = known
        check_enough(len(train), str(folder))
        words = f"{len(train)} + {len(test)} images, checked when they were first read"
        return _Found(words, (len(train), len(test)), (train.fingerprint, test.fingerprint))
    if files.format is not folders.IDX:
        return _Found(f"{files.format.title}, checked at the first use", None)
    train_count, test_count = _count_pair(*files.paths[:2]), _count_pair(*files.paths[2:])
    check_enough(train_count, str(folder))
    words = f"{train_count} + {test_count} images by the files' sizes, checked at the first use"
    return _Found(words, (train_count, test_count))


def _count_pair(images: Path, labels: Path) -> int:
    """The number of images, of which there must be as many as labels; these are few bytes and read."""
    count, named = _count(images), len(read_labels(labels))
    folders.check_pair(images, count, labels, named)
    return count


def _count(path: Path) -> int:
    """The number of images in an IDX file: by its header, where its size agrees, else by reading all of it.

    The uncompressed size is in a gzip file's last four bytes, but not if it has several members or something behind
    them: then, as where something is wrong, only reading it shows.
    """
    with path.open("rb") as file:
        stream = unpacked(file, str(path))
        head = stream.read(_HEADER)
        size = path.stat().st_size
        if stream is not file:
            file.seek(-4, os.SEEK_END)
            size = int.from_bytes(file.read(4), "little")
    if len(head) == _HEADER:
        magic, count, *sides = struct.unpack(">4I", head)
        if (magic, sides) == (IMAGES_MAGIC, [SIDE, SIDE]) and count and size == _HEADER + count * _PIXELS:
            return int(count)
    return len(read_images(path))
