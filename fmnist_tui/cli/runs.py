"""`fmnist-tui runs` and `fmnist-tui show`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from fmnist_tui.analysis.record import read_record
from fmnist_tui.cli.options import json_option, run_argument, runs_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.files import read_json
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.access import owner_of
from fmnist_tui.runs.directory import RunDirectory, find_run, list_runs
from fmnist_tui.runs.follower import read_snapshot
from fmnist_tui.runs.labels import Label, read_label
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.runs.summary import Summary, summarise
from fmnist_tui.runs.usage import seconds_left
from fmnist_tui.text import counted, duration, grouped, megabytes, percent, safe
from fmnist_tui.training.event_text import format_event
from fmnist_tui.training.events import Epoch

_HEADER = ["run", "recipe", "seed", "status", "epoch", "test accuracy", "size", "label"]


@click.command("runs")
@json_option
@runs_option
def runs_command(as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """List all runs and their status, newest first. A recipe with a * was modified."""
    folder = runs_folder(runs)
    known = [(summarise(run), run.size()) for run in list_runs(folder)]
    if as_json:
        print_json([_as_json(summary, size) for summary, size in known])
    elif known:
        print_columns([_HEADER, *(_row(summary, size) for summary, size in known)])
    else:
        click.echo(f"no runs in {safe(folder)} yet; start one with: fmnist-tui train v0")


def _as_json(summary: Summary, size: int) -> dict[str, Any]:
    """The summary's fields and the run's bytes on the disk; a reason only of a run that can't be read."""
    fields = {name: value for name, value in asdict(summary).items() if name != "reason"}
    return {**fields, "bytes": size} | ({"reason": summary.reason} if summary.reason else {})


def _row(summary: Summary, size: int) -> list[str]:
    return [
        summary.run,
        summary.recipe,
        "" if summary.seed is None else str(summary.seed),
        summary.words if summary.reason else str(summary.status),
        "" if summary.reason else f"{summary.epoch}/{summary.epochs or '?'}",
        percent(summary.test_accuracy),
        "" if summary.reason else megabytes(size),
        summary.label,
    ]


