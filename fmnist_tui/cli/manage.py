"""Commands on one run: pause, continue, stop, label, delete."""

from __future__ import annotations

import sys

import click
from msgspec.structs import asdict, replace

from fmnist_tui.cli.options import json_option, run_argument, runs_option
from fmnist_tui.cli.output import is_terminal, print_json
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.control import busy_stage, send_command
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.label import Label, change_label, with_tags
from fmnist_tui.runs.run import read_run
from fmnist_tui.text import decoded, megabytes
from fmnist_tui.training.events import Command


@click.command("pause")
@run_argument
@runs_option
def pause_command(ref: str, runs: str | None) -> None:
    """Pause a run: it saves a checkpoint and keeps its device until `continue`."""
    _send(runs, ref, Command.PAUSE)


@click.command("continue")
@run_argument
@runs_option
def continue_command(ref: str, runs: str | None) -> None:
    """Continue a paused run."""
    _send(runs, ref, Command.CONTINUE)


@click.command("stop")
@run_argument
@click.option(
    "--after-epoch",
    "when",
    flag_value="after-epoch",
    default=True,
    help="After the current epoch, scored (default).",
)
@click.option("--now", "when", flag_value="now", help="Now, saved but not scored; the run can be resumed.")
@runs_option
def stop_command(ref: str, when: str, runs: str | None) -> None:
    """Stop a run after the current epoch and score it; or save it now, to be resumed."""
    _send(runs, ref, Command.STOP_NOW if when == "now" else Command.STOP_AFTER_EPOCH)


_REQUESTED = {
    Command.PAUSE: "Pause requested for {}.",
    Command.CONTINUE: "Continue requested for {}.",
    Command.STOP_AFTER_EPOCH: "Stop requested for {} (after the current epoch).",
    Command.STOP_NOW: "Stop requested for {} (now; it will be saved, not scored).",
}


def _send(runs: str | None, ref: str, command: Command) -> None:
    run = find_run(runs_folder(runs), ref)
    send_command(run, command)
    delay = f" Takes effect once {busy} finishes." if (busy := busy_stage(run)) else ""
    click.echo(_REQUESTED[command].format(run.run_id) + delay)


@click.command("label")
@run_argument
@click.option("--name", help="A name that can be used instead of the run's id; '' removes it.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Add a tag; can be repeated.")
@click.option("--untag", "untags", multiple=True, metavar="TAG", help="Remove a tag; can be repeated.")
@click.option("--note", help="A line about the run; '' removes it.")
@json_option
@runs_option
def label_command(
    ref: str,
    name: str | None,
    tags: tuple[str, ...],
    untags: tuple[str, ...],
    note: str | None,
    as_json: bool,  # noqa: FBT001
    runs: str | None,
) -> None:
    """Set a run's name, tags and note, or show them."""
    run = find_run(runs_folder(runs), ref)
    given = {key: decoded(value) for key, value in (("name", name), ("note", note)) if value is not None}
    added, removed = [*map(decoded, tags)], [*map(decoded, untags)]
    label = change_label(run, lambda now: replace(now, tags=with_tags(now, added, removed), **given))
    if as_json:
        print_json({"run": run.run_id, **asdict(label)})
    else:
        click.echo(f"{run.run_id}: {_describe(label)}")


def _describe(label: Label) -> str:
    tags = " ".join(f"#{tag}" for tag in label.tags)
    return "  ".join(filter(None, [label.name, tags, label.note])) or "no name, no tags, no note"


@click.command("delete")
@run_argument
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@runs_option
def delete_command(ref: str, yes: bool, runs: str | None) -> None:  # noqa: FBT001
    """Delete a run and everything that belongs to it. Asks for confirmation first."""
    run = read_run(find_run(runs_folder(runs), ref))
    what = f"{run.run_id}{f' ({run.label})' if run.label else ''}, {run.status}, {megabytes(run.size())}"
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError(f"Can't ask for confirmation to delete {what} without a terminal; pass --yes")
    if not yes and not click.confirm(f"Delete {what}? This can't be undone"):
        raise click.ClickException("nothing was deleted")
    run.delete()
    click.echo(f"deleted {what}")
