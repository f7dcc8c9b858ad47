"""The public Python API: what the screens and commands do, for notebooks and scripts. Import it from `fmnist_tui`."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.errors import RunError
from fmnist_tui.models.registry import find_model
from fmnist_tui.paths import cache_folder, data_folder, runs_folder
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.training.events import Command, Event

if TYPE_CHECKING:
    from fmnist_tui.analysis.comparison import Comparison
    from fmnist_tui.analysis.probes.cache import Result
    from fmnist_tui.analysis.run_pairs import RunPairs
    from fmnist_tui.data import Dataset

Folder = str | os.PathLike[str]

_POLL_SECONDS = 0.05


def load_data(source: Folder | None = None, size: int | None = None) -> Dataset:
    """A data set: `train` and `test` with `images` (uint8, (N, channels, height, width)) and `labels`, and `classes`.

    Args:
        source: A folder or file with images, "demo" for the small drawn set, or None for FMNIST_TUI_DATA, else
            Fashion-MNIST, which is downloaded if it isn't on this machine (31 MB).
        size: The side in pixels that the pictures of a folder are resized to.

    Raises:
        DataError: The folder doesn't contain valid data, or Fashion-MNIST could not be loaded.
    """
    from fmnist_tui.data import load
    from fmnist_tui.data.location import with_size

    text = _text(source)
    return load(data_folder(with_size(text, size) if text else text), cache_folder())


def runs(folder: Folder | None = None) -> list[Run]:
    """All runs, newest first, those included that can't be read (their `damage` says why).

    Args:
        folder: The runs folder; None for FMNIST_TUI_RUNS, else the user's data folder.

    Raises:
        RunError: The folder exists but can't be read.
    """
    return read_runs(runs_folder(_text(folder)))


def open_run(run: str = "last", folder: Folder | None = None) -> Run:
    """One run as it is now; `refresh()` gives it as it is later.

    Args:
        run: An id, a unique prefix of one, a label's name, or "last".
        folder: As for `runs`.

    Raises:
        RunError: There is no such run, more than one, or it can't be read.
    """
    return read_run(find_readable(runs_folder(_text(folder)), run))


def compare(named: Sequence[Run | str], folder: Folder | None = None) -> RunPairs:
    """Two or more runs with their accuracies and 95% CIs, and McNemar's exact test for each pair (Holm-corrected).

    Args:
        named: Runs, or names as `open_run` takes them.
        folder: As for `runs`.

    Raises:
        RunError: A run is named twice, has no predictions, or was scored on other test images than the first.
    """
    from fmnist_tui.analysis.run_pairs import compare_runs

    if len(named) < 2:
        raise RunError("name at least two runs to compare")
    return compare_runs([run if isinstance(run, Run) else open_run(run, folder) for run in named])


def compare_models(recipe: str = "tuned", folder: Folder | None = None, *, all_runs: bool = False) -> Comparison:
    """The models compared over all eligible runs: means, 95% CIs, and the difference from each model to the next.

    Args:
        recipe: The recipe that the runs used.
        folder: As for `runs`.
        all_runs: Whether runs that are excluded (see `Comparison`) are compared as well, marked.
    """
    from fmnist_tui.analysis.comparison import compare as compared

    return compared(runs(folder), recipe, all_runs=all_runs)


def train(
    model: str = "v0",
    *,
    data: Folder | None = None,
    folder: Folder | None = None,
    recipe: str = "tuned",
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: str = "auto",
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
    limit: int | None = None,
    score_test: bool = True,
    device: str = "auto",
    threads: int = 0,
) -> Training:
    """Train a model in this process; iterate over the result for its events.

    The run is saved in the runs folder like any other, so that screens, commands and `open_run` see it, also while it
    trains. It waits for its device like any other run.

    Args:
        model: The name of a built-in or registered model, or one of your own: "net.py:Net", "package.module:make".
        data: As for `load_data`.
        folder: As for `runs`.
        recipe: The recipe's name, or a recipe file ("my.toml").
        epochs: Instead of the recipe's, as are the following three.
        batch_size: Images per step.
        learning_rate: The schedule's highest one.
        flip: Horizontal flips: "on", "off", or "auto" for what suits the data.
        settings: Further settings by name, "model.dropout" for example; docs/every-setting.md lists them.
        seed: From which order, augmentation, dropout and initial weights derive.
        limit: The number of training images, a tenth of them for validation; None for all.
        score_test: Whether to score the test images at the end.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        threads: CPU threads; 0 for as many as there are CPUs.

    Raises:
        ConfigError: The model, the recipe or a value is invalid, or the device isn't available.
        DataError: The data folder doesn't contain valid data.
        RunError: The runs folder can't be written.
    """
    from fmnist_tui.models.named import name_model
    from fmnist_tui.runs.request import request_run
    from fmnist_tui.runs.start import check_startable, image_format
    from fmnist_tui.training.recipe_files import read_recipe_file
    from fmnist_tui.training.recipes import configure_all

    source = data_folder(_text(data))
    known = find_model(model) or name_model(model, Path.cwd(), *image_format(source, cache_folder()))

    changes = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    file = read_recipe_file(Path(recipe)) if recipe.endswith(".toml") else None
    others: dict[str, Any] = {"flip": flip, "limit": limit, "score_test": score_test, "threads": threads}
    others |= {"given": settings, "recipe_file": file}
    (config,) = configure_all([known.name], [seed], file.recipe if file else recipe, changes, device, **others)
    check_startable([config], source, cache_folder())
    return Training(request_run(runs_folder(_text(folder)), config, source))


def resume(
    run: Run | str = "last",
    folder: Folder | None = None,
    *,
    model: str | None = None,
    accept_changed_model: bool = False,
) -> Training:
    """Resume a stopped or interrupted run in this process, bit for bit; iterate over the result for its events.

    Args:
        run: A run, or its name as `open_run` takes it.
        folder: As for `runs`.
        model: Where the code of a model of your own is, if it has moved or you never named it.
        accept_changed_model: Whether to go on with code that has changed; the run is marked as modified.

    Raises:
        RunError: It can't be resumed; the message says why.
    """
    from fmnist_tui.runs.model_code import CodeChoice
    from fmnist_tui.runs.resume import check_resumable

    directory = (run if isinstance(run, Run) else open_run(run, folder)).directory
    check_resumable(directory, code=CodeChoice(model, accept_changed_model))
    return Training(directory)


class Training(Iterator[Event]):
    """A training in this process, as an iterator over its events from the first one on.

    It runs in a thread of its own from the first `next` on. Leaving the loop early (`break`, an exception), `close` or
    `stop` saves a checkpoint, from which the run can be resumed.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._in_app: InAppRun | None = None
        self._events = self._train()

    @property
    def run(self) -> Run:
        """The run as it is now."""
        return read_run(self._directory)

    def __next__(self) -> Event:
        """The next event; waits for it."""
        return next(self._events)

    def __iter__(self) -> Iterator[Event]:
        """The events; a loop that is left early stops the training."""
        with closing(self._events):
            yield from self._events

    def stop(self, *, after_epoch: bool = False) -> None:
        """Stop now, with a checkpoint, or after the current epoch, with the test images scored."""
        if self._in_app is not None:
            self._in_app.inbox.put(Command.STOP_AFTER_EPOCH if after_epoch else Command.STOP_NOW)

    def close(self) -> None:
        """Stop and wait until everything is saved."""
        self._events.close()

    def _train(self) -> Generator[Event]:
        reader = LogReader(self._directory.events)
        for _ in reader:  # an earlier trainer's events
            pass
        in_app = self._in_app = InAppRun(self._directory)
        with closing(in_app), ThreadPoolExecutor(1, thread_name_prefix="training") as thread:
            training = thread.submit(in_app.train)
            try:
                while not training.done():
                    yield from (logged.event for logged in reader)
                    time.sleep(_POLL_SECONDS)
                yield from (logged.event for logged in reader)
            finally:
                in_app.inbox.put(Command.STOP_NOW)  # does nothing once it has ended
            training.result()  # raises what the training thread raised


