"""The four IDX files in a folder, found, read and checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.data import idx, official
from fmnist_tui.data.dataset import ByteArray, ImageSet
from fmnist_tui.data.errors import DataError, reason

NAMES = tuple(file.name for file in official.FASHION_MNIST.files)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Where the four files of a dataset lie."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path

    @property
    def paths(self) -> tuple[Path, Path, Path, Path]:
        """All four, in the order of `NAMES`."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


def find(folder: Path) -> DataFiles:
    """Find the four IDX files in `folder`, each plain or with `.gz` (that one where there are both).

    Raises:
        DataError: The folder or a file is not there.
        OSError: The folder may not be searched.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", "give the folder that holds the IDX files")
    found = {name: path for name in NAMES if (path := locate(folder, name))}
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}", "each file may be plain or end in .gz; add what is missing"
        )
    return DataFiles(*(found[name] for name in NAMES))


def locate(folder: Path, name: str) -> Path | None:
    """Return the path of `name`.gz or `name` in `folder`, or None where there is neither."""
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def read(files: DataFiles) -> tuple[ImageSet, ImageSet]:
    """Read the training set and the test set.

    Raises:
        DataError: A file cannot be read, is not right, or does not fit its neighbour.
    """
    train = _read_set(files.train_images, files.train_labels)
    return train, _read_set(files.test_images, files.test_labels)


def _read_set(images_path: Path, labels_path: Path) -> ImageSet:
    labels = _read_file(labels_path, idx.parse_labels)
    images = _read_file(images_path, idx.parse_images)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images but {labels_path.name} {len(labels)} labels",
            "use two files that belong together",
        )
    return ImageSet.of(images, labels)


def _read_file(path: Path, parse: Callable[[bytes, str], ByteArray]) -> ByteArray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}", "check the file and its permissions") from None
    return parse(content, str(path))
