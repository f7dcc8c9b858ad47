"""`fmnist-tui watch`: the state of all runs, once or for as long as it runs."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click

from fmnist_tui.analysis.run_filter import FilterError, RunFilter, group_name, grouped_by, parse_fields, parse_filter
from fmnist_tui.analysis.watched_runs import Average, RunLogs, WatchedRun, best_validation, mean_test_accuracy
from fmnist_tui.cli.options import json_option, runs_option
from fmnist_tui.cli.output import as_written, can_redraw, is_terminal, print_json, terminal_width
from fmnist_tui.cli.watch_table import line_of, table_lines
from fmnist_tui.files import finite
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.run import read_runs
from fmnist_tui.text import safe

_SECONDS = 2.0
"""Between two looks at the folder."""
_LOOK_SECONDS = 1.0
"""Between two looks at the logs of running runs."""
_WIDE = 10_000
"""Cells, where nothing limits them."""
Groups = dict[tuple[str, ...], list[WatchedRun]]


@click.command("watch")
@click.option("--once", is_flag=True, help="Print the state once.")
@json_option
@click.option("--filter", "where", default="", metavar="CONDITIONS", help='As in "model=v3 lr>=0.001 status=running".')
@click.option("--group", "group_by", default="", metavar="FIELDS", help='As in "model,recipe".')
@runs_option
def watch_command(once: bool, as_json: bool, where: str, group_by: str, runs: str | None) -> None:  # noqa: FBT001
    """Show the state of all runs until Ctrl-C: a table on a terminal, else a line for each change.

    With --json a line of JSON for each change; with --once one document.

    A condition is FIELD=VALUE[,VALUE...], or with != > >= < <=. Fields are model, recipe, status, seed, device, host,
    data, label, tag, run, epoch, accuracy (on the test images), validation (the best accuracy so far), every
    hyper-parameter (lr, batch and wd for short) and model.NAME. A * stands for any characters, nothing for no value.
    """
    try:
        run_filter, fields = parse_filter(where), parse_fields(group_by)
    except FilterError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None

    def arranged(all_runs: Sequence[WatchedRun]) -> Groups:
        return grouped_by((one for one in all_runs if run_filter.matches(one.values)), fields, lambda one: one.values)

    def named(all_runs: Sequence[WatchedRun]) -> Groups:
        return {group_name(fields, key): members for key, members in arranged(all_runs).items()}

    folder = runs_folder(runs)
    if not once:
        _follow(
            folder, _Changes(run_filter, as_json=as_json) if as_json or not can_redraw(sys.stdout) else _Live(named)
        )
        return
    logs = RunLogs()
    watched = [logs.read(run) for run in read_runs(folder)]
    if as_json:
        groups = arranged(watched)
        print_json({"folder": str(folder), "runs": _documents(groups), "groups": _group_documents(groups, fields)})
    elif groups := named(watched):
        width = terminal_width() if is_terminal(sys.stdout) else _WIDE
        for line in table_lines(groups, width):
            click.echo(as_written(line.plain.rstrip(), sys.stdout))
    else:
        click.echo(f"no run matches in {safe(folder)}" if where else f"no runs in {safe(folder)} yet")


def run_document(one: WatchedRun) -> dict[str, Any]:
    """A run as JSON; docs/json.md lists the keys."""
    run, last, best = one.run, one.last, one.best
    return {
        "run": run.run_id,
        "version": run.version,
        "recipe": run.marked_recipe,
        "seed": run.seed,
        "status": str(run.status),
        "damage": run.damage,
        "epoch": run.epochs_done,
        "epochs": run.manifest.epochs,
        "validation_accuracy": last.validation_accuracy if last else None,
        "validation_nll": last.validation_nll if last else None,
        "best_validation_accuracy": best.validation_accuracy if best else None,
        "best_epoch": best.epoch if best else None,
        "test_accuracy": run.test_accuracy,
        "seconds_left": one.seconds_left,
        "device": run.device,
        "host": run.manifest.host,
        "label": run.label,
        "tags": list(run.tags),
        "resources": _resources(one),
    }


def _resources(one: WatchedRun) -> dict[str, Any] | None:
    if one.used is None:
        return None
    return {"time": one.resources[-1][0], **{name: getattr(one.used, name) for name in one.used.__struct_fields__}}


def _documents(groups: Groups) -> list[dict[str, Any]]:
    return [run_document(one) for runs in groups.values() for one in runs]


def _group_documents(groups: Groups, fields: Sequence[str]) -> list[dict[str, Any]]:
    if not fields:
        return []
    return [
        {
            "group": dict(zip(fields, key, strict=True)),
            "runs": [one.run.run_id for one in runs],
            "best_validation_accuracy": _average(best_validation(runs)),
            "test_accuracy": _average(mean_test_accuracy(runs)),
        }
        for key, runs in groups.items()
    ]


def _average(found: Average | None) -> dict[str, Any] | None:
    if found is None:
        return None
    interval = {"low": found.interval.low, "high": found.interval.high} if found.interval else None
    return {"mean": found.mean, "n": found.n, "interval": interval}


class _View(Protocol):
    """Shows the runs as they are now."""

    def show(self, runs: Sequence[WatchedRun], fault: str) -> None:
        """Show them; `fault` says why the folder can't be read now, or is ""."""

    def close(self) -> None:
        """There will be no more."""


