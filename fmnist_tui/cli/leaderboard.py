"""`fmnist-tui bench --to`: the time that models take to reach validation accuracies on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from fmnist_tui.analysis.leaderboard import Entry, TargetResult, ranked, read_entries, save_entry
from fmnist_tui.analysis.time_to_accuracy import RECIPE, measure, times_of_runs
from fmnist_tui.cli.data import announce_downloads
from fmnist_tui.cli.output import can_redraw, print_columns, print_json, print_line, show_for_now
from fmnist_tui.cli.train import configurations, model_names, too_many_threads
from fmnist_tui.data import Dataset, load, official
from fmnist_tui.errors import RunError
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.paths import cache_folder
from fmnist_tui.runs.queue.devices import claims_in_use
from fmnist_tui.runs.queue.store import existing_queues
from fmnist_tui.runs.run import read_runs
from fmnist_tui.runs.start import check_startable, resolve_device, with_current_code
from fmnist_tui.text import counted, grouped, percent, safe
from fmnist_tui.training.config import TrainingConfig

NOTE = (
    "Seconds from the first step to the end of the first epoch whose validation accuracy reaches the target. They "
    "include validation, but not loading data, building the network and saving checkpoints. Several seeds: the median."
)
_REPORT_SECONDS = 0.2
_TITLES = {"python": "Python", "fmnist-tui": "fmnist-tui", "numpy": "NumPy", "torch": "PyTorch"}


@dataclass
class _Measured:
    """What this call measured.

    Attributes:
        data: The data set's name.
        fingerprint: Of its training images.
        unsaved: Entries that couldn't be saved.
        file: Where the others were saved, if there are any.
        excluded: Why runs weren't used, by id.
    """

    data: str = official.NAME
    fingerprint: str = official.FASHION_MNIST.fingerprints[0]
    unsaved: list[Entry] = field(default_factory=list)
    file: Path | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)

    def keep(self, entry: Entry) -> None:
        """Save an entry; if that fails, it is only shown."""
        try:
            self.file = save_entry(entry)
        except RunError as error:
            self.unsaved.append(entry)
            click.echo(safe(f"warning: not saved: {error}"), err=True)


def train_to_targets(
    models: tuple[str, ...],
    targets: Sequence[float],
    data: str | None,
    *,
    given: Mapping[str, str],
    seeds: int,
    device: str,
    threads: int,
    as_json: bool,
) -> None:
    """Train the models until they have reached all targets, save the times, and print the table.

    Raises:
        KeyboardInterrupt: After what was measured until then is saved and printed.
    """
    cache = cache_folder()
    names = model_names(models or BUILT_IN, data, cache)
    configs = configurations(
        names, range(seeds), recipe=RECIPE, changes={}, given=given, device=device, threads=threads, score_test=False
    )
    check_startable(configs, data, cache)
    configs = [resolve_device(config) for config in with_current_code(configs, data, cache)]
    _warn(max(config.threads for config in configs))
    dataset = load(data, cache, announce_downloads())
    measured = _Measured(dataset.name, dataset.train.fingerprint)
    try:
        _measure_all(
            [[config for config in configs if config.version == name] for name in names], dataset, targets, measured
        )
    finally:
        show_for_now("")
        _print(measured, targets, as_json=as_json)


def read_from_runs(
    models: tuple[str, ...], targets: Sequence[float], data: str | None, runs: Path, *, as_json: bool
) -> None:
    """Take the times from the logs of this machine's runs instead of training, save them, and print the table."""
    measured = _Measured()
    fingerprints = official.FASHION_MNIST.fingerprints
    if data is not None:
        dataset = load(data, cache_folder(), announce_downloads())
        fingerprints = dataset.fingerprints
        measured = _Measured(dataset.name, dataset.train.fingerprint)
    names = model_names(models, data, cache_folder())
    times = times_of_runs((run for run in read_runs(runs) if not names or run.version in names), fingerprints)
    measured.excluded = times.excluded
    for entry in times.entries:
        measured.keep(entry)
    _print(measured, targets, as_json=as_json)


def _measure_all(
    by_model: Sequence[list[TrainingConfig]], dataset: Dataset, targets: Sequence[float], measured: _Measured
) -> None:
    for configs in by_model:

        def keep(entry: Entry) -> None:
            show_for_now("")
            found = ", ".join(f"{target:.2%} {_cell(entry.result(target))}" for target in targets)
            click.echo(safe(f"{entry.title}: {found}"), err=True)
            measured.keep(entry)

        measure(configs, dataset, targets, _reporter(), keep)


def _reporter() -> Callable[[str, str], None]:
    """Shows progress on stderr: a moving line on a terminal, elsewhere a line for each epoch."""
    shown, due = "", 0.0

    def report(what: str, detail: str) -> None:
        nonlocal shown, due
        if can_redraw(sys.stderr):
            if what != shown or time.monotonic() >= due:
                due = time.monotonic() + _REPORT_SECONDS
                show_for_now(f"{what}, {detail}")
        elif what != shown:
            click.echo(safe(what), err=True)
        shown = what

    return report


def _warn(threads: int) -> None:
    """Warn of what makes the times longer than they are on this machine."""
    busy = sum(len(claims_in_use(queue)) for queue in existing_queues())
    others = f"{counted(busy, 'other training')} on this machine may slow this one down" if busy else ""
    for warning in filter(None, (others, too_many_threads(threads))):
        click.echo(f"warning: {warning}", err=True)


def _print(measured: _Measured, targets: Sequence[float], *, as_json: bool) -> None:
    entries = ranked([*read_entries(), *measured.unsaved], targets, measured.fingerprint)
    if as_json:
        print_json(
            {
                "targets": list(targets),
                "data": measured.data,
                "file": str(measured.file) if measured.file else None,
                "entries": [entry.to_json(targets) for entry in entries],
                "excluded": [{"run": run, "reason": reason} for run, reason in measured.excluded.items()],
            }
        )
        return
    if entries:
        _print_table(entries, targets, measured)
    else:
        click.echo("nothing was measured yet")
    for run, reason in measured.excluded.items():
        print_line(f"{run} excluded: {reason}")


def _print_table(entries: Sequence[Entry], targets: Sequence[float], measured: _Measured) -> None:
    header = ["model", "machine", "device", "threads", "seeds", *(f"{100 * target:g}%" for target in targets), "date"]
    print_columns([header, *(_row(entry, targets) for entry in entries)])
    click.echo()
    print_line(f"{measured.data}, recipe {RECIPE}. {NOTE}")
    for line in dict.fromkeys(map(_conditions, entries)):
        print_line(line)
    if measured.file:
        print_line(f"saved in {measured.file}")


def _row(entry: Entry, targets: Sequence[float]) -> list[str]:
    cells = [_cell(entry.result(target)) for target in targets]
    seeds = str(len(entry.trainings))
    return [entry.title, entry.machine, entry.device, str(entry.threads), seeds, *cells, entry.date[:10]]


def _cell(result: TargetResult) -> str:
    """12.3 s; best 89.50% if it wasn't reached; - if it wasn't measured."""
    if result.seconds is not None:
        return f"{grouped(result.seconds) if result.seconds >= 1000 else f'{result.seconds:.1f}'} s"
    return f"best {percent(result.best_accuracy)}" if result.measured else "-"


def _conditions(entry: Entry) -> str:
    versions = [f"{title} {entry.versions[name]}" for name, title in _TITLES.items() if entry.versions.get(name)]
    return f"{entry.machine}, {entry.device}: {'; '.join(filter(None, [entry.device_name, ', '.join(versions)]))}"
