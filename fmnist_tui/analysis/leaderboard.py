"""Time to accuracy: how long trainings took to reach validation accuracies, and the files in which machines store it.

Each machine has a file of its own, named after it, in one folder: hosts that share a home folder don't overwrite each
other's figures, and a file that is copied there from another machine is compared with this one's.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, read_json, write_json
from fmnist_tui.paths import user_folder, writing_fault

TARGETS = (0.90, 0.92, 0.94)
"""Validation accuracies, unless others are requested."""
MAX_ENTRIES = 100
"""Of a file: the oldest go first."""

_Seconds = Annotated[float, msgspec.Meta(ge=0, lt=1e9)]
_Accuracy = Annotated[float, msgspec.Meta(ge=0, le=1)]


class EpochTime(msgspec.Struct, frozen=True):
    """An epoch of a training.

    Attributes:
        seconds: Its steps and its validation.
        validation_seconds: Its validation alone.
        validation_accuracy: At its end, 0 to 1.
    """

    seconds: _Seconds
    validation_seconds: _Seconds
    validation_accuracy: _Accuracy


@dataclass(frozen=True)
class Reached:
    """When a training reached a target, counted from its first step.

    Attributes:
        epoch: The first one whose validation accuracy reached it, from 1.
        seconds: Up to that epoch's end, validation included.
        validation_seconds: Of these, for the validations.
    """

    epoch: int
    seconds: float
    validation_seconds: float


class Training(msgspec.Struct, frozen=True):
    """The epochs of one training.

    Attributes:
        seed: Its seed.
        epochs: In order, from the first on.
        complete: Whether it was trained to its end: a target that it didn't reach is out of its reach. Else it ended
            as soon as all requested targets were reached.
        run: The id of the run from whose log this was read; "" for a training of `bench`.
    """

    seed: int
    epochs: tuple[EpochTime, ...]
    complete: bool
    run: str = ""

    @property
    def best_accuracy(self) -> float:
        """The best validation accuracy, 0 before the first epoch ended."""
        return max((epoch.validation_accuracy for epoch in self.epochs), default=0.0)

    def reached(self, target: float) -> Reached | None:
        """When it reached a validation accuracy; None if it didn't."""
        seconds = validation_seconds = 0.0
        for number, epoch in enumerate(self.epochs, start=1):
            seconds += epoch.seconds
            validation_seconds += epoch.validation_seconds
            if epoch.validation_accuracy >= target:
                return Reached(number, seconds, validation_seconds)
        return None


