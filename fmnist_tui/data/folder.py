"""The files of a data set: found in a folder, or given themselves, read, and checked against each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fmnist_tui.data import idx, kaggle, npz, official, pictures
from fmnist_tui.data.assembling import Part, Sets, assemble
from fmnist_tui.data.decoding import SUFFIXES
from fmnist_tui.data.errors import CancelCheck, DataError, ProgressCallback, never, quiet
from fmnist_tui.text import counted

Reader = Callable[[ProgressCallback, CancelCheck], Sets]


@dataclass(frozen=True, slots=True)
class Format:
    """A file format for data sets.

    Attributes:
        title: Its name in messages.
        suffix: What a data set's source says after its folder; "" for IDX.
        names: The names of its files where it is looked for by name: training files, then test files.
    """

    title: str
    suffix: str = ""
    names: tuple[str, ...] = ()


_GIVE = "give the folder that contains the IDX or CSV files or the pictures, or an .npz or .csv file"
IDX = Format("the IDX files", names=tuple(file.name for file in official.FASHION_MNIST.files))
CSV = Format("Kaggle's CSV pair", ", CSV", kaggle.NAMES)
NPZ = Format("an .npz archive", ", npz")
PICTURES = Format("folders of pictures", ", pictures")
FORMATS = (IDX, CSV)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """A data set's files.

    Attributes:
        format: Their format.
        paths: All of them; those of IDX and CSV are in the order of the format's names.
        read: Reads the data set.
        peek: Channels, height and width of its images, without reading all. Raises DataError if they can't be known.
        size: The side that pictures are brought to, if one was given.
    """

    format: Format
    paths: tuple[Path, ...]
    read: Reader
    peek: Callable[[], tuple[int, int, int]]
    size: int | None = None


def find_files(path: Path, size: int | None = None) -> DataFiles:
    """Find a data set: in a folder by the names of its files, each plain or gzipped (`.gz`, preferred), or as a file.

    IDX is tried before CSV: Kaggle's own archive contains both, and only its IDX files are the official ones. The first
    format with at least one file is used: if another of its files is missing, that is an error, and no other format is
    tried. Other names, such as EMNIST's, and folders of pictures come last.

    Args:
        path: The folder, or an .npz archive, a CSV file or an IDX file of training images.
        size: The side that pictures are brought to; only for pictures.

    Raises:
        DataError: The folder or a file is missing, or it isn't clear which data set is meant.
        OSError: The folder can't be searched.
    """
    found = _in_folder(path, size) if path.is_dir() else _given_file(path)
    if size is not None and found.format is not PICTURES:
        what = f"--size resizes pictures, and {path} holds {found.format.title.removeprefix('the ')}"
        raise DataError(what, "leave --size out")
    return found


def _given_file(path: Path) -> DataFiles:
    name = path.name.lower().removesuffix(".gz")
    if not path.is_file():
        what = f"{path} is not a file" if path.exists() else f"there is no {'file' if path.suffix else 'folder'} {path}"
        raise DataError(what, _GIVE)
    if name.endswith(".npz"):
        return DataFiles(NPZ, (path,), partial(npz.read, path), partial(npz.peek, path))
    if name.endswith(".csv"):
        others = _csv_partners(path)
        return _csv(path, others.get("test"), others.get("val"))
    if _IDX_NAME.fullmatch(path.name):
        return _named_idx(path)
    advice = _GIVE
    if path.suffix.lower() in SUFFIXES:
        advice = "give the folder that contains the class folders"
    raise DataError(f"{path} is neither a folder nor a file of a known format", advice)


def _in_folder(folder: Path, size: int | None) -> DataFiles:
    for form, build in ((IDX, _idx), (CSV, _csv)):
        found = {name: path for name in form.names if (path := locate(folder, name))}
        missing = [name for name in form.names if name not in found]
        if not missing:
            return build(*(found[name] for name in form.names))
        if found:
            raise DataError(f"{folder} lacks {', '.join(missing)}", _advice_for_missing(folder, missing))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    sets: dict[Path, Callable[[Path], DataFiles]] = {
        path: _named_idx for path in files if _IDX_NAME.fullmatch(path.name)
    }
    sets |= {path: _csv_with_partners for path in files if _CSV_NAME.fullmatch(path.name)}
    sets |= {path: _given_file for path in files if path.suffix.lower() == ".npz"}
    if len(sets) > 1:
        names = ", ".join(path.name for path in sets)
        raise DataError(f"{folder} contains several data sets: {names}", "give one of these files")
    for path, find in sets.items():
        return find(path)
    below = _advice_for_empty(folder)
    if not below and pictures.holds_pictures(folder):
        found_pictures = pictures.find_pictures(folder)
        read = partial(pictures.read, found_pictures, size)
        return DataFiles(PICTURES, found_pictures.paths, read, partial(pictures.peek, found_pictures, size), size)
    wanted = " nor ".join(f"{form.title} ({', '.join(form.names)})" for form in FORMATS)
    what = f"{folder} contains neither {wanted} nor an .npz archive nor folders of pictures (train/<class>/)"
    raise DataError(what, below or "give another folder, or none to use the default sources")


def _advice_for_missing(folder: Path, missing: list[str]) -> str:
    """Advice for a folder that contains some of the files."""
    for name in (spelling for one in missing for spelling in (f"{one}.gz", one)):
        if (folder / name).is_symlink():
            return f"{name} is a link to {(folder / name).readlink()}, which is not a file: fix it"
        if (folder / name).exists():
            return f"{name} exists, but it is not a file"
    return "each file may be plain or end in .gz; add what is missing"


def _advice_for_empty(folder: Path) -> str:
    """Advice for a folder without data: a subfolder that has it, as unpacked archives do; "" if there is none."""
    for below in sorted(folder.iterdir()):
        with suppress(OSError):  # it can't be searched
            if below.is_dir() and any(locate(below, name) for form in FORMATS for name in form.names):
                return f"use {below}, which does"
    return ""


def locate(folder: Path, name: str) -> Path | None:
    """The path of `name`.gz or `name` in `folder`, or None if there is neither.

    Many copies of MNIST are named `train-images.idx3-ubyte`, with a dot; these are accepted too.
    """
    candidates = (
        folder / f"{spelling}{end}" for end in (".gz", "") for spelling in (name, name.replace("-idx", ".idx"))
    )
    return next((path for path in candidates if path.is_file()), None)


def read_files(files: DataFiles, report: ProgressCallback = quiet, cancelled: CancelCheck = never) -> Sets:
    """Read the data set.

    Raises:
        DataError: A file can't be read or is invalid, or the numbers of images and labels differ.
        Cancelled: `cancelled` returned True.
    """
    return files.read(report, cancelled)


_IDX_NAME = re.compile(r"(.*)train-images([-.])idx([34])-ubyte(?:\.gz)?")
"""EMNIST's files have a prefix, `emnist-letters-`."""


