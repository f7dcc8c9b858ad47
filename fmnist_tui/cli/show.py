"""`fmnist-tui show`."""

from __future__ import annotations

from typing import Any

import click
from msgspec.structs import asdict

from fmnist_tui.cli.options import json_option, run_argument, runs_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.access import owner_of
from fmnist_tui.runs.cluster.jobs import job_text
from fmnist_tui.runs.cluster.launcher import read_launcher
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.manifest import Manifest, Result, moved_data
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.usage import seconds_left
from fmnist_tui.text import counted, duration, grouped, percent
from fmnist_tui.training.event_text import format_event
from fmnist_tui.training.events import Epoch


@click.command("show")
@run_argument
@json_option
@runs_option
def show_command(ref: str, as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """Show one run: its settings, status, result and best epoch.

    RUN is an id, a unique prefix of one, a label, or `last`.
    """
    run = read_run(find_run(runs_folder(runs), ref))
    if as_json:
        print_json(_as_json(run))
    else:
        print_columns([list(line) for line in _lines(run)])


def _as_json(run: Run) -> dict[str, Any]:
    best = run.snapshot.best_epoch
    label = {"name": run.label, "tags": list(run.tags), "note": run.note}
    return {
        "run": run.run_id,
        "status": str(run.status),
        "config": run.manifest.json,
        "result": run.result.json if run.result else None,
        "best_epoch": _best_json(best) if best else None,
        "label": label if any(label.values()) else {},
        "launcher": asdict(read_launcher(run.directory)),
        "job": asdict(run.job) if run.job else None,
    }


def _best_json(best: Epoch) -> dict[str, Any]:
    return {
        "epoch": best.epoch,
        "validation_accuracy": best.validation_accuracy,
        "validation_loss": best.validation_loss,
        "train_accuracy": best.train_accuracy,
        "train_loss": best.train_loss,
    }


def _lines(run: Run) -> list[tuple[str, str]]:
    if run.status is Status.UNREADABLE:
        return [
            ("run", run.run_id),
            ("folder", str(run.path)),
            ("status", run.damage),
            ("owner", owner_of(run.path)),
        ]
    snapshot = run.snapshot
    lines = [
        ("run", run.run_id),
        ("folder", str(run.path)),
        ("status", str(run.status)),
        *_launcher_lines(run),
        *([("damage", run.damage)] if run.damage else []),
        *_progress_lines(run.status, snapshot),
        *_label_lines(run),
        *_config_lines(run, snapshot),
    ]
    if best := snapshot.best_epoch:
        lines.append(("best epoch", f"{best.epoch}: validation {percent(best.validation_accuracy)}"))
    lines += [("alert", alert.message) for alert in snapshot.alerts]
    if snapshot.finished:
        early = snapshot.early_stopped
        lines.append(("ended", snapshot.ending if early else format_event(snapshot.finished)))
    return lines + (_result_lines(run.result) if run.result else [])


def _launcher_lines(run: Run) -> list[tuple[str, str]]:
    """The Slurm job, or the host that was named."""
    if run.job is not None:
        return [
            ("Slurm job", job_text(run.job, run.run_id, is_running=not run.status.waits and run.status.has_trainer))
        ]
    launcher = read_launcher(run.directory)
    if launcher.host:
        return [("started on", launcher.host)]
    return [("Slurm job", launcher.job)] if launcher.job else []


def _config_lines(run: Run, snapshot: Snapshot) -> list[tuple[str, str]]:
    manifest = run.manifest
    lines = [
        ("recipe", f"{manifest.recipe or '?'}{' (modified)' if manifest.modified else ''}"),
        *([("limit", _limit(manifest.limit, manifest.subset))] if manifest.limit is not None else []),
        ("seed", "?" if manifest.seed is None else str(manifest.seed)),
        ("device", _device(manifest)),
        *_changed_device(snapshot),
        ("data", manifest.data.source or manifest.data.name or manifest.data.folder or "?"),
    ]
    if (moved := moved_data(run.directory)) is not None:
        lines.append(("data now", moved.folder or "the default location of Fashion-MNIST"))
    return lines + [(name.replace("_", " "), _plain(value)) for name, value in manifest.hyperparameters.items()]


def _limit(limit: int, subset: str | None) -> str:
    images = counted(limit, "training image")
    return f"{images}, by class" if subset == "by_class" else f"the first {images}"


def _device(manifest: Manifest) -> str:
    name = f" ({manifest.device_name})" if manifest.device_name else ""
    return f"{manifest.device or '?'}{name}, {counted(manifest.threads, 'thread')}"


def _changed_device(snapshot: Snapshot) -> list[tuple[str, str]]:
    """The device of the latest trainer, if it differs from that of the first one."""
    newest = snapshot.resumed or snapshot.started
    if newest is None or not newest.device or newest.exact:
        return []
    return [("continued on", f"{newest.device}, {counted(newest.threads, 'thread')}, on {newest.host}")]


def _label_lines(run: Run) -> list[tuple[str, str]]:
    found = ("label", run.label), ("tags", " ".join(run.tags)), ("note", run.note)
    return [(name, text) for name, text in found if text]


def _progress_lines(status: Status, snapshot: Snapshot) -> list[tuple[str, str]]:
    """The progress of a run that hasn't finished."""
    if snapshot.started is None or status is Status.FINISHED:
        return []
    steps = f"step {grouped(snapshot.step)} of {grouped(snapshot.started.total_steps)}"
    of = f"{snapshot.epoch} of {snapshot.started.epochs}, {steps}"
    lines = [("epoch", f"{of}{f', {snapshot.stage}' if snapshot.stage else ''}")]
    losses = [f"training {snapshot.curve.loss[-1]:.4f}"] if len(snapshot.curve) else []
    losses += [f"validation {last.validation_loss:.4f} (epoch {last.epoch})" for last in snapshot.epochs[-1:]]
    if losses:
        lines.append(("last losses", ", ".join(losses)))
    if status is Status.RUNNING and (left := seconds_left(snapshot)) is not None:
        lines.append(("time left", f"about {duration(left)}"))
    return lines


def _result_lines(result: Result) -> list[tuple[str, str]]:
    lines = []
    if result.test_accuracy is not None:
        images = "? images" if result.test_images is None else counted(result.test_images, "image")
        lines.append(("test accuracy", f"{percent(result.test_accuracy)} of {images}"))
        measures = ("NLL", result.test_nll), ("Brier", result.test_brier), ("ECE", result.test_ece)
        lines += [(f"test {name}", f"{value:.4f}") for name, value in measures if value is not None]
    if result.seconds is not None:
        lines.append(("training time", duration(result.seconds)))
    return lines


def _plain(value: object) -> str:
    if value is None:
        return "from the data"
    return f"{value:g}" if isinstance(value, float) else str(value)
