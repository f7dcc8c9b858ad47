"""A run's folder: its files, its id, and how runs are listed and found."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, is_folder, read_json, read_regular_file, reading_fault
from fmnist_tui.text import decoded, safe

LONGEST_NAME = 40
"""Characters of a name that a user gives a run."""
SWEEP = "sweep-"
"""How the names of folders of sweeps begin, which lie beside the runs."""
_MOST_FILES = 10_000
_TICK = 1 / 65536
"""Seconds; the last four digits of an id count them."""
_LAST_SECOND = 61
"""Of a minute, with leap seconds."""
_LARGEST_REQUEST = 1_000_000
_ID = re.compile(r"[a-z0-9]+-\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True)
class RunDirectory:
    """One run's folder. Its properties are paths; whether they exist depends on how far the run has come."""

    path: Path

    @property
    def run_id(self) -> str:
        """<version>-<yyyymmdd>-<hhmmss>-<4 hex>."""
        return self.path.name

    @property
    def request(self) -> Path:
        """What was requested; written before anything else."""
        return self.path / "request.json"

    @property
    def run_json(self) -> Path:
        """What is trained; written once, by the first trainer, when device and data are known."""
        return self.path / "run.json"

    @property
    def data_json(self) -> Path:
        """Where the images are now; exists only if they were moved since the run was requested."""
        return self.path / "data.json"

    @property
    def model_json(self) -> Path:
        """Where a custom model's code is now; exists only if it was moved or changed since the run was requested."""
        return self.path / "model.json"

    @property
    def job_json(self) -> Path:
        """How the Slurm job that left the run without a trainer ended; exists only for such a run."""
        return self.path / "job.json"

    @property
    def model_text(self) -> Path:
        """A custom model's code, for the record; nothing ever imports it."""
        return self.path / "model.py.txt"

    @property
    def changed_model_text(self) -> Path:
        """The code that the user accepted in place of the first one, for the record."""
        return self.path / "model-changed.py.txt"

    @property
    def until_json(self) -> Path:
        """The epoch after which a trainer saves and ends for now; exists only for the trials of a sweep."""
        return self.path / "until.json"

    @property
    def graph_json(self) -> Path:
        """Whether trainers use CUDA graphs; exists only if they don't."""
        return self.path / "graph.json"

    @property
    def label(self) -> Path:
        """The name, tags and note that a user added."""
        return self.path / "label.json"

    @property
    def events(self) -> Path:
        """The append-only log."""
        return self.path / "events.jsonl"

    @property
    def control(self) -> Path:
        """Append-only commands to the trainer."""
        return self.path / "control.jsonl"

    @property
    def lock(self) -> Path:
        """Locked by the trainer while it runs."""
        return self.path / "lock"

    @property
    def heartbeat(self) -> Path:
        """The trainer's pid and host, and the time, refreshed about every second."""
        return self.path / "heartbeat"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The weights that were scored."""
        return self.path / "model.safetensors"

    @property
    def snapshots(self) -> Path:
        """The first layer's weights and predictions for some validation images, after epochs."""
        return self.path / "snapshots.safetensors"

    @property
    def predictions(self) -> Path:
        """The predicted probabilities and the labels of the test images."""
        return self.path / "predictions.npz"

    @property
    def result(self) -> Path:
        """How the run ended, and its scores."""
        return self.path / "result.json"

    @property
    def analysis(self) -> Path:
        """The folder of analyses of the run."""
        return self.path / "analysis"

    @property
    def train_log(self) -> Path:
        """What the trainer process printed."""
        return self.path / "train.log"

    def unreadable(self) -> str:
        """Why the run can't be read ("permission denied"), or "" if its log and its settings can."""
        needed = [self.events, self.run_json, *([] if exists(self.run_json) else [self.request])]
        return next(filter(None, map(reading_fault, needed)), "")

    def size(self) -> int:
        """Bytes on disk of all accessible files; files come and go while a trainer writes.

        The number of files is bounded, because a link may lead anywhere.
        """
        total = 0
        for entry in islice(_files_in(str(self.path)), _MOST_FILES):
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
        return total


def _files_in(folder: str) -> Iterator[os.DirEntry[str]]:
    """All but folders, in a folder and those below it that aren't links."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return
    for entry in found:
        if not _is_folder(entry):
            yield entry
    for entry in found:
        if _is_folder(entry) and not entry.is_symlink():
            yield from _files_in(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def create_run(runs: Path, version: str) -> RunDirectory:
    """A new, empty run directory, whose id holds the time in UTC.

    If the folder has a run that is later than this machine's clock (because the clock was set back), the new run's time
    is just after it: the order of runs is that of their creation, whatever clocks do.

    Raises:
        RunError: The folder can't be written.
    """
    now = max(time.time(), _latest(runs) + _TICK)
    while True:
        second = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        run_id = f"{version}-{second}-{int(now % 1 * 65536):04x}"
        try:
            (runs / run_id).mkdir(parents=True)
        except OSError as error:
            if os.path.lexists(runs / run_id):
                now += _TICK
                continue
            raise RunError(f"can't write to {runs} ({error.strerror}); choose another folder with --runs") from None
        else:
            return RunDirectory(runs / run_id)


def version_in(run_id: str) -> str:
    """The model's name at the start of a run's id, not necessarily one that this program knows."""
    return run_id.partition("-")[0]


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id."""
    return _ID.fullmatch(text) is not None and not text.startswith(SWEEP)


