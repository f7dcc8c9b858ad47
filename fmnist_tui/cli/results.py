"""`fmnist-tui results`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from fmnist_tui.analysis import tables
from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.predictions import NoPredictionsError, read_predictions
from fmnist_tui.analysis.record import read_records
from fmnist_tui.cli.options import runs_option
from fmnist_tui.cli.text import print_columns, print_json
from fmnist_tui.models.catalogue import ORIGIN_NOTE
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.places import runs_folder
from fmnist_tui.text import safe
from fmnist_tui.training.recipes import RECIPES

_FORMATS = ("table", "markdown", "csv", "json")
_EXPENDABLE = ("what changed", "device", "Brier", "ECE", "s/epoch")
"""In this order, where the terminal is too narrow; `--format markdown` has them all."""


@click.command("results")
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True)
@click.option(
    "--all", "everything", is_flag=True, help="Compare all runs scored on the same images, those that don't count too."
)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
@runs_option
def results_command(recipe: str, everything: bool, form: str, runs: str | None) -> None:  # noqa: FBT001
    """Compare v0 to v3 over the runs that count; below, the others and why they don't."""
    folder = runs_folder(runs)
    comparison = compare(read_records(folder), recipe, everything=everything)
    if form == "json":
        print_json(tables.as_json(comparison))
    elif form == "csv":
        click.echo(tables.as_csv(comparison), nl=False)
    elif form == "markdown":
        click.echo(tables.as_markdown(comparison), nl=False)
    else:
        _print(comparison, folder)


def print_table(comparison: Comparison, plus_minus: str = "±") -> None:
    """The table and what it takes to read it."""
    rows = [[cell.replace("±", plus_minus) for cell in row] for row in (tables.HEADER, *tables.rows(comparison))]
    print_columns(_fitting(rows))
    below = (tables.mark_line(comparison), tables.gain_line(comparison), f"origin: {ORIGIN_NOTE}")
    click.echo("\n" + "\n".join(filter(None, below)))


def _print(comparison: Comparison, runs: Path) -> None:
    if comparison.versions:
        print_table(comparison)
    else:
        click.echo(f"no run counts yet under the recipe {comparison.recipe}; train all with: fmnist-tui train all")
    for test in comparison.paired:
        click.echo(f"{test.first} and {test.second}: {test.sentence}")
    if len(comparison.versions) > 1:
        _print_unpaired(comparison, runs)
    if comparison.not_counted:
        click.echo("\nnot counted:")
        print_columns([[run.run, safe(run.why)] for run in comparison.not_counted])


def _print_unpaired(comparison: Comparison, runs: Path) -> None:
    """The runs that no paired test could take in."""
    for best in comparison.versions:
        try:
            read_predictions(RunDirectory(runs / best.best_run))
        except NoPredictionsError as error:
            click.echo(f"{best.version} is in no paired test ({best.best_run}: {error})")


def _fitting(rows: list[list[str]]) -> list[list[str]]:
    """The table without the columns that a terminal has no room for; elsewhere all of them."""
    if sys.stdout is None or not sys.stdout.isatty():
        return rows
    room = shutil.get_terminal_size().columns
    for heading in _EXPENDABLE:
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        if sum(widths) - 2 <= room:
            break
        place = rows[0].index(heading)
        rows = [row[:place] + row[place + 1 :] for row in rows]
    return rows
