"""Resuming: where a run's images are now, and whether it can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fmnist_tui.data import DataError, Dataset, load, official
from fmnist_tui.data.cache import arrays_folder, load_arrays
from fmnist_tui.data.folder import find_files
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.data.sources import DEMO
from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.host.check import CheckState
from fmnist_tui.host.identity import host_name
from fmnist_tui.paths import cache_folder, data_folder
from fmnist_tui.runs.access import check_readable, refused
from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.runs.event_log import Logged, read_tail
from fmnist_tui.runs.request import recorded_folder
from fmnist_tui.runs.status import Status, status_and_tail
from fmnist_tui.text import safe
from fmnist_tui.training.config import NoPyTorchError, check_device
from fmnist_tui.training.events import Queued, RunFinished

Fingerprints = tuple[str, str]


class DataMoved(RunError):
    """A run's images aren't where they were seen last, nor in another known place."""


def fingerprints_of(run: RunDirectory) -> Fingerprints | None:
    """Of the training and the test images that the run was begun with; None before that, or if run.json is damaged."""
    data = (read_json(run.run_json) or {}).get("data")
    known = data if isinstance(data, dict) else {}
    train, test = known.get("train_fingerprint"), known.get("test_fingerprint")
    return (train, test) if isinstance(train, str) and isinstance(test, str) else None


def load_images(run: RunDirectory, recorded: str | None) -> Dataset:
    """The run's images, for its trainer; a place where they weren't before is remembered.

    Args:
        run: The run.
        recorded: Where they were seen last.

    Raises:
        DataMoved: No known place has those that the run was begun with.
        DataError: The run is new, and its folder isn't right.
    """
    expected = fingerprints_of(run)
    if expected is None:
        return _load(recorded)
    faults = []
    for place in _places(recorded, expected):
        found = _try(run, place, expected)
        if isinstance(found, Dataset):
            if place != recorded:
                with suppress(RunError):  # it is found again the same way
                    _remember(run, place)
            return found
        faults.append(found)
    raise DataMoved(f"{'; '.join(faults)}; {_advice(run)}")


def check_images(run: RunDirectory, given: str | None = None) -> None:
    """Sees whether a trainer will find the run's images; a place where they weren't before is remembered.

    Takes no time while a folder is where it was: the trainer verifies what it holds. Of Fashion-MNIST in its usual
    places nothing is looked at: the trainer fetches it where it has to.

    Args:
        run: The run.
        given: The folder where they are now, or "demo": the only place that is tried then. None for wherever.

    Raises:
        DataMoved: They aren't there.
        RunError: The place can't be remembered.
    """
    recorded = recorded_folder(run, read_json(run.request))
    expected = fingerprints_of(run)
    if given is not None:
        found = _try(run, given, expected)
        if not isinstance(found, Dataset):
            raise DataMoved(f"{found}; {_advice(run)}")
        if given != recorded:
            _remember(run, given)
        return
    if recorded in (None, DEMO) or not (fault := _fault(run, str(recorded), expected)):
        return
    faults = [fault]
    for place in _places(recorded, expected)[1:] if expected else ():
        if place is None:
            return
        found = _try(run, place, expected)
        if isinstance(found, Dataset):
            _remember(run, place)
            return
        faults.append(found)
    raise DataMoved(f"{'; '.join(faults)}; {_advice(run)}")


def _places(recorded: str | None, expected: Fingerprints) -> list[str | None]:
    """The places to try, each once: where the images were last, FMNIST_TUI_DATA, the usual ones."""
    return list(dict.fromkeys(_known_places(recorded, expected)))


def _known_places(recorded: str | None, expected: Fingerprints) -> Iterator[str | None]:
    may_have_to_be_fetched = recorded is None and data_check(None, cache_folder()).state is not CheckState.OK
    if not may_have_to_be_fetched:
        yield recorded
    with suppress(RunError):  # it names a home folder that isn't there
        if place := data_folder(None):
            yield place
    if recorded is None or expected == official.FASHION_MNIST.fingerprints:
        yield None


def _try(run: RunDirectory, place: str | None, expected: Fingerprints | None) -> Dataset | str:
    """The images in a place, if they are the expected ones; else why not."""
    try:
        dataset = _load(place)
    except DataError as error:
        return error.problem
    return _mismatch(run, place, dataset.fingerprints, expected) or dataset


def _load(place: str | None) -> Dataset:
    """The images, each pixel of which was compared with their fingerprint."""
    return load(place, cache_folder(), verify=True)


def _mismatch(run: RunDirectory, place: str | None, found: Fingerprints, expected: Fingerprints | None) -> str:
    if expected is None or found == expected:
        return ""
    part = "training" if found[0] != expected[0] else "test"
    index = int(part == "test")
    checksums = f"sha256 {found[index][:12]}..., not {safe(expected[index][:12])}..."
    where = "the usual place of Fashion-MNIST" if place is None else safe(place)
    return f"{where} holds other {part} images than run {run.run_id} was begun with ({checksums})"


def _fault(run: RunDirectory, folder: str, expected: Fingerprints | None) -> str:
    """Why a folder certainly doesn't hold the images, found by a quick check, or ""."""
    try:
        known = load_arrays(arrays_folder(cache_folder(), find_files(Path(folder))))
    except DataError as error:
        return error.problem
    except OSError as error:
        return f"can't read {safe(folder)} ({error.strerror})"
    return _mismatch(run, folder, (known[0].fingerprint, known[1].fingerprint), expected) if known else ""


