"""Resuming a run: where its images are now, and whether it can be resumed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress

from fmnist_tui.data import DataError, Dataset, load, official
from fmnist_tui.data.cache import arrays_folder, load_arrays
from fmnist_tui.data.folder import find_files
from fmnist_tui.data.location import DEMO, Location, with_size
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.errors import RunError
from fmnist_tui.files import write_json
from fmnist_tui.host.machine import CheckState
from fmnist_tui.host.node import host_name
from fmnist_tui.models.registry import get_model
from fmnist_tui.paths import cache_folder, data_folder
from fmnist_tui.runs.access import check_readable, refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import TailFold
from fmnist_tui.runs.manifest import read_manifest, requested_folder
from fmnist_tui.runs.model_code import AS_IT_WAS, CodeChoice, check_code
from fmnist_tui.runs.status import Status, status_and_tail
from fmnist_tui.text import safe
from fmnist_tui.training.config import ConfigError, check_device
from fmnist_tui.training.events import Queued

Fingerprints = tuple[str, str]


class DataMoved(RunError):
    """A run's images aren't where they were found last, nor in another known location."""


def load_images(run: RunDirectory, recorded: str | None) -> Dataset:
    """The run's images, for its trainer; a new location is remembered.

    Args:
        run: The run.
        recorded: Where they were found last.

    Raises:
        DataMoved: No known location has the images that the run began with.
        DataError: The run is new, and its folder is unusable.
    """
    expected = read_manifest(run).fingerprints
    if expected is None:
        return _load(recorded)
    faults = []
    for location in _locations(recorded, expected):
        found = _try(run, location, expected)
        if isinstance(found, Dataset):
            if location != recorded:
                with suppress(RunError):  # it is found again the same way
                    _remember(run, location)
            return found
        faults.append(found)
    raise DataMoved(f"{'; '.join(faults)}; {_advice(run)}")


def check_images(run: RunDirectory, given: str | None = None) -> None:
    """Check that a trainer will find the run's images; a new location is remembered.

    Takes no time if the folder is still where it was: the trainer verifies its content. Fashion-MNIST in its usual
    locations isn't checked: the trainer fetches it if necessary.

    Args:
        run: The run.
        given: The folder where they are now, or "demo": then the only location that is tried. None for any location.

    Raises:
        DataMoved: They aren't there.
        RunError: The location can't be remembered.
    """
    recorded = requested_folder(run)
    expected = read_manifest(run).fingerprints
    if given is not None:
        given = with_size(given, Location.parse(given).size or Location.parse(recorded or "").size)
        found = _try(run, given, expected)
        if not isinstance(found, Dataset):
            raise DataMoved(f"{found}; {_advice(run)}")
        if given != recorded:
            _remember(run, given)
        return
    if recorded in (None, DEMO) or not (fault := _fault(run, str(recorded), expected)):
        return
    faults = [fault]
    for location in _locations(recorded, expected)[1:] if expected else ():
        if location is None:
            return
        found = _try(run, location, expected)
        if isinstance(found, Dataset):
            _remember(run, location)
            return
        faults.append(found)
    raise DataMoved(f"{'; '.join(faults)}; {_advice(run)}")


def _locations(recorded: str | None, expected: Fingerprints) -> list[str | None]:
    """The locations to try, each once: where the images were last, FMNIST_TUI_DATA, the usual ones."""
    return list(dict.fromkeys(_known_locations(recorded, expected)))


def _known_locations(recorded: str | None, expected: Fingerprints) -> Iterator[str | None]:
    may_have_to_be_fetched = recorded is None and data_check(None, cache_folder()).state is not CheckState.OK
    if not may_have_to_be_fetched:
        yield recorded
    with suppress(RunError):  # it names a home folder that doesn't exist
        if location := data_folder(None):
            yield location
    if recorded is None or expected == official.FASHION_MNIST.fingerprints:
        yield None


def _try(run: RunDirectory, location: str | None, expected: Fingerprints | None) -> Dataset | str:
    """The images in a location, if they are the expected ones; else why not."""
    try:
        dataset = _load(location)
    except DataError as error:
        return error.problem
    return _mismatch(run, location, dataset.fingerprints, expected) or dataset


def _load(location: str | None) -> Dataset:
    """The images, all pixels verified by their fingerprint."""
    return load(location, cache_folder(), verify=True)


def _mismatch(run: RunDirectory, location: str | None, found: Fingerprints, expected: Fingerprints | None) -> str:
    if expected is None or found == expected:
        return ""
    part = "training" if found[0] != expected[0] else "test"
    index = int(part == "test")
    checksums = f"sha256 {found[index][:12]}..., not {safe(expected[index][:12])}..."
    where = "the usual location of Fashion-MNIST" if location is None else safe(location)
    return f"{where} has other {part} images than run {run.run_id} began with ({checksums})"


def _fault(run: RunDirectory, folder: str, expected: Fingerprints | None) -> str:
    """Why a folder can't have the images, according to a quick check, or ""."""
    try:
        location = Location.parse(folder)
        known = load_arrays(arrays_folder(cache_folder(), find_files(location.path, location.size)))
    except DataError as error:
        return error.problem
    except OSError as error:
        return f"can't read {safe(folder)} ({error.strerror})"
    return _mismatch(run, folder, known.fingerprints, expected) if known else ""


