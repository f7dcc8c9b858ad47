"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_RUNS_HELP = "The folder of runs (or FMNIST_TUI_RUNS)."
_DATA_HELP = "The folder of the data, or `demo` (or FMNIST_TUI_DATA)."


def runs_option(command: Command) -> Command:
    """--runs DIR, passed as `runs`."""
    return click.option("--runs", metavar="DIR", help=_RUNS_HELP)(command)


def data_option(command: Command) -> Command:
    """--data DIR, passed as `data`."""
    return click.option("--data", metavar="DIR", help=_DATA_HELP)(command)


def json_option(command: Command) -> Command:
    """--json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def run_argument(command: Command) -> Command:
    """RUN, passed as `word`."""
    return click.argument("word", metavar="RUN")(command)
