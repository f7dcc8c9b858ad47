"""`fmnist-tui label`."""

from __future__ import annotations

from dataclasses import asdict, replace

import click

from fmnist_tui.cli.options import json_option, run_argument, runs_option
from fmnist_tui.cli.printing import print_json
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.labels import Label, read_label, with_tags, write_label
from fmnist_tui.runs.places import runs_folder
from fmnist_tui.text import decoded


@click.command("label")
@run_argument
@click.option("--name", help="A name that stands for the run; '' takes it away.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A word to find it by; can be given again.")
@click.option("--untag", "untags", multiple=True, metavar="TAG", help="Takes a tag away.")
@click.option("--note", help="A line about it; '' takes it away.")
@json_option
@runs_option
def label_command(
    word: str,
    name: str | None,
    tags: tuple[str, ...],
    untags: tuple[str, ...],
    note: str | None,
    as_json: bool,  # noqa: FBT001
    runs: str | None,
) -> None:
    """Give a run a name, tags and a note, or show them."""
    run = find_run(runs_folder(runs), word)
    before = read_label(run)
    said = {key: decoded(value) for key, value in (("name", name), ("note", note)) if value is not None}
    label = replace(before, tags=with_tags(before, [*map(decoded, tags)], [*map(decoded, untags)]), **said)
    if label != before:
        write_label(run, label)
    if as_json:
        print_json({"run": run.run_id, **asdict(label)})
    else:
        click.echo(f"{run.run_id}: {_in_words(label)}")


def _in_words(label: Label) -> str:
    tags = " ".join(f"#{tag}" for tag in label.tags)
    return "  ".join(filter(None, [label.name, tags, label.note])) or "no name, no tags, no note"