def _named_idx(images: Path) -> DataFiles:
    """The four files that belong to the training images."""
    named = _IDX_NAME.fullmatch(images.name)
    prefix, dot, rank = named.groups() if named else ("", "-", "3")
    labels = f"{prefix}train-labels{dot}idx1-ubyte"
    tests = [
        (f"{prefix}{test}-images{dot}idx{rank}-ubyte", f"{prefix}{test}-labels{dot}idx1-ubyte")
        for test in ("t10k", "test")
    ]
    pair = next((pair for pair in tests if any(locate(images.parent, name) for name in pair)), tests[-1])
    found = [locate(images.parent, name) for name in (labels, *pair)]
    missing = [name for name, path in zip((labels, *pair), found, strict=True) if path is None]
    if missing:
        raise DataError(f"{images.parent} lacks {', '.join(missing)}", _advice_for_missing(images.parent, missing))
    return _idx(images, *(path for path in found if path))


def _idx(*paths: Path) -> DataFiles:
    return DataFiles(IDX, paths, partial(_read_idx, paths), partial(idx.peek, paths[0]))


def _read_idx(paths: tuple[Path, ...], _report: ProgressCallback, _cancelled: CancelCheck) -> Sets:
    """Read both sets, too quickly to need progress or cancellation; two threads were no faster."""
    is_mnist = all(locate(path.parent, name) == path for path, name in zip(paths, IDX.names, strict=True))
    return assemble(_read_idx_set(*paths[:2]), _read_idx_set(*paths[2:]), is_mnist=is_mnist)


def _read_idx_set(images_path: Path, labels_path: Path) -> Part:
    labels = idx.read_labels(labels_path)
    images = idx.read_images(images_path)
    check_pair(images_path, len(images), labels_path, len(labels))
    return Part(images, labels, str(images_path))


def check_pair(images_path: Path, images: int, labels_path: Path, labels: int) -> None:
    """Raise DataError if the numbers of images and labels differ."""
    if images != labels:
        raise DataError(
            f"{images_path} contains {counted(images, 'image')} but {labels_path.name} {counted(labels, 'label')}",
            "use two files that belong together",
        )


_CSV_NAME = re.compile(r".*train.*\.csv(?:\.gz)?", re.IGNORECASE)
_OTHER_PARTS = {"test": ("test",), "val": ("val", "valid", "validation")}


def _csv_with_partners(path: Path) -> DataFiles:
    return _csv(path, *(_csv_partners(path).get(part) for part in ("test", "val")))


def _csv_partners(path: Path) -> dict[str, Path]:
    """The files beside `NAME_train.csv` that are called the same but for "test" or "val"."""
    found: dict[str, Path] = {}
    for part, words in _OTHER_PARTS.items():
        for other in _spellings(path.name, words):
            if other != path.name and (path.parent / other).is_file():
                found.setdefault(part, path.parent / other)
    return found


def _spellings(name: str, words: Iterable[str]) -> Iterable[str]:
    plain = name.removesuffix(".gz")
    for old in ("train", "Train", "TRAIN"):
        for word in words:
            new = {"train": word, "Train": word.title(), "TRAIN": word.upper()}[old]
            changed = plain.replace(old, new)
            yield from (changed, f"{changed}.gz") if changed != plain else ()


def _csv(train: Path, test: Path | None = None, validation: Path | None = None) -> DataFiles:
    paths = tuple(path for path in (train, test, validation) if path)
    return DataFiles(CSV, paths, partial(_read_csv, train, test, validation), partial(kaggle.peek, train))


def _read_csv(
    train: Path, test: Path | None, validation: Path | None, report: ProgressCallback, cancelled: CancelCheck
) -> Sets:
    first = kaggle.read(train, report, cancelled)
    tested, validated = (kaggle.read(path, report, cancelled) if path else None for path in (test, validation))
    is_mnist = test is not None and tuple(path.name.removesuffix(".gz") for path in (train, test)) == CSV.names
    return assemble(first, tested, validated, is_mnist=is_mnist)
