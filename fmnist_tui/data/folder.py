"""The files of a dataset in a folder, found, read and checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.data import idx, kaggle, official
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.data.errors import DataError, Report, Stop, never, quiet

Sets = tuple[ImageSet, ImageSet]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to keep a dataset in files.

    Attributes:
        title: What to call it.
        names: The files it takes, in the order in which `read` wants their paths.
        read: Reads the training set and the test set.
    """

    title: str
    names: tuple[str, ...]
    read: Callable[[tuple[Path, ...], Report, Stop], Sets]


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Where the files of a dataset lie, in the order of the format's names."""

    format: Format
    paths: tuple[Path, ...]


def find(folder: Path) -> DataFiles:
    """Find a dataset in `folder`, each of its files plain or with `.gz` (that one where there are both).

    IDX comes before CSV: Kaggle's own archive holds both, and only its IDX files are the official ones. The first
    format of which there is any file is the one meant: a lost file is told, not made up for by the other format.

    Raises:
        DataError: The folder or a file is not there.
        OSError: The folder may not be searched.
    """
    if not folder.is_dir():
        what = f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}"
        raise DataError(what, "give the folder that holds the IDX or CSV files")
    for form in FORMATS:
        found = {name: path for name in form.names if (path := locate(folder, name))}
        missing = [name for name in form.names if name not in found]
        if not missing:
            return DataFiles(form, tuple(found[name] for name in form.names))
        if found:
            raise DataError(f"{folder} lacks {', '.join(missing)}", _what_lacks(folder, missing))
    wanted = " nor ".join(f"{form.title} ({', '.join(form.names)})" for form in FORMATS)
    raise DataError(f"{folder} holds neither {wanted}", _where_else(folder))


def _what_lacks(folder: Path, missing: list[str]) -> str:
    """Advice for a folder that holds some of the files."""
    for name in (spelling for one in missing for spelling in (f"{one}.gz", one)):
        if (folder / name).is_symlink():
            return f"{name} is a link to {(folder / name).readlink()}, where no file is: mend it"
        if (folder / name).exists():
            return f"{name} is there, but it is no file"
    return "each file may be plain or end in .gz; add what is missing"


def _where_else(folder: Path) -> str:
    """Advice for a folder that holds nothing: the one below it that does, as archives unpack to, if there is any."""
    for below in sorted(folder.iterdir()):
        with suppress(OSError):  # one that may not be searched
            if below.is_dir() and any(locate(below, name) for form in FORMATS for name in form.names):
                return f"give {below}, which does"
    return "give another folder, or none for the usual places"


def locate(folder: Path, name: str) -> Path | None:
    """Return the path of `name`.gz or `name` in `folder`, or None where there is neither.

    Many copies of MNIST write `train-images.idx3-ubyte`, with a dot; that is the same file.
    """
    candidates = (
        folder / f"{spelling}{end}" for end in (".gz", "") for spelling in (name, name.replace("-idx", ".idx"))
    )
    return next((path for path in candidates if path.is_file()), None)


def read(files: DataFiles, report: Report = quiet, cancelled: Stop = never) -> Sets:
    """Read the training set and the test set.

    Raises:
        DataError: A file cannot be read, is not right, or does not fit its neighbour.
        Cancelled: `cancelled` turned true.
    """
    return files.format.read(files.paths, report, cancelled)


def _read_idx(paths: tuple[Path, ...], _report: Report, _cancelled: Stop) -> Sets:
    """Read both sets: too quick to report on or to stop; two threads were no faster, measured in pairs."""
    return _read_idx_set(*paths[:2]), _read_idx_set(*paths[2:])


def _read_idx_set(images_path: Path, labels_path: Path) -> ImageSet:
    labels = idx.read_labels(labels_path)
    images = idx.read_images(images_path)
    check_pair(images_path, len(images), labels_path, len(labels))
    return ImageSet.of(images, labels)


def check_pair(images_path: Path, images: int, labels_path: Path, labels: int) -> None:
    """Raise DataError unless there are as many images as labels."""
    if images != labels:
        raise DataError(
            f"{images_path} holds {images} images but {labels_path.name} {labels} labels",
            "use two files that belong together",
        )


def _read_csv(paths: tuple[Path, ...], report: Report, cancelled: Stop) -> Sets:
    train, test = paths
    return kaggle.read(train, report, cancelled), kaggle.read(test, report, cancelled)


IDX = Format("the IDX files", tuple(file.name for file in official.FASHION_MNIST.files), _read_idx)
CSV = Format("Kaggle's CSV pair", kaggle.NAMES, _read_csv)
FORMATS = (IDX, CSV)
