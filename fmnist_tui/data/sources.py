"""Where the data comes from, and in which order the places are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fmnist_tui.data import apt, demo, official
from fmnist_tui.data import cache as arrays
from fmnist_tui.data import cache as tidying
from fmnist_tui.data import folder as folders
from fmnist_tui.data.content_hash import holds_official_images
from fmnist_tui.data.dataset import CLASS_COUNT, Dataset
from fmnist_tui.data.errors import CacheError, DataError, Report, Stop, never, quiet, unreadable
from fmnist_tui.text import safe

DEMO = "demo"
KEPT = "fashion-mnist"  # the folder of fetched files in the cache
UNKNOWN_CLASSES = tuple(f"class {label}" for label in range(CLASS_COUNT))


@dataclass(frozen=True, slots=True)
class Sources:
    """The places that are tried when no folder is given.

    Attributes:
        system: Where Debian's package puts its files.
        mirrors: Addresses of folders on the web, each with a slash at its end.
        timeout: Seconds to wait for a mirror.
        apt: The commands that get Debian's package.
        release: What the data must be, wherever it comes from.
    """

    system: Path = Path("/usr/share/datasets/fashion-mnist")
    mirrors: tuple[str, ...] = official.MIRRORS
    timeout: float = 5.0
    apt: apt.Apt = field(default_factory=apt.Apt)
    release: official.Release = official.FASHION_MNIST


USUAL_SOURCES = Sources()


def _nothing_to_fetch() -> None:
    """The data is there already, or not at all."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One place to try: what to call it, the folder to read, and how the data gets into that folder."""

    name: str
    folder: Path
    kind: str
    fetch: Callable[[], None] = _nothing_to_fetch


def load(
    folder: str | None,
    cache: Path,
    progress: Report = quiet,
    cancelled: Stop = never,
    *,
    sources: Sources = USUAL_SOURCES,
    verify: bool = False,
) -> Dataset:
    """Return the dataset in `folder`, or Fashion-MNIST from the first place that has it.

    Args:
        folder: A folder with the four IDX files or Kaggle's two CSV files, the only place tried then; it may hold
            any data in MNIST's format. "demo" for the demo set. None for the system's folder, then the cache,
            then the mirrors, then apt.
        cache: Folder for fetched files and decoded arrays. One that cannot be written costs only time,
            as long as nothing has to be fetched.
        progress: Told about every step of a fetch, and about the reading of CSV files.
        cancelled: Asked meanwhile.
        sources: The places tried where `folder` is None.
        verify: Whether to check every pixel of cached arrays, in 50 ms; damaged ones are decoded again.

    Raises:
        DataError: The folder is not right, or no place has the data; the message names each.
        Cancelled: `cancelled` turned true.
    """
    if folder == DEMO:
        return demo.draw()
    if folder == "":
        raise DataError("the name of the data folder is empty", "name a folder, or none at all for the usual places")
    if folder is not None:
        return _read(Path(folder), cache, "given folder", progress, cancelled, verify=verify)
    return _load_usual(_places(sources, cache, progress, cancelled), cache, sources.release, verify=verify)


def _places(sources: Sources, cache: Path, progress: Report, cancelled: Stop) -> tuple[_Place, ...]:
    """Return the places in the order in which they are tried."""
    kept = cache / KEPT
    mirrors = [
        _Place(
            urlsplit(mirror).hostname or mirror,
            kept,
            "cache",
            partial(_fetch_from_mirror, sources, mirror, kept, progress, cancelled),
        )
        for mirror in sources.mirrors
    ]
    return (
        _Place("system", sources.system, "Debian package"),
        _Place("cache", kept, "cache"),
        *mirrors,
        _Place("apt", kept, "cache", partial(apt.fetch, sources.release.files, sources.apt, kept, progress, cancelled)),
    )


def _fetch_from_mirror(sources: Sources, mirror: str, kept: Path, progress: Report, cancelled: Stop) -> None:
    from fmnist_tui.data.fetch import fetch  # loads HTTP and TLS, 50 ms that most starts do not need

    fetch(sources.release.files, mirror, kept, sources.timeout, progress, cancelled)


def _load_usual(places: tuple[_Place, ...], cache: Path, release: official.Release, *, verify: bool) -> Dataset:
    """Load from the first place that has the official data; where none has, say why each has not."""
    problems = []
    advice = (
        f"install Debian's package {apt.PACKAGE}, or copy its four files to {cache / KEPT}, or give a folder with "
        "--data, or try --data demo"
    )
    for place in places:
        try:
            place.fetch()
            dataset = _read(place.folder, cache, place.kind, verify=verify)
            if dataset.fingerprints == release.fingerprints:
                return dataset
            problems.append(f"{place.name}: {place.folder} holds other data than the official Fashion-MNIST")
        except CacheError as error:  # the same for every place that follows
            problems.append(error.problem)
            advice = f"{error.advice}, or give a folder with --data, or try --data demo"
            break
        except DataError as error:
            problems.append(f"{place.name}: {error.problem}")
    raise DataError(f"could not load Fashion-MNIST ({'; '.join(problems)})", advice)


def _read(
    folder: Path, cache: Path, kind: str, progress: Report = quiet, cancelled: Stop = never, *, verify: bool
) -> Dataset:
    """Load `folder` by way of the cache of decoded arrays."""
    try:
        files = folders.find(folder)
        entry = arrays.entry(cache, files)
    except OSError as error:
        raise unreadable(Path(error.filename or folder), error) from None
    sets = arrays.recall(entry, verify=verify)
    if sets is None:
        sets = folders.read(files, progress, cancelled)
        arrays.keep_arrays(entry, sets)
    _tidy(cache)
    train, test = sets
    source = f"{kind} ({safe(folder)})" + (", CSV" if files.format is folders.CSV else "")
    dataset = Dataset(_name(folder), UNKNOWN_CLASSES, train, test, source)
    if dataset.is_fashion_mnist:
        return replace(dataset, name=official.NAME, classes=official.FASHION_CLASSES, flips=True)
    return replace(dataset, flips=holds_official_images(train, test))


def _tidy(cache: Path) -> None:
    """Remove what nobody needs any more; takes 0.1 ms where there is nothing."""
    tidying.prune(cache / arrays.FOLDER)
    for name in (arrays.FOLDER, KEPT):
        tidying.sweep(cache / name)


def _name(folder: Path) -> str:
    """Name unknown data after its folder, in a form that no known dataset's name has."""
    return safe(f'folder "{folder.resolve().name}"')
