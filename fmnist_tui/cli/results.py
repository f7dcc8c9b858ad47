"""`fmnist-tui results`."""

from __future__ import annotations

import sys
from dataclasses import replace

import click
from click.core import ParameterSource

from fmnist_tui.analysis.comparison import compare, compare_on, other_data
from fmnist_tui.analysis.run_pairs import compare_runs
from fmnist_tui.cli.options import complete_run, runs_option
from fmnist_tui.cli.output import as_written, is_terminal, print_columns, print_json, print_line, terminal_width
from fmnist_tui.data import official
from fmnist_tui.paths import runs_folder
from fmnist_tui.report import formats
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.report import Report, Table
from fmnist_tui.report.run_pairs import run_pairs_report
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.cells import cells


@click.command("results")
@click.argument("refs", nargs=-1, metavar="[RUN RUN...]", shell_complete=complete_run)
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True)
@click.option(
    "--all",
    "all_runs",
    is_flag=True,
    help="Compare all of the recipe's runs that were scored on the same images, ineligible ones included.",
)
@click.option(
    "--format", "form", type=click.Choice(("table", "markdown", "csv", "json")), default="table", show_default=True
)
@runs_option
@click.pass_context
def results_command(
    ctx: click.Context,
    refs: tuple[str, ...],
    recipe: str,
    all_runs: bool,  # noqa: FBT001
    form: str,
    runs: str | None,
) -> None:
    """Compare the models over all eligible runs; excluded runs are listed with the reason.

    Runs on other data than Fashion-MNIST are compared by data set; CSV then has a last column "data".

    With RUNs, eligible or not: compare each pair of them on the test images that both were scored on.
    """
    folder = runs_folder(runs)
    if refs:
        _check_refs(ctx, refs)
        others: list[Report] = []
        report = run_pairs_report(compare_runs([read_run(find_readable(folder, ref)) for ref in refs]))
    else:
        report, others = _by_data(read_runs(folder), recipe, all_runs=all_runs)
    if form == "json":
        other = {} if refs else {"other_data": [formats.to_json(one) for one in others]}
        print_json({**formats.to_json(report), **other})
    elif form == "csv":
        click.echo(formats.to_csv(_one_table(report, others)), nl=False)
    elif form == "markdown":
        click.echo("\n".join(map(formats.to_markdown, (report, *others))), nl=False)
    else:
        for number, one in enumerate((report, *others)):
            click.echo("\n" if number else "", nl=False)
            print_report(one)


def _by_data(records: list[Run], recipe: str, *, all_runs: bool) -> tuple[Report, list[Report]]:
    """The comparison on Fashion-MNIST, which may be empty, and one for each other data set with scored runs."""
    others = other_data(records, recipe)
    elsewhere = {data.fingerprints for data in others}
    main = [record for record in records if record.fingerprints not in elsewhere] if all_runs else records
    compared = [(data, compare_on(data, records, recipe, all_runs=all_runs)) for data in others]
    reports = [comparison_report(found, data=data) for data, found in compared if found.versions]
    return comparison_report(compare(main, recipe, all_runs=all_runs)), reports


def _one_table(report: Report, others: list[Report]) -> Report:
    """The rows of all data sets in one CSV table, which then has a last column "data"."""
    if not others:
        return report
    named = [(official.NAME, report), *((str(one.document["data"]), one) for one in others)]
    rows = [[*row, name] for name, one in named for row in one.csv[1]]
    return replace(report, csv=([*report.csv[0], "data"], rows))


def print_report(report: Report) -> None:
    """Prints a report; on a terminal without the columns that don't fit."""
    formats.print_report(report, _print_table, print_line)


def _print_table(table: Table) -> None:
    if is_terminal(sys.stdout):
        table = formats.fitted(table, terminal_width(), lambda text: cells(as_written(text, sys.stdout)))
    print_columns(formats.aligned(table, cells))


def _check_refs(ctx: click.Context, refs: tuple[str, ...]) -> None:
    if len(refs) == 1:
        raise click.UsageError("name another run to compare it with, or none to compare the models")
    for name, option in (("recipe", "--recipe"), ("all_runs", "--all")):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} selects runs, but these are named: leave it out")
