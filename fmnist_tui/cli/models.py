"""The `models` and `new-model` commands."""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from fmnist_tui.cli.options import json_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.models.layers import saved_table
from fmnist_tui.models.named import entry_points, listed
from fmnist_tui.models.registry import all_models
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.paths import without_tilde
from fmnist_tui.text import decoded, grouped, safe


@click.command("models")
@json_option
def models_command(as_json: bool) -> None:  # noqa: FBT001
    """List the models that can be named: built-in ones, those of installed packages, and those you named before."""
    rows = [_row(model) for model in [*(one for one in all_models() if one.source is None), *listed()]]
    if as_json:
        print_json(rows)
        return
    shown = [[row["name"], row["kind"], _count(row["parameters"]), row["title"], row["source"]] for row in rows]
    print_columns([["model", "kind", "parameters", "title", "code"], *shown])


def _row(model: ModelSpec) -> dict[str, Any]:
    """What `--json` prints of a model.

    Keys: "name", "kind" ("built-in", "entry point", "remembered"), "title", "parameters" (null until it has been used),
    "source" ("" for a built-in model).
    """
    source = model.source
    table = saved_table(model) if source is None else source.table
    kind = "built-in"
    if source is not None:
        kind = "entry point" if source.argument in entry_points().values() else "remembered"
    return {
        "name": model.name,
        "kind": kind,
        "title": model.title,
        "parameters": (table.parameters or None) if table else None,
        "source": safe(source.argument) if source else "",
    }


def _count(parameters: int | None) -> str:
    return "" if parameters is None else grouped(parameters)


@click.command("new-model")
@click.argument("file", metavar="FILE.py")
def new_model_command(file: str) -> None:
    """Write a commented template of a model of your own, which can be trained at once. Never overwrites a file."""
    name = decoded(file)
    path = Path(without_tilde(name))
    if path.suffix != ".py":
        raise click.UsageError(f"{safe(name)} doesn't end with .py", click.get_current_context())
    text = files("fmnist_tui.models").joinpath("template.py.txt").read_text("utf-8")
    named = shlex.quote(f"{safe(name)}:Net")
    try:
        with path.open("x", encoding="utf-8") as target:
            target.write(text.replace("{file}:Net", named))
    except FileExistsError:
        raise click.ClickException(f"{safe(name)} exists already; choose another name") from None
    except OSError as error:
        raise click.ClickException(f"can't write {safe(name)} ({error.strerror})") from None
    click.echo(f"{safe(name)} is written; train it with: fmnist-tui train {named}")
