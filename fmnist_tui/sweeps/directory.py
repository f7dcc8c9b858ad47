"""A sweep's folder: what was asked for, the decisions, the trials' runs; its lock, and how sweeps are found."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import is_folder, open_nofollow, read_json, write_json
from fmnist_tui.models.options import ConfigError
from fmnist_tui.models.registry import UnknownModelError
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import create_run, is_sweep_id, time_in
from fmnist_tui.runs.lock import try_exclusive
from fmnist_tui.sweeps.halving import rungs_of
from fmnist_tui.sweeps.samplers import SAMPLERS
from fmnist_tui.sweeps.space import Space, parse_space
from fmnist_tui.text import decoded, safe
from fmnist_tui.training.config import TrainingConfig

FORMAT = 1
MOST_TRIALS = 100_000
MOST_SEEDS = 100
_PATIENCE = 120.0
"""Seconds to wait for a worker that decides: it may have to look for a GPU or import Optuna."""
_POLL = 0.02
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_TRIALS)]
_Seeds = Annotated[int, msgspec.Meta(ge=0, le=MOST_SEEDS)]


class SweepSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: sweep.json, written once.

    Attributes:
        config: What all trials share, as request.json has it.
        space: The settings that are searched, as typed, by name.
        sampler: "grid", "random" or "tpe".
        trials: How many to start; a resume may have raised it since.
        seed: Of the sampler, and of each trial's training.
        min_epochs: The first rung's epoch; None without halving.
        eta: One of so many trials is promoted.
        retrain_seeds: With how many seeds the winner is retrained and scored.
        workers: How many trials are trained at a time.
        data: The folder of the data, "demo", or None for the usual locations.
        argv: The command line.
        created: When (unix seconds).
        format: Of the folder.
    """

    config: dict[str, Any]
    space: dict[str, str]
    sampler: str
    trials: _Count
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    min_epochs: _Count | None = None
    eta: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 3
    retrain_seeds: _Seeds = 3
    workers: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    data: str | None = None
    argv: list[str] = []
    created: float = 0.0
    format: int = FORMAT


