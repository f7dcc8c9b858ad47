"""A run as the analyses see it: what it was, how it stands, how it ended."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from fmnist_tui.analysis.values import Record, nested, number, text, whole
from fmnist_tui.files import exists, read_json, reading_fault
from fmnist_tui.runs.directory import RunDirectory, list_runs, version_in
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.snapshot import SnapshotFold
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import Scores

_HIGHEST = {"test_accuracy": 1.0, "test_nll": math.inf, "test_brier": 2.0, "test_ece": 1.0}
"""What each measure can be at most; none can be below 0."""
_ROUNDED = 1e-6
"""By how much rounding may take one further."""
_DEFAULTS = {item.name: item.default for item in fields(Hyperparameters) if item.default is not MISSING}


@dataclass(frozen=True)
class RunRecord:
    """One run at one moment. The dictionaries are as they lie in the files: read them with `analysis.values`.

    Attributes:
        run: Where it lies.
        status: When it was read.
        config: run.json, or what was asked for while there is none; {} where neither can be read.
        result: result.json, or None where there is none or it is damaged.
        label: The name that a person gave, as one printable line, or "".
        damage: Which file is missing or damaged although it should be there, or that the run is unreadable, and why; or
            "".
    """

    run: RunDirectory
    status: Status
    config: dict[str, Any]
    result: dict[str, Any] | None
    label: str
    damage: str

    @property
    def run_id(self) -> str:
        """<version>-<yyyymmdd>-<hhmmss>-<4 hex>."""
        return self.run.run_id

    @property
    def version(self) -> str:
        """As run.json says it, else as the id does; not necessarily one that this program knows."""
        return text(self.config, "version") or version_in(self.run_id)

    @property
    def recipe(self) -> str:
        """The recipe's name, or ""."""
        return text(self.config, "recipe")

    @property
    def marked_recipe(self) -> str:
        """Its name, with a "*" where a hyper-parameter differs."""
        return f"{self.recipe}{'*' if self.config.get('modified') else ''}"

    @property
    def settings(self) -> Record:
        """The hyper-parameters; what a run older than one of them doesn't tell is its default."""
        return {**_DEFAULTS, **nested(self.config, "hyperparameters")}

    @property
    def devices(self) -> tuple[str, ...]:
        """What it was trained on: "cpu", "cuda:0"; where it was begun first, then, if it is another, where it ended."""
        told = text(self.config, "device"), text(self.result or {}, "device")
        return tuple(filter(None, dict.fromkeys(told)))

    @property
    def device(self) -> str:
        """The same as a text: "cpu", "cuda:0, cpu", or ""."""
        return ", ".join(self.devices)

    @property
    def is_exact(self) -> bool:
        """Whether training it again where it was begun gives the same bits, as far as that is known."""
        return (self.result or {}).get("exact") is not False

    @property
    def seed(self) -> int | None:
        """As run.json says it."""
        return whole(self.config, "seed")

    @property
    def test_images(self) -> int | None:
        """How many were scored, or, where the result doesn't say it, how many there were."""
        told = (whole(self.result or {}, "test_images"), whole(nested(self.config, "data"), "test_images"))
        return next((count for count in told if count is not None and count > 0), None)

    @property
    def data_name(self) -> str:
        """What its data is called, or ""."""
        return text(nested(self.config, "data"), "name")

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the training and the test images, each "" where it isn't known."""
        data = nested(self.config, "data")
        return text(data, "train_fingerprint"), text(data, "test_fingerprint")

    @property
    def test_fingerprint(self) -> str:
        """Of the test images, or ""."""
        return self.fingerprints[1]

    @property
    def learned_from(self) -> int | None:
        """Training images that it learned from, those for validation aside; None where it isn't told."""
        return whole(self.config, "train_images")

    def is_comparable_with(self, other: RunRecord) -> bool:
        """Whether both learned from as many images and are scored on the same ones."""
        return (self.test_fingerprint, self.learned_from) == (other.test_fingerprint, other.learned_from)

    @cached_property
    def epochs(self) -> tuple[Epoch, ...]:
        """Of its log, which is read at the first call."""
        return read_epochs(self.run)

    @property
    def scores(self) -> Scores | None:
        """The four measures on the test set, or None where one of them is missing, or can't be."""
        values = [(number(self.result or {}, name), highest) for name, highest in _HIGHEST.items()]
        known = [value for value, highest in values if value is not None and -_ROUNDED <= value <= highest + _ROUNDED]
        return Scores(*known) if len(known) == len(values) else None


def read_record(run: RunDirectory) -> RunRecord:
    """The run as it stands now; what is damaged is said in the record, never raised."""
    if why := run.unreadable():
        return RunRecord(run, Status.UNREADABLE, {}, None, "", f"{Status.UNREADABLE} ({why})")
    status = status_of(run)  # first: a trainer writes the result before its last event
    result = read_json(run.result)
    label = text(read_json(run.label) or {}, "name")
    return RunRecord(run, status, run.config(), result, label, _damage(run, status, result))


def read_records(runs: Path) -> list[RunRecord]:
    """All runs of a folder, newest first.

    Raises:
        RunError: The folder is there but can't be read.
    """
    return [read_record(run) for run in list_runs(runs)]


def read_epochs(run: RunDirectory) -> tuple[Epoch, ...]:
    """The epochs of the run's log, those that a resume dropped left out."""
    fold = SnapshotFold(run.run_id)
    for logged in LogReader(run.events, steps=False):
        fold.add(logged)
    return fold.snapshot().epochs


def _damage(run: RunDirectory, status: Status, result: dict[str, Any] | None) -> str:
    begun = status is Status.FINISHED or exists(run.run_json)  # it is written once device and data are known
    if begun and read_json(run.run_json) is None:
        return _words(run.run_json)
    return _words(run.result) if status is Status.FINISHED and result is None else ""


def _words(path: Path) -> str:
    if why := reading_fault(path):
        return f"{path.name} is unreadable ({why})"
    return f"{path.name} is {'damaged' if exists(path) else 'missing'}"
