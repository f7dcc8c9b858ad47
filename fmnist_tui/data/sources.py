"""Loading a data set: a given folder, the demo set, or Fashion-MNIST from the first default source that has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fmnist_tui.data import apt, demo, official
from fmnist_tui.data.cache import ARRAYS, arrays_folder, load_arrays, prune, save_arrays, sweep
from fmnist_tui.data.dataset import Dataset
from fmnist_tui.data.errors import CacheError, CancelCheck, DataError, ProgressCallback, never, quiet, unreadable
from fmnist_tui.data.folder import find_files, read_files
from fmnist_tui.data.location import DEMO, Location
from fmnist_tui.data.official import holds_official_images
from fmnist_tui.files import is_folder
from fmnist_tui.text import safe

DOWNLOADS = "fashion-mnist"  # the folder of downloaded files in the cache


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources that are tried if no folder is given.

    Attributes:
        system: The folder in which Debian's package installs its files.
        mirrors: URLs of folders, each with a trailing slash.
        timeout: Seconds to wait for a mirror.
        apt: The commands that download Debian's package.
        release: The data set that each source must have.
    """

    system: Path = Path("/usr/share/datasets/fashion-mnist")
    mirrors: tuple[str, ...] = official.MIRRORS
    timeout: float = 5.0
    apt: apt.Apt = field(default_factory=apt.Apt)
    release: official.Release = official.FASHION_MNIST


DEFAULT_SOURCES = Sources()


def _nothing_to_fetch() -> None:
    """Do nothing: the data is there already, or not at all."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One source to try.

    Attributes:
        name: Its name in messages.
        folder: The folder to read.
        kind: The kind of source, for `Dataset.source`.
        fetch: Downloads the data into the folder.
    """

    name: str
    folder: Path
    kind: str
    fetch: Callable[[], None] = _nothing_to_fetch


def load(
    folder: str | None,
    cache: Path,
    progress: ProgressCallback = quiet,
    cancelled: CancelCheck = never,
    *,
    sources: Sources = DEFAULT_SOURCES,
    verify: bool = False,
) -> Dataset:
    """Load the data set in `folder`, or Fashion-MNIST from the first source that has it.

    Args:
        folder: The text form of a `Location`: a folder with IDX or CSV files or pictures, an .npz archive or a CSV
            file. It is then the only source tried. "demo" for the demo set. None for the system's folder, then the
            cache, then the mirrors, then apt.
        cache: The folder for downloaded files and decoded arrays. If it can't be written, nothing can be downloaded,
            and other data is decoded again each time.
        progress: Called during downloads, and while CSV files are read.
        cancelled: Polled meanwhile.
        sources: The sources tried if `folder` is None.
        verify: Whether to compare every pixel of cached arrays with the fingerprint, which takes some 50 ms; damaged
            arrays are decoded again.

    Raises:
        DataError: The data in the folder is missing or invalid, or no source has the data; the message says why for
            each.
        Cancelled: `cancelled` returned True.
    """
    if folder == DEMO:
        return demo.draw()
    if folder == "":
        raise DataError("the name of the data folder is empty", "name a folder, or omit it to use the default sources")
    if folder is not None:
        location = Location.parse(folder)
        kind = "given folder" if is_folder(location.path) else "given file"
        return _read(location, cache, kind, progress, cancelled, verify=verify)
    return _load_default(_candidates(sources, cache, progress, cancelled), cache, sources.release, verify=verify)


def _candidates(
    sources: Sources, cache: Path, progress: ProgressCallback, cancelled: CancelCheck
) -> tuple[_Candidate, ...]:
    """The sources in the order in which they are tried."""
    downloads = cache / DOWNLOADS
    mirrors = [
        _Candidate(
            urlsplit(mirror).hostname or mirror,
            downloads,
            "cache",
            partial(_fetch_from_mirror, sources, mirror, downloads, progress, cancelled),
        )
        for mirror in sources.mirrors
    ]
    return (
        _Candidate("system", sources.system, "Debian package"),
        _Candidate("cache", downloads, "cache"),
        *mirrors,
        _Candidate(
            "apt",
            downloads,
            "cache",
            partial(apt.fetch, sources.release.files, sources.apt, downloads, progress, cancelled),
        ),
    )


def _fetch_from_mirror(
    sources: Sources, mirror: str, downloads: Path, progress: ProgressCallback, cancelled: CancelCheck
) -> None:
    from fmnist_tui.data.fetch import fetch  # imports HTTP and TLS: 50 ms that most starts don't need

    fetch(sources.release.files, mirror, downloads, sources.timeout, progress, cancelled)


def _load_default(
    candidates: tuple[_Candidate, ...], cache: Path, release: official.Release, *, verify: bool
) -> Dataset:
    """Load from the first candidate that has the official data. Raise DataError with all their faults if none has."""
    problems = []
    advice = (
        f"install Debian's package {apt.PACKAGE}, or copy its four files to {cache / DOWNLOADS}, or give a folder with "
        "--data, or try --data demo"
    )
    for candidate in candidates:
        try:
            candidate.fetch()
            dataset = _read(Location(candidate.folder), cache, candidate.kind, verify=verify)
            if dataset.fingerprints == release.fingerprints:
                return dataset
            problems.append(f"{candidate.name}: {candidate.folder} contains data other than the official Fashion-MNIST")
        except CacheError as error:  # the same for all candidates that follow
            problems.append(error.problem)
            advice = f"{error.advice}, or give a folder with --data, or try --data demo"
            break
        except DataError as error:
            problems.append(f"{candidate.name}: {error.problem}")
    raise DataError(f"could not load Fashion-MNIST ({'; '.join(problems)})", advice)


def _read(
    location: Location,
    cache: Path,
    kind: str,
    progress: ProgressCallback = quiet,
    cancelled: CancelCheck = never,
    *,
    verify: bool,
) -> Dataset:
    """Load what is there, using the cache of decoded arrays."""
    folder = location.path
    try:
        files = find_files(folder, location.size)
        entry = arrays_folder(cache, files)
    except OSError as error:
        raise unreadable(Path(error.filename or folder), error) from None
    sets = load_arrays(entry, verify=verify)
    if sets is None:
        sets = read_files(files, progress, cancelled)
        save_arrays(entry, sets)
    _clean_cache(cache)
    source = f"{kind} ({safe(folder)}){files.format.suffix}"
    source += f", resized to {location.size}x{location.size}" if location.size else ""
    dataset = Dataset(
        _name(folder),
        sets.classes,
        sets.train,
        sets.test,
        source,
        n_validation=sets.n_validation,
        note=sets.note,
    )
    if dataset.is_fashion_mnist:
        return replace(dataset, name=official.NAME, classes=official.FASHION_CLASSES, flips=True)
    return replace(dataset, flips=holds_official_images(sets.train, sets.test))


def _clean_cache(cache: Path) -> None:
    """Remove old arrays and stale temporary files; takes 0.1 ms if there are none."""
    prune(cache / ARRAYS)
    for name in (ARRAYS, DOWNLOADS):
        sweep(cache / name)


def _name(folder: Path) -> str:
    """A name for unknown data, after its folder or file, of a form that no known data set's name has."""
    kind = "folder" if is_folder(folder) else "file"
    return safe(f'{kind} "{folder.resolve().name}"')
