"""`fmnist-tui results`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.reference import reference_line
from fmnist_tui.analysis.run_pairs import RunPairs, compare_runs
from fmnist_tui.cli.options import complete_run, runs_option
from fmnist_tui.cli.output import as_written, is_terminal, print_columns, print_json, print_line, terminal_width
from fmnist_tui.models.spec import REPORTED_NOTE
from fmnist_tui.paths import runs_folder
from fmnist_tui.report import run_pairs as run_pairs_tables
from fmnist_tui.report import sentences as wording
from fmnist_tui.report import tables
from fmnist_tui.report.sentences import notes
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import read_run, read_runs
from fmnist_tui.training.recipes import RECIPES, recipe_option
from fmnist_tui.tui.cells import cells


def print_run_pairs(pairs: RunPairs, form: str) -> None:
    """As "table", "markdown", "csv" or "json"."""
    if form == "json":
        print_json(run_pairs_tables.as_json(pairs))
    elif form == "csv":
        click.echo(run_pairs_tables.as_csv(pairs), nl=False)
    elif form == "markdown":
        click.echo(run_pairs_tables.as_markdown(pairs), nl=False)
    else:
        print_columns([list(row) for row in (run_pairs_tables.HEADER, *run_pairs_tables.rows(pairs))])
        click.echo("\n" + "\n".join(run_pairs_tables.sentences(pairs)))


_FORMATS = ("table", "markdown", "csv", "json")
_EXPENDABLE = ("what changed", "device", "accuracy, 95 %", "Brier", "ECE", "s/epoch", "parameters", "reference", "NLL")
"""In this order, where the terminal is too narrow; `--format markdown` has them all."""


@click.command("results")
@click.argument("words", nargs=-1, metavar="[RUN RUN...]", shell_complete=complete_run)
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Compare all of the recipe's runs that are scored on the same images, those that don't count too.",
)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table", show_default=True)
@runs_option
@click.pass_context
def results_command(
    ctx: click.Context,
    words: tuple[str, ...],
    recipe: str,
    everything: bool,  # noqa: FBT001
    form: str,
    runs: str | None,
) -> None:
    """Compare v0 to v3 over the runs that count; below, the others and why they don't.

    With RUNs, whatever they are: each pair of them, on the test images that both were scored on.
    """
    folder = runs_folder(runs)
    if words:
        _check_words(ctx, words)
        print_run_pairs(compare_runs([read_run(find_readable(folder, word)) for word in words]), form)
        return
    comparison = compare(read_runs(folder), recipe, everything=everything)
    if form == "json":
        print_json(tables.as_json(comparison))
    elif form == "csv":
        click.echo(tables.as_csv(comparison), nl=False)
    elif form == "markdown":
        click.echo(tables.as_markdown(comparison), nl=False)
    else:
        _print(comparison, folder)


def print_table(comparison: Comparison) -> None:
    """The table and what it takes to read it."""
    print_columns(_fitting([list(row) for row in (tables.HEADER, *tables.rows(comparison))]))
    reference = reference_line(comparison.recipe)
    below = (wording.gain_line(comparison), *notes(comparison), reference, f"origin: {REPORTED_NOTE}")
    click.echo()
    for line in filter(None, below):
        print_line(line)


def _check_words(ctx: click.Context, words: tuple[str, ...]) -> None:
    if len(words) == 1:
        raise click.UsageError("name another run to compare it with, or none for v0 to v3")
    for name, option in (("recipe", "--recipe"), ("everything", "--all")):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} chooses runs, and these are named: leave it out")


def _print(comparison: Comparison, runs: Path) -> None:
    if comparison.versions:
        print_table(comparison)
        _print_words(comparison, runs)
    else:
        click.echo("\n".join(filter(None, (_nothing(comparison), reference_line(comparison.recipe)))))
    if comparison.not_counted:
        click.echo("\nnot counted:")
        print_columns([[run.run, run.why] for run in comparison.not_counted])


def _nothing(comparison: Comparison) -> str:
    """That no run counts, and what to do."""
    option = recipe_option(comparison.recipe)
    told = f"no run counts yet under the recipe {comparison.recipe}; train all with: fmnist-tui train all{option}"
    if comparison.comparable and not comparison.everything:
        return f"{told}; compare what there is with: fmnist-tui results --all" + option
    return told


def _print_words(comparison: Comparison, runs: Path) -> None:
    """Steps, measures and paired tests with how sure they are."""
    steps = [wording.step_sentence(one.step) for one in comparison.versions if one.step]
    for lines in filter(None, (steps, list(map(wording.version_sentence, comparison.versions)))):
        click.echo()
        for line in lines:
            print_line(line)
    if comparison.paired:
        click.echo(f"\n{wording.PAIRED_HEADING}")
    for test in comparison.paired:
        print_line(f"{test.first} and {test.second}: {test.sentence}")
    if len(comparison.versions) > 1:
        _print_unpaired(comparison, runs)


def _print_unpaired(comparison: Comparison, runs: Path) -> None:
    """The runs that no paired test could take in."""
    for best in comparison.versions:
        try:
            read_predictions(RunDirectory(runs / best.best_run))
        except NoPredictionsError as error:
            print_line(f"{best.version} is in no paired test ({best.best_run}: {error})")


def _fitting(rows: list[list[str]]) -> list[list[str]]:
    """The table without the columns that a terminal has no room for; elsewhere all of them."""
    if not is_terminal(sys.stdout):
        return rows
    room = terminal_width()
    for heading in _EXPENDABLE:
        widths = [max(cells(as_written(cell, sys.stdout)) for cell in column) + 2 for column in zip(*rows, strict=True)]
        if sum(widths) - 2 <= room:
            break
        place = rows[0].index(heading)
        rows = [row[:place] + row[place + 1 :] for row in rows]
    return rows
