"""The files of a data set in a folder: found, read and checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.data import idx, kaggle, official
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.data.errors import CancelCheck, DataError, ProgressCallback, never, quiet

Sets = tuple[ImageSet, ImageSet]


@dataclass(frozen=True, slots=True)
class Format:
    """A file format for data sets.

    Attributes:
        title: Its name in messages.
        names: The names of its files, in the order in which `read` takes their paths.
        read: Reads the training set and the test set.
    """

    title: str
    names: tuple[str, ...]
    read: Callable[[tuple[Path, ...], ProgressCallback, CancelCheck], Sets]


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The paths of a data set's files, in the order of the format's names."""

    format: Format
    paths: tuple[Path, ...]


def find_files(folder: Path) -> DataFiles:
    """Find a data set in `folder`; each of its files may be plain or gzipped (`.gz`, which is preferred).

    IDX is tried before CSV: Kaggle's own archive contains both, and only its IDX files are the official ones. The first
    format with at least one file is used: if another of its files is missing, that is an error, and the other format
    isn't tried.

    Raises:
        DataError: The folder or a file is missing.
        OSError: The folder can't be searched.
    """
    if not folder.is_dir():
        what = f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}"
        raise DataError(what, "give the folder that contains the IDX or CSV files")
    for form in FORMATS:
        found = {name: path for name in form.names if (path := locate(folder, name))}
        missing = [name for name in form.names if name not in found]
        if not missing:
            return DataFiles(form, tuple(found[name] for name in form.names))
        if found:
            raise DataError(f"{folder} lacks {', '.join(missing)}", _advice_for_missing(folder, missing))
    wanted = " nor ".join(f"{form.title} ({', '.join(form.names)})" for form in FORMATS)
    raise DataError(f"{folder} contains neither {wanted}", _advice_for_empty(folder))


def _advice_for_missing(folder: Path, missing: list[str]) -> str:
    """Advice for a folder that contains some of the files."""
    for name in (spelling for one in missing for spelling in (f"{one}.gz", one)):
        if (folder / name).is_symlink():
            return f"{name} is a link to {(folder / name).readlink()}, which is not a file: fix it"
        if (folder / name).exists():
            return f"{name} exists, but it is not a file"
    return "each file may be plain or end in .gz; add what is missing"


def _advice_for_empty(folder: Path) -> str:
    """Advice for a folder without data: a subfolder that has it, as unpacked archives do, if there is one."""
    for below in sorted(folder.iterdir()):
        with suppress(OSError):  # it can't be searched
            if below.is_dir() and any(locate(below, name) for form in FORMATS for name in form.names):
                return f"use {below}, which does"
    return "give another folder, or none to use the default sources"


def locate(folder: Path, name: str) -> Path | None:
    """The path of `name`.gz or `name` in `folder`, or None if there is neither.

    Many copies of MNIST are named `train-images.idx3-ubyte`, with a dot; these are accepted too.
    """
    candidates = (
        folder / f"{spelling}{end}" for end in (".gz", "") for spelling in (name, name.replace("-idx", ".idx"))
    )
    return next((path for path in candidates if path.is_file()), None)


def read_files(files: DataFiles, report: ProgressCallback = quiet, cancelled: CancelCheck = never) -> Sets:
    """Read the training set and the test set.

    Raises:
        DataError: A file can't be read or is invalid, or the numbers of images and labels differ.
        Cancelled: `cancelled` returned True.
    """
    return files.format.read(files.paths, report, cancelled)


def _read_idx(paths: tuple[Path, ...], _report: ProgressCallback, _cancelled: CancelCheck) -> Sets:
    """Read both sets, too quickly to need progress or cancellation; two threads were no faster."""
    return _read_idx_set(*paths[:2]), _read_idx_set(*paths[2:])


def _read_idx_set(images_path: Path, labels_path: Path) -> ImageSet:
    labels = idx.read_labels(labels_path)
    images = idx.read_images(images_path)
    check_pair(images_path, len(images), labels_path, len(labels))
    return ImageSet.of(images, labels)


def check_pair(images_path: Path, images: int, labels_path: Path, labels: int) -> None:
    """Raise DataError if the numbers of images and labels differ."""
    if images != labels:
        raise DataError(
            f"{images_path} contains {images} images but {labels_path.name} {labels} labels",
            "use two files that belong together",
        )


def _read_csv(paths: tuple[Path, ...], report: ProgressCallback, cancelled: CancelCheck) -> Sets:
    train, test = paths
    return kaggle.read(train, report, cancelled), kaggle.read(test, report, cancelled)


IDX = Format("the IDX files", tuple(file.name for file in official.FASHION_MNIST.files), _read_idx)
CSV = Format("Kaggle's CSV pair", kaggle.NAMES, _read_csv)
FORMATS = (IDX, CSV)
