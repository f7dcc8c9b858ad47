"""The command line: the same as the app, without a screen.

A command's module is imported when the command is called, so that `--help` and `runs` answer at once.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click
from click.core import ParameterSource

from fmnist_tui.cli.options import data_option, runs_option, screen_options
from fmnist_tui.cli.output import drop_output, open_closed_streams, take_any_text
from fmnist_tui.text import safe
from fmnist_tui.version import __version__

_COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("train", "Train models and follow them."),
    "recipe": ("recipe", "Print a recipe as a file to change."),
    "models": ("models", "List all models that can be named."),
    "new-model": ("models", "Write a template of a model of your own."),
    "runs": ("runs", "List all runs, newest first."),
    "watch": ("watch", "Show the state of all runs as it changes."),
    "show": ("show", "Show one run."),
    "attach": ("app", "Open the training screen on a run."),
    "pause": ("manage", "Pause a run."),
    "continue": ("manage", "Continue a paused run."),
    "stop": ("manage", "Stop a run after the current epoch, or now."),
    "resume": ("train", "Resume a stopped or interrupted run."),
    "queue": ("queue", "List running runs and those waiting for a device; change their order."),
    "sweep": ("sweep", "Search for the best settings of a model."),
    "label": ("manage", "Set a run's name, tags and note."),
    "delete": ("manage", "Delete a run."),
    "results": ("results", "Compare the models' runs."),
    "analyse": ("analyse", "Measure robustness, efficiency, generalisation gap and convergence."),
    "predict": ("predict", "Predict the classes of pictures."),
    "export": ("export", "Write a run's statistics, curves, plots and predictions."),
    "data": ("data", "Find, download and verify the data."),
    "bench": ("bench", "Measure training speed on this machine."),
    "doctor": ("doctor", "Check what works on this machine, with advice on the rest."),
}

_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

_COMPLETION = """
\b
For shell completion of commands, options, models and runs, add to the start-up file of:
  bash  eval "$(_FMNIST_TUI_COMPLETE=bash_source fmnist-tui)"
  zsh   eval "$(_FMNIST_TUI_COMPLETE=zsh_source fmnist-tui)"
  fish  _FMNIST_TUI_COMPLETE=fish_source fmnist-tui | source
"""


class _Commands(click.Group):
    """Imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"fmnist_tui.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_COMPLETION,
)
@click.version_option(__version__, prog_name="fmnist-tui")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@runs_option
@data_option
@click.option("--in-app", is_flag=True, help="Train in the app's own process, which ends the runs with it.")
@screen_options
@click.pass_context
def cli(ctx: click.Context, /, debug: bool, runs: str | None, data: str | None, in_app: bool, **look: Any) -> None:  # noqa: ARG001, FBT001
    """A terminal lab for training image classifiers over SSH. Without a command, it opens the app."""
    if ctx.invoked_subcommand is not None:
        given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if misplaced := [name for name in given if name != "debug"]:
            option = next(item.opts[0] for item in ctx.command.params if item.name == misplaced[0])
            raise click.UsageError(
                f"{option} comes after the command, if the command takes it: {ctx.invoked_subcommand} {option}"
            )
        _revive_queues()
        return
    from fmnist_tui.cli.app import open_app

    open_app(runs, data, in_app=in_app, **look)


def _revive_queues() -> None:
    """Restarts dispatchers of queues that were killed or lost in a reboot."""
    from fmnist_tui.runs.queue.store import existing_queues

    for queue in existing_queues():
        with suppress(OSError):
            if queue.has_entries:
                from fmnist_tui.runs.queue.dispatch import revive

                revive(queue)


def main() -> None:
    """The entry point: no traceback reaches a user."""
    debug = "--debug" in sys.argv
    open_closed_streams()
    take_any_text()
    try:
        status: Any = cli.main(prog_name="fmnist-tui", standalone_mode=False)
    except click.exceptions.Exit as ended:
        status = ended.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "fmnist-tui"
        _failed(f"{error.format_message()} (see {command} --help)")
        status = 2
    except click.ClickException as error:
        status = _failed(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except BrokenPipeError:
        drop_output()  # the reader has gone away, as `| head` does
        status = 1
    except Exception as error:
        if unwritten := _unwritten(error):
            drop_output()
        if debug:
            raise
        status = _failed(unwritten or _one_line(error))
    sys.exit(status if isinstance(status, int) else 0)


def _failed(message: str) -> int:
    with suppress(OSError):  # if not even that can be written, the exit status has to do
        click.echo(f"error: {safe(message)}", err=True)
    return 1


def _unwritten(error: Exception) -> str:
    """Why standard output couldn't be written; "" for other errors, such as those of files, which have a name."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in _UNWRITTEN:
        return ""
    return f"can't write the output: {os.strerror(error.errno).lower()}"


def _one_line(error: Exception) -> str:
    """This package's errors say what to do; others are shown with their type."""
    text = " ".join(str(error).split())
    if type(error).__module__.startswith("fmnist_tui"):
        return text
    return f"{type(error).__name__}: {text} (run with fmnist-tui --debug ... for the traceback)"