def _follow(folder: Any, view: _View) -> None:
    """Shows the runs until the process is interrupted."""
    from fmnist_tui.tui.run_monitor import RunMonitor

    monitor, changed, logs = RunMonitor(folder, _SECONDS), threading.Event(), RunLogs()
    thread = threading.Thread(target=monitor.watch, args=(lambda _: changed.set(),), name="runs", daemon=True)
    thread.start()
    try:
        with _terminated_as_interrupted():
            while True:
                state = monitor.state
                if state.complete:
                    logs.forget_all_but([one.run for one in state.runs])
                    view.show([logs.read(one.record) for one in state.runs], state.fault)
                changed.wait(_LOOK_SECONDS)
                changed.clear()
    finally:
        monitor.end()
        view.close()


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Makes SIGTERM end the block with the exit status 143, so that the terminal is left in order."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Changes:
    """A line for each run at first, then one for each change; text or JSON."""

    def __init__(self, run_filter: RunFilter, *, as_json: bool) -> None:
        self._filter = run_filter
        self._write: Callable[[WatchedRun], str] = _json_line if as_json else line_of
        self._gone: Callable[[str], str] = _json_gone if as_json else "{}  deleted".format
        self._shown: dict[str, tuple[WatchedRun, str]] = {}
        self._fault = ""

    def show(self, runs: Sequence[WatchedRun], fault: str) -> None:
        """Prints what has changed; a run that the filter leaves out from now on is printed a last time."""
        if fault and fault != self._fault:
            click.echo(f"error: {safe(fault)}", err=True)
        self._fault = fault
        now = {one.run.run_id: one for one in reversed(runs)}
        for run_id, one in now.items():
            is_wanted, before = self._filter.matches(one.values), self._shown.get(run_id)
            if (before and before[0] is one) or not (before or is_wanted):
                continue
            line = self._write(one)
            if before is None or before[1] != line:
                _print_line(line)
            if is_wanted:
                self._shown[run_id] = one, line
            else:
                del self._shown[run_id]
        for run_id in self._shown.keys() - now.keys() if not fault else ():
            del self._shown[run_id]
            _print_line(self._gone(run_id))

    def close(self) -> None:
        """Nothing to end."""


def _print_line(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _json_line(one: WatchedRun) -> str:
    return json.dumps(finite(run_document(one)), allow_nan=False)


def _json_gone(run_id: str) -> str:
    return json.dumps({"run": run_id, "status": "deleted"})


class _Live:
    """A table that is painted again where something has changed."""

    def __init__(self, arranged: Callable[[Sequence[WatchedRun]], Mapping[tuple[str, ...], list[WatchedRun]]]) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._arranged = arranged
        self._painted = Text("Reading runs ...")
        size = shutil.get_terminal_size()
        self._console = Console(highlight=False, width=size.columns, height=size.lines)
        self._live = Live(
            console=self._console, auto_refresh=False, vertical_overflow="crop", get_renderable=lambda: self._painted
        )
        self._live.start(refresh=True)

    def show(self, runs: Sequence[WatchedRun], fault: str) -> None:
        """Paints the table for the size that the terminal has now."""
        from rich.text import Text

        from fmnist_tui.tui.cells import in_ascii

        size = shutil.get_terminal_size()
        self._console.size = (size.columns, size.lines)
        lines = table_lines(self._arranged(runs), size.columns - 1, size.lines - 2, fault)
        text = Text("\n", no_wrap=True, overflow="crop", end="").join(lines)
        if self._console.options.ascii_only:
            text = Text(in_ascii(text.plain), spans=text.spans, no_wrap=True, overflow="crop", end="")
        if text != self._painted:
            self._painted = text
            self._live.refresh()

    def close(self) -> None:
        """Leaves the table on the screen."""
        self._live.stop()
