"""Which data would be used, by a quick check of headers, file sizes and the cache."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.data.cache import arrays_folder, load_arrays
from fmnist_tui.data.dataset import SIDE, check_enough
from fmnist_tui.data.errors import unreadable
from fmnist_tui.data.folder import IDX, check_pair, find_files
from fmnist_tui.data.idx import IMAGES_MAGIC, read_header, read_images, read_labels
from fmnist_tui.data.location import DEMO, Location
from fmnist_tui.data.official import Release
from fmnist_tui.data.reading import unpacked
from fmnist_tui.data.sources import DEFAULT_SOURCES, DOWNLOADS, Sources
from fmnist_tui.files import is_folder
from fmnist_tui.host.machine import Check, CheckState
from fmnist_tui.text import counted, grouped

_PIXELS = SIDE * SIDE
_HEADER = 4  # bytes, and as many for each dimension


@dataclass(frozen=True)
class _Found:
    """Data that looks valid.

    Attributes:
        summary: What is known of it.
        counts: The numbers of training and test images, if known.
        fingerprints: Of both sets, if the data was loaded before.
    """

    summary: str
    counts: tuple[int, int] | None
    fingerprints: tuple[str, str] | None = None

    def may_be(self, release: Release) -> bool:
        """Whether it can be the official data, as far as is known."""
        if self.fingerprints:
            return self.fingerprints == release.fingerprints
        sizes = {file.size for file in release.files}
        return self.counts is not None and {16 + count * _PIXELS for count in self.counts} <= sizes


def data_check(folder: str | None, cache: Path, sources: Sources = DEFAULT_SOURCES) -> Check:
    """Which data would be used, and whether it is available; nothing is downloaded.

    Args:
        folder: As for `load`: a folder, "demo", or None for the default sources.
        cache: The folder of downloaded and decoded data.
        sources: The default sources.
    """
    if folder == DEMO:
        return Check("data", CheckState.OK, "the demo set, drawn by this program")
    if folder is not None:
        return _given(Location.parse(folder), cache, sources.release)
    return _default(cache, sources)


def image_shape(folder: str, cache: Path) -> tuple[tuple[int, int, int], int | None]:
    """Channels, height and width of the images in a given location, and the number of classes if it is known.

    Raises:
        DataError: The location is missing or invalid.
    """
    location = Location.parse(folder)
    try:
        files = find_files(location.path, location.size)
        known = load_arrays(arrays_folder(cache, files))
        return (known.train.shape, len(known.classes)) if known else (files.peek(), None)
    except OSError as error:
        raise unreadable(Path(error.filename or folder), error) from None


def _given(location: Location, cache: Path, release: Release) -> Check:
    folder = location.path
    try:
        found = _look(folder, cache, location.size)
    except DataError as error:
        return Check("data", CheckState.PROBLEM, error.problem, error.advice)
    except OSError as error:
        fault = unreadable(Path(error.filename or folder), error)
        return Check("data", CheckState.PROBLEM, fault.problem, fault.advice)
    other = "" if not found.fingerprints or found.may_be(release) else "; not the official Fashion-MNIST"
    return Check("data", CheckState.OK, f"{folder}: {found.summary}{other}")


def _default(cache: Path, sources: Sources) -> Check:
    """The first default source that is available; faults of those before it are reported."""
    faults = []
    for folder in (sources.system, cache / DOWNLOADS):
        try:
            found = _look(folder, cache)
        except DataError as error:
            faults += [error.problem] * is_folder(folder)
        except OSError as error:
            faults.append(f"can't read {folder} ({error.strerror})")
        else:
            if found.may_be(sources.release):
                return Check("data", CheckState.OK, f"{folder}: {found.summary}")
            faults.append(f"{folder} contains data other than Fashion-MNIST")
    message = "; ".join([*faults, "not downloaded yet: Fashion-MNIST (31 MB) is fetched at first use"])
    return Check("data", CheckState.NOTE, message, "fetch it now: fmnist-tui data; or use the demo set: --data demo")


def _look(folder: Path, cache: Path, size: int | None = None) -> _Found:
    """The data in `folder`. Raise DataError or OSError if it is missing or invalid."""
    files = find_files(folder, size)
    if known := load_arrays(arrays_folder(cache, files)):
        train, test = known.train, known.test
        check_enough(len(train), str(folder))
        summary = f"{grouped(len(train))} + {counted(len(test), 'image')}, verified when first read"
        return _Found(summary, (len(train), len(test)), (train.fingerprint, test.fingerprint))
    if files.format is not IDX:
        return _Found(f"{files.format.title}, verified at first use", None)
    train_count, test_count = _count_pair(*files.paths[:2]), _count_pair(*files.paths[2:])
    check_enough(train_count, str(folder))
    summary = f"{grouped(train_count)} + {counted(test_count, 'image')} by file size, verified at first use"
    return _Found(summary, (train_count, test_count))


def _count_pair(images: Path, labels: Path) -> int:
    """The number of images. Raise DataError if it isn't that of the labels, which are read since they are few bytes."""
    count, label_count = _count(images), len(read_labels(labels))
    check_pair(images, count, labels, label_count)
    return count


def _count(path: Path) -> int:
    """The number of images in an IDX file: by its header if the size matches, else by reading the whole file.

    The last four bytes of a gzip file are its uncompressed size, unless it has several members or trailing bytes.
    """
    with path.open("rb") as file:
        stream = unpacked(file, str(path))
        shape, _ = read_header(stream, str(path), IMAGES_MAGIC)
        size = path.stat().st_size
        if stream is not file:
            file.seek(-4, os.SEEK_END)
            size = int.from_bytes(file.read(4), "little")
    if size == _HEADER * (1 + len(shape)) + math.prod(shape):
        return shape[0]
    return len(read_images(path))