def _remember(run: RunDirectory, folder: str | None) -> None:
    """Raises RunError where it can't be written."""
    try:
        write_json(run.data_json, {"folder": folder})
    except OSError as error:
        raise refused(f"write {run.data_json}", run.path, error) from None
    except ValueError:
        raise RunError(f"the name of the folder {safe(folder)} isn't text; give it another one") from None


def _advice(run: RunDirectory) -> str:
    return f"give their folder with: fmnist-tui resume {run.run_id} --data DIR"


__all__ = ["DataMoved", "check_resumable"]


def check_resumable(run: RunDirectory, data: str | None = None) -> None:
    """Return if the run can be resumed. Where its images are is remembered, if it isn't where they were.

    Args:
        run: The run.
        data: The folder where its images are now, or "demo": it has to have them. None for wherever they are.

    Args:
        run: The run.
        data: The folder where its images are now; None for where they were.

    Raises:
        DataMoved: Its images aren't in `data`, or in no known place.
        RunError: It can't be read, has a trainer, is finished, diverged (it would do so again, bit for bit), or needs
            PyTorch where there is none.
    """
    version = version_in(run.run_id)
    check_readable(run)
    status, tail = status_and_tail(run)
    if status.has_trainer:
        raise RunError(f"run {run.run_id} is {status}; {_elsewhere(run, tail) or _watch(run)}")
    if status is Status.FINISHED:
        raise RunError(f"run {run.run_id} is finished; start a new one with: fmnist-tui train {version}")
    last = next((item.event for item in reversed(read_tail(run.events)) if isinstance(item.event, RunFinished)), None)
    if status is Status.FAILED and last and last.reason == "diverged":
        raise RunError(f"run {run.run_id} diverged and would do so again; train anew with a lower --lr")
    try:
        check_device(version, "auto")
    except NoPyTorchError as error:
        raise RunError(f"run {run.run_id} can't go on: {error}") from None
    check_images(run, data)


def _watch(run: RunDirectory) -> str:
    return f"watch it with: fmnist-tui attach {run.run_id}"


def _elsewhere(run: RunDirectory, tail: list[Logged]) -> str:
    """What to do about a run that waits in another host's queue; "" for any other."""
    last = tail[-1].event if tail else None
    if not isinstance(last, Queued) or last.host in ("", host_name()):
        return ""
    return f"it waits for a device of {last.host}: to train it here, fmnist-tui stop {run.run_id}, then resume it"
