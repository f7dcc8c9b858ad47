"""A run's label: the name, tags and note that a person gives it, at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import LONGEST_NAME, RunDirectory, is_run_id, list_runs, name_of
from fmnist_tui.runs.manifest import lenient
from fmnist_tui.runs.turns import alone
from fmnist_tui.text import safe

LONGEST_NOTE = 1000
MOST_TAGS = 20


class Label(msgspec.Struct, frozen=True):
    """What label.json holds, safe to display.

    Attributes:
        name: Identifies the run on the command line; "" for none.
        tags: Single words to find it by.
        note: Any text, on one line.
    """

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


_NO_LABEL = Label()


def read_label(run: RunDirectory) -> Label:
    """The run's label; what is missing or damaged is empty."""
    content = read_json(run.label)
    if content is None:
        return _NO_LABEL
    tags = content.get("tags")
    texts = [safe(tag) if isinstance(tag, str) else "" for tag in tags] if isinstance(tags, list) else []
    return lenient({**content, "tags": texts}, Label, LONGEST_NOTE)


def write_label(run: RunDirectory, label: Label) -> None:
    """Save the label.

    Raises:
        RunError: The name is taken or reserved, something is too long or not printable, or the file can't be written.
    """
    change_label(run, lambda _: label)


def change_label(run: RunDirectory, edit: Callable[[Label], Label]) -> Label:
    """Change the label as it is now, so that of several changes at once none is lost; return the new one.

    Args:
        run: The run.
        edit: Its label after the change, for that before it; may be called more than once.

    Raises:
        RunError: The name is taken or reserved, something is too long or not printable, or the file can't be written.
    """
    if _checked(run, edit) == read_label(run):
        return read_label(run)
    try:
        with alone(run.label), _alone_in_naming(run):
            label = _checked(run, edit)
            write_json(run.label, msgspec.to_builtins(label))
    except OSError as error:
        raise refused(f"write {run.label}", run.path, error) from None
    return label


@contextmanager
def _alone_in_naming(run: RunDirectory) -> Iterator[None]:
    """Exclude others who name runs of the same folder, where it can be written."""
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(alone(run.path.with_name("names")))
        yield


def _checked(run: RunDirectory, edit: Callable[[Label], Label]) -> Label:
    before = read_label(run)
    label = edit(before)
    if label != before:
        _check(label)
    if label.name not in ("", before.name) and _is_taken(run, label.name):
        raise RunError(f"another run is already named {label.name!r}; choose another name")
    return label


def _is_taken(run: RunDirectory, name: str) -> bool:
    return any(name_of(other) == name for other in list_runs(run.path.parent) if other != run)


def _check(label: Label) -> None:
    _check_text("name", label.name, LONGEST_NAME)
    _check_text("note", label.note, LONGEST_NOTE)
    if label.name == "last" or is_run_id(label.name):
        raise RunError(f"{label.name!r} already identifies a run; choose another name")
    if len(label.tags) > MOST_TAGS:
        raise RunError(f"{len(label.tags)} tags; the maximum is {MOST_TAGS}")
    for tag in label.tags:
        _check_text("tag", tag, LONGEST_NAME)
        if not tag or " " in tag:
            raise RunError(f"tag {tag!r} must be a single word")


def _check_text(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise RunError(f"the {what} is {len(text)} characters; the maximum is {longest}")
    if not text.isprintable() or text != text.strip():
        raise RunError(f"the {what} {safe(text)!r} has unprintable characters, or leading or trailing spaces")


def with_changes(label: Label, before: Label, after: Label) -> Label:
    """The label with what somebody changed who saw another one.

    Args:
        label: As it is now.
        before: As they saw it.
        after: As they want it.
    """
    added = [tag for tag in after.tags if tag not in before.tags]
    removed = [tag for tag in before.tags if tag not in after.tags]
    return Label(
        label.name if after.name == before.name else after.name,
        with_tags(label, added, removed),
        label.note if after.note == before.note else after.note,
    )


def with_tags(label: Label, added: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """The label's tags with some added and some removed, each once."""
    return tuple(dict.fromkeys(tag for tag in (*label.tags, *added) if tag not in removed))