@dataclass(frozen=True)
class TargetResult:
    """What the trainings of one entry say about a target.

    Attributes:
        target: The validation accuracy, 0 to 1.
        measured: Whether all of them reached it or were trained to their end.
        reached: How many of them reached it.
        seconds: The median, in which those that didn't reach it count as infinitely long; None if that is infinite, or
            nothing was measured.
        validation_seconds: The same for the validations alone.
        epoch: The same for the epoch that reached it, from 1.
        best_accuracy: The median of the trainings' best validation accuracies.
    """

    target: float
    measured: bool
    reached: int
    seconds: float | None
    validation_seconds: float | None
    epoch: float | None
    best_accuracy: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The trainings of one model under the same conditions, which differ in their seeds.

    Attributes:
        machine: The host's name.
        date: When it was measured: UTC, ISO 8601.
        model: The model's name.
        code: The SHA-256 of a custom model's code, or "".
        recipe: The recipe's name.
        settings: Settings that differ from the recipe's.
        data: The data set's name.
        data_fingerprint: Of its training images.
        device: "cpu", "cuda:0", "mps".
        device_name: The manufacturer's name; the CPU's is preceded by the number of CPUs.
        threads: CPU threads.
        versions: Of Python, this program and the libraries, by package; None where one isn't installed.
        trainings: By seed.
    """

    machine: str
    date: str
    model: str
    recipe: str
    data: str
    data_fingerprint: str
    device: str
    device_name: str
    threads: int
    trainings: Annotated[tuple[Training, ...], msgspec.Meta(min_length=1)]
    code: str = ""
    settings: dict[str, Any] = {}
    versions: dict[str, str | None] = {}

    @property
    def title(self) -> str:
        """The model and its changed settings: "v3 dropout=0.2"."""
        return " ".join([self.model, *(f"{name}={value}" for name, value in sorted(self.settings.items()))])

    @property
    def key(self) -> tuple[object, ...]:
        """Entries with equal keys measured the same thing; libraries and dates may differ."""
        device = self.device.partition(":")[0], self.device_name, self.threads
        return self.machine, self.title, self.code, self.recipe, self.data_fingerprint, *device

    @property
    def reach(self) -> float:
        """The highest target about which it says something; infinite if all trainings are complete."""
        return min(math.inf if one.complete else one.best_accuracy for one in self.trainings)

    def result(self, target: float) -> TargetResult:
        """When the target was reached."""
        found = [training.reached(target) for training in self.trainings]
        times = [one for one in found if one is not None]
        measured = self.reach >= target
        columns = ("seconds", "validation_seconds", "epoch")
        seconds, validation_seconds, epoch = (
            _median([getattr(one, name) for one in times], len(found)) if measured else None for name in columns
        )
        return TargetResult(
            target,
            measured,
            len(times),
            seconds,
            validation_seconds,
            epoch,
            statistics.median(training.best_accuracy for training in self.trainings),
        )

    def to_json(self, targets: Sequence[float]) -> dict[str, Any]:
        """The entry as a JSON object, with the result for each target."""
        results = [msgspec.to_builtins(self.result(target)) for target in targets]
        return {**msgspec.to_builtins(self), "results": results}


def _median(values: Sequence[float], count: int) -> float | None:
    """Of `count` values, of which all but `values` are infinite; None if it is infinite."""
    median = statistics.median([*values, *[math.inf] * (count - len(values))])
    return median if math.isfinite(median) else None


def merged(entries: Sequence[Entry], new: Entry) -> list[Entry]:
    """The entries with a new one in place of older ones that it replaces: same key, and no higher reach."""
    others = [old for old in entries if old.key != new.key or old.date > new.date or old.reach > new.reach]
    return [*others, new][-MAX_ENTRIES:]


def ranked(entries: Iterable[Entry], targets: Sequence[float], data_fingerprint: str) -> list[Entry]:
    """The table's rows, the fastest to the first target first: of each key the newest entry that covers all targets.

    Args:
        entries: Of all machines.
        targets: Ascending.
        data_fingerprint: Of the training images; entries of other data are left out.
    """
    chosen: dict[tuple[object, ...], Entry] = {}
    for entry in sorted(entries, key=lambda entry: (min(entry.reach, max(targets)), entry.date)):
        if entry.data_fingerprint == data_fingerprint:
            chosen[entry.key] = entry
    return sorted(chosen.values(), key=lambda entry: _rank(entry, targets))


def _rank(entry: Entry, targets: Sequence[float]) -> tuple[object, ...]:
    results = [entry.result(target) for target in targets]
    times = [math.inf if one.seconds is None else one.seconds for one in results]
    return *times, -results[0].best_accuracy, entry.machine, entry.model


def leaderboard_folder() -> Path | None:
    """The folder of the machines' files; None without a home folder."""
    folder = user_folder("data")
    return None if folder is None else folder / "time-to-accuracy"


def file_of(machine: str) -> Path | None:
    """The file of a machine; None without a home folder."""
    folder = leaderboard_folder()
    return None if folder is None else folder / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', machine)}.json"


def read_entries() -> list[Entry]:
    """The entries of all machines' files; damaged files and entries are skipped."""
    folder = leaderboard_folder()
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".json") if folder else []
    except OSError:
        return []
    return [entry for file in files for entry in _read(file) or []]


def save_entry(entry: Entry) -> Path:
    """Add an entry to its machine's file; return the file.

    Raises:
        RunError: It can't be written, or what is there is damaged.
    """
    file = file_of(entry.machine)
    if file is None:
        raise RunError("there is no home folder for the times; export HOME")
    if fault := writing_fault(file.parent):
        raise RunError(f"can't write {file} ({fault})")
    entries = _read(file)
    if entries is None:
        raise RunError(f"{file} is damaged; move it away")
    content = {"entries": [msgspec.to_builtins(one) for one in merged(entries, entry)]}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, content)
    except OSError as error:
        raise RunError(f"can't write {file} ({str(error.strerror).lower()})") from None
    return file


def _read(file: Path) -> list[Entry] | None:
    """The valid entries of a file; None if it exists but can't be read or has no list of entries."""
    if not exists(file):
        return []
    records = (read_json(file) or {}).get("entries")
    if not isinstance(records, list):
        return None
    found = []
    for record in records:
        try:
            found.append(msgspec.convert(record, Entry))
        except ValueError:  # edited, or of a later version
            continue
    return found