@dataclass(frozen=True)
class SweepDirectory:
    """One sweep's folder. Its properties are paths, and what sweep.json says."""

    path: Path

    @property
    def sweep_id(self) -> str:
        """sweep-<yyyymmdd>-<hhmmss>-<4 hex>."""
        return self.path.name

    @property
    def sweep_json(self) -> Path:
        """What was asked for; written once."""
        return self.path / "sweep.json"

    @property
    def trials(self) -> Path:
        """The append-only decisions and results."""
        return self.path / "trials.jsonl"

    @property
    def runs(self) -> Path:
        """A runs folder with the trials' runs."""
        return self.path / "runs"

    @property
    def staging(self) -> Path:
        """Where the winner's runs are made before they are moved into the runs folder."""
        return self.path / "staging"

    @property
    def workers(self) -> Path:
        """A file for each worker, locked while it lives, and what workers print."""
        return self.path / "workers"

    @property
    def launcher(self) -> Path:
        """What starts the workers if it isn't this machine; written before they are submitted."""
        return self.workers / "launcher.json"

    @property
    def journal(self) -> Path:
        """Optuna's journal."""
        return self.path / "optuna.journal"

    @property
    def all_runs(self) -> Path:
        """The runs folder that the sweep is in."""
        return self.path.parent

    @cached_property
    def settings(self) -> SweepSettings:
        """What was asked for.

        Raises:
            RunError: sweep.json is missing or damaged, or of a later version.
        """
        content = read_json(self.sweep_json)
        if content is None:
            raise RunError(f"{self.sweep_json} is missing or damaged, so the sweep can't be used; start a new one")
        if content.get("format") != FORMAT:
            raise RunError(
                f"sweep {self.sweep_id} has format {safe(content.get('format'))}, which this version can't read"
            )
        try:
            settings = msgspec.convert(content, SweepSettings)
            if settings.sampler not in SAMPLERS:
                raise ValueError(f"unknown sampler {settings.sampler!r}")
        except ValueError as error:
            raise RunError(f"{self.sweep_json} is damaged ({safe(error)}); start a new sweep") from None
        return settings

    @cached_property
    def config(self) -> TrainingConfig:
        """What all trials share.

        Raises:
            RunError: As for `settings`, or the model is unknown.
        """
        try:
            return TrainingConfig.from_json(self.settings.config)
        except UnknownModelError as error:
            raise RunError(f"sweep {self.sweep_id}: {safe(error)}") from None
        except ConfigError as error:
            raise RunError(f"{self.sweep_json} is damaged ({safe(error)}); start a new sweep") from None

    @cached_property
    def space(self) -> Space:
        """The settings that are searched.

        Raises:
            RunError: As for `config`.
        """
        try:
            return parse_space(self.config.model, self.settings.space)
        except ConfigError as error:
            raise RunError(f"{self.sweep_json} is damaged ({safe(error)}); start a new sweep") from None

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """The epochs after which trials are compared; the last one is that of a whole training.

        Raises:
            RunError: As for `config`.
        """
        try:
            return rungs_of(self.config.hyperparameters.epochs, self.settings.min_epochs, self.settings.eta)
        except ConfigError as error:
            raise RunError(f"{self.sweep_json} is damaged ({safe(error)}); start a new sweep") from None

    def epochs_until(self, settings: Mapping[str, Any], rung: int = -1) -> int:
        """The epoch at which a trial with these settings reaches a rung; by default the last one.

        Raises:
            RunError: As for `config`.
        """
        epochs = settings.get("epochs")  # if it is searched, there is no halving
        return epochs if isinstance(epochs, int) else self.rungs[rung]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the sweep's lock for the block: all that workers decide is decided within.

        Raises:
            RunError: The folder can't be written or locked, or another worker has held the lock for minutes.
        """
        path = self.path / "lock"
        try:
            handle = open_nofollow(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise refused(f"write to {self.path}", self.path, error) from None
        try:
            until = time.monotonic() + _PATIENCE
            while not _try(handle, path):
                if time.monotonic() > until:
                    raise RunError(f"sweep {self.sweep_id} has been locked for {_PATIENCE:.0f} s; try again")
                time.sleep(_POLL)
            yield
        finally:
            os.close(handle)


def _try(handle: int, path: Path) -> bool:
    try:
        return try_exclusive(handle)
    except OSError as error:
        raise RunError(f"can't lock {path} ({error.strerror}); use a runs folder on a file system with locks") from None


def create_sweep(runs: Path, settings: SweepSettings) -> SweepDirectory:
    """A new sweep in the runs folder; nothing runs yet.

    Raises:
        RunError: The folder can't be written.
    """
    sweep = SweepDirectory(create_run(runs, "sweep").path)
    try:
        sweep.runs.mkdir()
        sweep.workers.mkdir()
        write_json(sweep.sweep_json, msgspec.to_builtins(settings))
    except OSError as error:
        raise refused(f"write to {sweep.path}", sweep.path, error) from None
    return sweep


def list_sweeps(runs: Path) -> list[SweepDirectory]:
    """All sweeps of a runs folder, newest first.

    Raises:
        RunError: The folder exists but can't be read.
    """
    try:
        with os.scandir(runs) as entries:
            names = [entry.name for entry in entries if is_sweep_id(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"can't read the runs folder {runs} ({error.strerror}); choose one with --runs") from None
    newest_first = sorted(names, key=time_in, reverse=True)
    return [SweepDirectory(runs / name) for name in newest_first if is_folder(runs / name)]


def find_sweep(runs: Path, ref: str) -> SweepDirectory:
    """The sweep that `ref` identifies: an id, a unique prefix of one, or "last".

    Raises:
        RunError: There is no such sweep, or more than one.
    """
    ref = decoded(ref)
    known = list_sweeps(runs)
    if not known:
        raise RunError(f"there are no sweeps in {runs} yet; see fmnist-tui sweep --help")
    if ref == "last":
        return known[0]
    matches = [sweep for sweep in known if ref and sweep.sweep_id.startswith(ref)]
    if not matches:
        raise RunError(f"there is no sweep {ref!r} in {runs}; `fmnist-tui sweep list` lists them")
    if len(matches) > 1 and ref != matches[0].sweep_id:
        listed = ", ".join([sweep.sweep_id for sweep in matches[:4]] + ["..."] * (len(matches) > 4))
        raise RunError(f"{ref!r} is ambiguous ({listed}): use a longer prefix")
    return matches[0]
