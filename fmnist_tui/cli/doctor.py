"""`fmnist-tui doctor`."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import click

from fmnist_tui.cli.options import data_option, json_option, runs_option
from fmnist_tui.cli.output import is_terminal, print_json, terminal_width
from fmnist_tui.doctor.checkup import check_up
from fmnist_tui.errors import RunError
from fmnist_tui.host.machine import Check, CheckState, this_machine
from fmnist_tui.host.terminal import colours
from fmnist_tui.paths import NoHomeError, cache_folder, data_folder, runs_folder
from fmnist_tui.text import counted, safe
from fmnist_tui.tui.cells import wrap

_COLOURS = {CheckState.OK: "green", CheckState.NOTE: "yellow", CheckState.PROBLEM: "red"}
_INDENT = " " * 22


@click.command("doctor")
@json_option
@data_option
@runs_option
def doctor_command(as_json: bool, data: str | None, runs: str | None) -> None:  # noqa: FBT001
    """Check terminal, devices, data, disk and packages, with advice on what doesn't work. Changes nothing."""
    machine = this_machine()
    coloured = is_terminal(sys.stdout) and colours(machine.environ) > 0
    rows = []
    with closing(check_up(machine, _runs_folder(runs), data_folder(data), _cache_folder())) as found:
        for unsafe in found:
            row = replace(unsafe, message=safe(unsafe.message), advice=safe(unsafe.advice))
            rows.append(row)
            if not as_json:
                _print(row, coloured=coloured)
    if as_json:
        print_json([asdict(row) for row in rows])
    problems = [row.check for row in rows if row.state is CheckState.PROBLEM]
    if problems:
        raise click.ClickException(f"{counted(len(problems), 'problem')} ({', '.join(problems)}); see the advice above")


def _runs_folder(option: str | None) -> Path | None:
    """None without a home folder: other checks report what works without one."""
    try:
        return runs_folder(option)
    except NoHomeError:
        return None


def _cache_folder() -> Path:
    """A folder that doesn't exist if none is usable, which has a check of its own."""
    try:
        return cache_folder()
    except RunError:
        return Path(os.devnull) / "cache"


def _print(row: Check, *, coloured: bool) -> None:
    state = click.style(f"{row.state:<8}", fg=_COLOURS[row.state], bold=row.state is CheckState.PROBLEM or None)
    click.echo(f"{state} {row.check:<12} {_wrapped(row.message)}", color=coloured)
    if row.advice:
        click.echo(f"{_INDENT}-> {_wrapped(row.advice)}", color=coloured)


def _wrapped(text: str) -> str:
    """On a terminal, wrapped between words and indented to the column of the text; one line elsewhere."""
    if not is_terminal(sys.stdout):
        return text
    return f"\n{_INDENT}".join(wrap(text, max(30, terminal_width() - len(_INDENT) - 3)))
