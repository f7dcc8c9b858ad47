"""Prints named runs compared."""

from __future__ import annotations

import click

from fmnist_tui.analysis import run_pairs_tables
from fmnist_tui.analysis.run_pairs import RunPairs
from fmnist_tui.cli.printing import print_columns, print_json


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