@click.command("show")
@run_argument
@json_option
@runs_option
def show_command(word: str, as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """Show one run: its settings, status, result and best epoch. RUN is an id, its start, a label, or `last`."""
    run = find_run(runs_folder(runs), word)
    snapshot = read_snapshot(run)
    if as_json:
        print_json(_show_as_json(run, snapshot))
    else:
        print_columns([list(line) for line in _lines(run, snapshot)])


def _show_as_json(run: RunDirectory, snapshot: Snapshot) -> dict[str, Any]:
    best = snapshot.best_epoch
    return {
        "run": run.run_id,
        "status": str(status_of(run)),
        "config": run.config(),
        "result": read_json(run.result),
        "best_epoch": _best_json(best) if best else None,
        "label": read_json(run.label) or {},
    }


def _best_json(best: Epoch) -> dict[str, Any]:
    return {
        "epoch": best.epoch,
        "validation_accuracy": best.validation_accuracy,
        "validation_loss": best.validation_loss,
        "train_accuracy": best.train_accuracy,
        "train_loss": best.train_loss,
    }


def _lines(run: RunDirectory, snapshot: Snapshot) -> list[tuple[str, str]]:
    record = read_record(run)
    if record.status is Status.UNREADABLE:
        return _unreadable_lines(run, record.damage)
    lines = [
        ("run", run.run_id),
        ("folder", str(run.path)),
        ("status", str(record.status)),
        *([("damage", record.damage)] if record.damage else []),
        *_progress_lines(record.status, snapshot),
        *_label_lines(read_label(run)),
        *_config_lines(run, snapshot),
    ]
    if best := snapshot.best_epoch:
        lines.append(("best epoch", f"{best.epoch}: validation {percent(best.validation_accuracy)}"))
    lines += [("alert", alert.message) for alert in snapshot.alerts]
    if snapshot.finished:
        lines.append(("ended", format_event(snapshot.finished)))
    return lines + _result_lines(read_json(run.result) or {})


def _unreadable_lines(run: RunDirectory, status: str) -> list[tuple[str, str]]:
    return [("run", run.run_id), ("folder", str(run.path)), ("status", status), ("owner", owner_of(run.path))]


def _config_lines(run: RunDirectory, snapshot: Snapshot) -> list[tuple[str, str]]:
    config = run.config()
    data, settings = config.get("data"), config.get("hyperparameters")
    lines = [
        ("recipe", f"{config.get('recipe', '?')}{' (modified)' if config.get('modified') else ''}"),
        *([("limit", _limit(config))] if config.get("limit") is not None else []),
        ("seed", str(config.get("seed", "?"))),
        ("device", _device(config)),
        *_changed_device(snapshot),
        ("data", str(data.get("source") or data.get("name", "?")) if isinstance(data, dict) else str(data or "?")),
    ]
    if (moved := read_json(run.data_json)) is not None:
        lines.append(("data now", str(moved.get("folder") or "the usual place of Fashion-MNIST")))
    if isinstance(settings, dict):
        lines += [(name.replace("_", " "), _plain(value)) for name, value in settings.items()]
    return lines


def _limit(config: dict[str, Any]) -> str:
    by_class = config.get("subset") == "by_class"
    return (
        f"{config['limit']} training images, by class" if by_class else f"the first {config['limit']} training images"
    )


def _device(config: dict[str, Any]) -> str:
    name = config.get("device_name")
    where = f"{config.get('device', '?')}{f' ({name})' if name else ''}"
    return f"{where}, {config.get('threads', '?')} threads"


def _changed_device(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What the newest trainer works with, or worked with, where the first one had something else."""
    newest = snapshot.resumed or snapshot.started
    if newest is None or not newest.device or newest.exact:
        return []
    return [("went on", f"{newest.device}, {counted(newest.threads, 'thread')}, on {newest.host}")]


def _label_lines(label: Label) -> list[tuple[str, str]]:
    told = ("label", label.name), ("tags", " ".join(label.tags)), ("note", label.note)
    return [(name, words) for name, words in told if words]


def _progress_lines(status: Status, snapshot: Snapshot) -> list[tuple[str, str]]:
    """How far a run has come that isn't finished."""
    if snapshot.started is None or status is Status.FINISHED:
        return []
    steps = f"step {grouped(snapshot.step)} of {grouped(snapshot.started.total_steps)}"
    of = f"{snapshot.epoch} of {snapshot.started.epochs}, {steps}"
    lines = [("epoch", f"{of}{f', {snapshot.stage}' if snapshot.stage else ''}")]
    losses = [f"training {snapshot.curve.loss[-1]:.4f}"] if len(snapshot.curve) else []
    losses += [f"validation {last.validation_loss:.4f} (epoch {last.epoch})" for last in snapshot.epochs[-1:]]
    if losses:
        lines.append(("last losses", ", ".join(losses)))
    if status is Status.LIVE and (left := seconds_left(snapshot)) is not None:
        lines.append(("time left", f"about {duration(left)}"))
    return lines


def _result_lines(result: dict[str, Any]) -> list[tuple[str, str]]:
    lines = []
    if isinstance(accuracy := result.get("test_accuracy"), float):
        lines.append(("test accuracy", f"{percent(accuracy)} of {result.get('test_images', '?')} images"))
        lines += [
            (f"test {name}", f"{value:.4f}")
            for name in ("NLL", "Brier", "ECE")
            if isinstance(value := result.get(f"test_{name.lower()}"), float)
        ]
    if isinstance(seconds := result.get("seconds"), int | float):
        lines.append(("training time", duration(seconds)))
    return lines


def _plain(value: object) -> str:
    if value is None:
        return "from the data"
    return f"{value:g}" if isinstance(value, float) else str(value)
