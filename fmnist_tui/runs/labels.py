"""What a person calls a run: a name, tags and a note, kept beside it and changed at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import LONGEST_NAME, RunDirectory, is_run_id, list_runs, name_of
from fmnist_tui.text import safe

LONGEST_NOTE = 1000
MOST_TAGS = 20


@dataclass(frozen=True)
class Label:
    """What label.json holds, its text safe to show.

    Attributes:
        name: Stands for the run on the command line; "" for none.
        tags: Words to find it by.
        note: A line of any kind.
    """

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read_label(run: RunDirectory) -> Label:
    """The run's label; what is missing or damaged counts as never said."""
    record = read_json(run.label) or {}
    tags = record.get("tags")
    return Label(
        _words(record.get("name")),
        tuple(map(_words, tags if isinstance(tags, list) else ())),
        _words(record.get("note")),
    )


def write_label(run: RunDirectory, label: Label) -> None:
    """Keeps the label.

    Raises:
        RunError: A name is taken, means something else or can't be shown, something is too long, or the file can't be
            written.
    """
    _check(label)
    if label.name and any(name_of(other) == label.name for other in list_runs(run.path.parent) if other != run):
        raise RunError(f"another run is called {label.name!r} already; choose another name")
    try:
        write_json(run.label, asdict(label))
    except OSError as error:
        raise refused(f"write {run.label}", run.path, error) from None


def _check(label: Label) -> None:
    _check_words("name", label.name, LONGEST_NAME)
    _check_words("note", label.note, LONGEST_NOTE)
    if label.name == "last" or is_run_id(label.name):
        raise RunError(f"{label.name!r} means a run already; choose another name")
    if len(label.tags) > MOST_TAGS:
        raise RunError(f"{len(label.tags)} tags are more than {MOST_TAGS}; take some away")
    for tag in label.tags:
        _check_words("tag", tag, LONGEST_NAME)
        if not tag or " " in tag:
            raise RunError(f"tag {tag!r} is not one word")


def _check_words(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise RunError(f"the {what} has {len(text)} letters; {longest} are the most")
    if not text.isprintable() or text != text.strip():
        raise RunError(f"the {what} {safe(text)!r} has letters that can't be shown, or spaces around it")


def _words(value: Any) -> str:
    return safe(value) if isinstance(value, str) else ""


def with_tags(label: Label, added: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """The label's tags with some more and some less, each once."""
    return tuple(dict.fromkeys(tag for tag in (*label.tags, *added) if tag not in removed))
