"""A run's folder: where each thing lies, its id, and how a person's word for a run is resolved."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.files import read_json
from fmnist_tui.text import decoded, safe

LONGEST_NAME = 40
"""Letters of a name that a person gives a run."""
_ID = re.compile(r"[a-z0-9]+-\d{8}-\d{6}-[0-9a-f]{4}")


class RunError(Exception):
    """Something about a run that a person has to know; its text is one line."""


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
        """What was asked for; there before anything else."""
        return self.path / "request.json"

    @property
    def run_json(self) -> Path:
        """What is run; written once, by the first trainer, when device and data are known."""
        return self.path / "run.json"

    @property
    def label(self) -> Path:
        """Name, tags and note that a person added."""
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
        """Held by the trainer while it lives."""
        return self.path / "lock"

    @property
    def heartbeat(self) -> Path:
        """The trainer's pid, its machine, and a time."""
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
    def predictions(self) -> Path:
        """The test images' probabilities and labels."""
        return self.path / "predictions.npz"

    @property
    def result(self) -> Path:
        """How the run ended, and its scores."""
        return self.path / "result.json"

    @property
    def analysis(self) -> Path:
        """The folder of what was measured of the run afterwards."""
        return self.path / "analysis"

    @property
    def train_log(self) -> Path:
        """What the trainer process printed."""
        return self.path / "train.log"

    def config(self) -> dict[str, Any]:
        """run.json, or what was asked for while there is no run.json yet; empty where neither can be read."""
        return read_json(self.run_json) or read_json(self.request) or {}

    def size(self) -> int:
        """Bytes on the disk; files come and go while a trainer writes."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total


def create_run(runs: Path, version: str) -> RunDirectory:
    """A new, empty run directory with an id of its own.

    Raises:
        RunError: The folder can't be written.
    """
    while True:
        now = time.time()
        second = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        run_id = f"{version}-{second}-{int(now % 1 * 65536):04x}"
        try:
            (runs / run_id).mkdir(parents=True)
        except OSError as error:
            if (runs / run_id).exists():
                continue
            raise RunError(f"can't write to {runs} ({error.strerror}); choose another folder with --runs") from None
        return RunDirectory(runs / run_id)


def version_in(run_id: str) -> str:
    """The version that a run's id begins with; not necessarily one that this program knows."""
    return run_id.partition("-")[0]


def is_run_id(word: str) -> bool:
    """Whether it has the form of a run's id."""
    return _ID.fullmatch(word) is not None


def list_runs(runs: Path) -> list[RunDirectory]:
    """All runs, newest first; anything else in the folder is passed over.

    Raises:
        RunError: The folder is there but can't be read.
    """
    try:
        found = [path for path in runs.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"can't read the runs folder {runs} ({error.strerror}); choose one with --runs") from None
    return [RunDirectory(path) for path in sorted(found, key=_age, reverse=True)]


def find_run(runs: Path, word: str) -> RunDirectory:
    """The run that `word` means: an id, a unique prefix of one, a label's name, or "last".

    Raises:
        RunError: None, or more than one.
    """
    word = decoded(word)
    known = list_runs(runs)
    if not known:
        raise RunError(f"there are no runs in {runs} yet; start one with: fmnist-tui train v0")
    if word == "last":
        return known[0]
    matches = [run for run in known if run.run_id == word] or [
        run for run in known if word and (run.run_id.startswith(word) or name_of(run) == word)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join([run.run_id for run in matches[:4]] + ["..."] * (len(matches) > 4))
        raise RunError(f"{word!r} means more than one run ({listed}); say more of it")
    raise RunError(f"there is no run {word!r} in {runs}; `fmnist-tui runs` lists them")


def name_of(run: RunDirectory) -> str:
    """The name that a person gave the run, safe to show, or ""."""
    name = (read_json(run.label) or {}).get("name")
    return safe(name)[:LONGEST_NAME] if isinstance(name, str) else ""


def _age(path: Path) -> str:
    """By the time in the id; its last four digits are the fraction of the second."""
    return path.name.partition("-")[2]