def is_sweep_id(text: str) -> bool:
    """Whether a text has the form of a sweep's id."""
    return _ID.fullmatch(text) is not None and text.startswith(SWEEP)


def list_runs(runs: Path) -> list[RunDirectory]:
    """All runs, newest first by the time at which they were requested, including those that can't be read.

    Anything else in the folder is ignored.

    Raises:
        RunError: The folder is there but can't be read.
    """
    return sorted(unordered_runs(runs), key=lambda run: (created_at(run), time_in(run.run_id)), reverse=True)


def unordered_runs(runs: Path) -> list[RunDirectory]:
    """All runs in no order, from a listing of the folder alone.

    Raises:
        RunError: The folder is there but can't be read.
    """
    try:
        with os.scandir(runs) as entries:
            found = [entry.name for entry in entries if is_run_id(entry.name) and _may_be_run(entry)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"can't read the runs folder {runs} ({error.strerror}); choose one with --runs") from None
    return [RunDirectory(runs / name) for name in found]


def created_at(run: RunDirectory) -> float:
    """When the run was requested (unix seconds): according to its request, or, if that can't be read, its id.

    Ids of versions before 0.2.0 have local time, so runs can't be ordered by them. A request never changes, so it is
    read once.
    """
    known = _created.get(run.path)
    if known is not None:
        return known
    try:
        request = msgspec.json.decode(read_regular_file(run.request, _LARGEST_REQUEST), type=_Created)
    except (OSError, ValueError, RecursionError):
        return time_in(run.run_id)
    known = _created[run.path] = request.order or request.created
    return known


def find_run(runs: Path, ref: str) -> RunDirectory:
    """The run that `ref` identifies: an id, a unique prefix, a label's name, or "last" (the newest readable one).

    If no run in the folder is meant, it may be a trial of one of its sweeps.

    Raises:
        RunError: There is no such run, or more than one.
    """
    ref = decoded(ref)
    if is_run_id(ref) and is_folder(runs / ref):  # also if the folder of runs can be searched but not listed
        return RunDirectory(runs / ref)
    known = list_runs(runs)
    if known and ref == "last":
        return next((run for run in known if not run.unreadable()), known[0])
    matches = _meant(known, ref) or (_meant(_trials(runs), ref) if ref != "last" else [])
    if not known and not matches:
        raise RunError(f"there are no runs in {runs} yet; start one with: fmnist-tui train v0")
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join([run.run_id for run in matches[:4]] + ["..."] * (len(matches) > 4))
        raise RunError(f"{ref!r} is ambiguous ({listed}): use a longer prefix")
    raise RunError(f"there is no run {ref!r} in {runs}; `fmnist-tui runs` lists them")


def _meant(known: Iterable[RunDirectory], ref: str) -> list[RunDirectory]:
    return [run for run in known if ref and (run.run_id.startswith(ref) or name_of(run) == ref)]


def _trials(runs: Path) -> Iterator[RunDirectory]:
    """The trials of all sweeps in a folder of runs that can be read."""
    with suppress(OSError), os.scandir(runs) as entries:
        sweeps = [entry.name for entry in entries if is_sweep_id(entry.name)]
        for sweep in sweeps:
            with suppress(RunError):
                yield from unordered_runs(runs / sweep / "runs")


def name_of(run: RunDirectory) -> str:
    """The name that a user gave the run, safe to display, or ""."""
    name = (read_json(run.label) or {}).get("name")
    return safe(name)[:LONGEST_NAME] if isinstance(name, str) else ""


class _Created(msgspec.Struct):
    created: float
    order: float = 0.0


_created: dict[Path, float] = {}


def _may_be_run(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, a link to one, or something that can't be examined."""
    try:
        return entry.is_dir()
    except OSError:
        return True


def _latest(runs: Path) -> float:
    """The time of the newest run whose id is later than this machine's clock; usually there is none: 0.0."""
    now = time.time()
    with suppress(RunError):
        return max((created_at(run) for run in unordered_runs(runs) if time_in(run.run_id) > now), default=0.0)
    return 0.0


def time_in(run_id: str) -> float:
    """The id's time, taken as UTC (unix seconds); its last four digits are the fraction of the second."""
    _, day, second, fraction = run_id.split("-")
    date = int(day[:4]), int(day[4:6]), int(day[6:])
    try:
        minute = datetime(*date, int(second[:2]), int(second[2:4]), tzinfo=UTC)
    except ValueError:
        return 0.0
    seconds = int(second[4:])
    return minute.timestamp() + seconds + int(fraction, 16) / 65536 if seconds <= _LAST_SECOND else 0.0