def analyse(run: Run | str, name: str, folder: Folder | None = None, *, data: Folder | None = None) -> Result:
    """An analysis of a run; what has to be computed is saved with the run.

    Args:
        run: A run, or its name as `open_run` takes it.
        name: "shifts", "permuted" (minutes of training), "efficiency", "fit", "gaps" or "convergence".
        folder: As for `runs`.
        data: The folder of the run's images, if they were moved.

    Raises:
        AnalysisError: It isn't possible for this run.
        DataError: The data can't be loaded.
        RunError: There is no such run, or its files are missing or damaged.
    """
    from fmnist_tui.analysis.probes.analyses import AnalysisOptions, Datasets
    from fmnist_tui.analysis.probes.analyses import analyse as analysed
    from fmnist_tui.analysis.probes.cache import KINDS
    from fmnist_tui.analysis.probes.common import AnalysisError

    if name not in KINDS:
        raise AnalysisError(f"unknown analysis {name!r} (choose from {', '.join(KINDS)})")
    opened = run if isinstance(run, Run) else open_run(run, folder)
    return analysed(opened, name, AnalysisOptions(Datasets(_text(data), cache_folder()))).result


def export(run: Run | str, to: Folder, folder: Folder | None = None) -> list[Path]:
    """Write a run's statistics, metrics, figures and predictions to `to`/<run id>/; returns the files' paths.

    Args:
        run: A run, or its name as `open_run` takes it.
        to: The folder, which is created.
        folder: As for `runs`.

    Raises:
        ExportError: The folder can't be written.
        RunError: There is no such run.
    """
    from fmnist_tui.report.export import export_run

    return list(export_run(run if isinstance(run, Run) else open_run(run, folder), Path(to)).files)


def _text(folder: Folder | None) -> str | None:
    return None if folder is None else os.fspath(folder)
