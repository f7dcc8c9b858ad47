"""`fmnist-tui pause`, `continue` and `stop`."""

from __future__ import annotations

import click

from fmnist_tui.cli.options import run_argument, runs_option
from fmnist_tui.runs.control import deaf_while, send
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.places import runs_folder
from fmnist_tui.training.control import Command


@click.command("pause")
@run_argument
@runs_option
def pause_command(word: str, runs: str | None) -> None:
    """Pause a run: it saves, holds its place, and goes on with `continue`."""
    _tell(runs, word, Command.PAUSE)


@click.command("continue")
@run_argument
@runs_option
def continue_command(word: str, runs: str | None) -> None:
    """Continue a paused run."""
    _tell(runs, word, Command.CONTINUE)


@click.command("stop")
@run_argument
@click.option("--after-epoch", "when", flag_value="after-epoch", default=True, help="The default: the run is scored.")
@click.option("--now", "when", flag_value="now", help="Save, unscored, to be resumed.")
@runs_option
def stop_command(word: str, when: str, runs: str | None) -> None:
    """Stop a run: after its epoch, scored; or now, saved and unscored."""
    _tell(runs, word, Command.STOP_NOW if when == "now" else Command.STOP_AFTER_EPOCH)


_WISHES = {
    Command.PAUSE: "pause",
    Command.CONTINUE: "continue",
    Command.STOP_AFTER_EPOCH: "stop after its epoch",
    Command.STOP_NOW: "save and stop now",
}


def _tell(runs: str | None, word: str, command: Command) -> None:
    run = find_run(runs_folder(runs), word)
    send(run, command)
    wait = f"; it does so after this: {busy}" if (busy := deaf_while(run)) else ""
    click.echo(f"told {run.run_id} to {_WISHES[command]}{wait}")