def _remember(run: RunDirectory, folder: str | None) -> None:
    """Raise RunError if it can't be written."""
    try:
        write_json(run.data_json, {"folder": folder})
    except OSError as error:
        raise refused(f"write {run.data_json}", run.path, error) from None
    except ValueError:
        raise RunError(f"the name of the folder {safe(folder)} isn't valid text; rename it") from None


def _advice(run: RunDirectory) -> str:
    return f"give their folder with: fmnist-tui resume {run.run_id} --data DIR"


def check_resumable(run: RunDirectory, data: str | None = None, code: CodeChoice = AS_IT_WAS) -> None:
    """Check that the run can be resumed. If its images have been moved, where they are now is remembered.

    Args:
        run: The run.
        data: The folder where its images are now, or "demo"; it must contain them. None to look where they were, and in
            the usual locations.
        code: What to do about the code of a custom model.

    Raises:
        DataMoved: Its images aren't in `data`, or in no known location.
        RunError: It can't be read, has a trainer, is finished, diverged (it would do so again, bit for bit), needs
            PyTorch where there is none, or has a custom model whose code may not be run as it is.
    """
    manifest = read_manifest(run)
    named = shlex.quote(manifest.source.argument) if manifest.source else manifest.version
    check_readable(run)
    status, tail = status_and_tail(run)
    if status.has_trainer:
        raise RunError(f"run {run.run_id} is {status}; {_elsewhere(run, tail) or _watch(run)}")
    if status is Status.FINISHED:
        raise RunError(f"run {run.run_id} is finished; start a new one with: fmnist-tui train {safe(named)}")
    ended = tail.state.finished
    if status is Status.FAILED and ended and ended.reason == "diverged":
        why = "diverged, and resuming would replay the divergence"
        raise RunError(f"run {run.run_id} {why}; start a new run with a lower --lr")
    try:
        check_device(manifest.source.spec(manifest.version) if manifest.source else get_model(manifest.version), "auto")
    except ConfigError as error:
        raise RunError(f"run {run.run_id} can't be resumed: {error}") from None
    check_code(run, code)
    check_images(run, data)


def _watch(run: RunDirectory) -> str:
    return f"watch it with: fmnist-tui attach {run.run_id}"


def _elsewhere(run: RunDirectory, tail: TailFold) -> str:
    """What to do about a run that waits in another host's queue; "" for any other run."""
    last = tail.last.event if tail.last else None
    if not isinstance(last, Queued) or last.host in ("", host_name()):
        return ""
    return f"it waits for a device of {last.host}; to train it here: fmnist-tui stop {run.run_id}, then resume it"
