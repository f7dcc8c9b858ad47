"""`fmnist-tui runs`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from fmnist_tui.cli.options import json_option, runs_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.directory import list_runs
from fmnist_tui.runs.summary import Summary, summarise
from fmnist_tui.text import megabytes, percent, safe

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
