from __future__ import annotations

import json
from pathlib import Path

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, find_run
from fmnist_tui.runs.label import Label, read_label, with_tags, write_label

OTHER = "v1-20260102-120000-00ff"


def test_a_label_is_saved_and_its_name_identifies_the_run(run: RunDirectory) -> None:
    label = Label("best so far", ("paper", "gpu"), "with the new schedule")
    write_label(run, label)
    assert read_label(run) == label
    assert find_run(run.path.parent, "best so far") == run
    assert json.loads(run.label.read_text()) == {
        "name": "best so far",
        "tags": ["paper", "gpu"],
        "note": "with the new schedule",
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": 3, "tags": "x", "note": null}', '{"tags": {"a": 1}}'])
def test_a_damaged_label_counts_as_none(run: RunDirectory, content: str) -> None:
    run.label.write_text(content)
    assert read_label(run) == Label()


def test_what_was_put_into_the_file_by_hand_is_safe_to_show(run: RunDirectory) -> None:
    run.label.write_text(json.dumps({"name": "a\x1b[31mb", "tags": ["c\nd"], "note": "\x07"}))
    assert read_label(run) == Label("a [31mb", ("c d",), " ")


FAULTS = [
    (Label("last"), "'last' already identifies a run"),
    (Label("v0-20260101-120000-00ff"), "already identifies a run"),
    (Label("taken"), "another run is already named 'taken'"),
    (Label("x" * 41), "the name is 41 characters; the maximum is 40"),
    (Label("a\x1b[2Jb"), "has unprintable characters"),
    (Label(" a"), "or leading or trailing spaces"),
    (Label(note="x" * 1001), "the note is 1001 characters"),
    (Label(note="two\nlines"), "has unprintable characters"),
    (Label(tags=("two words",)), "tag 'two words' must be a single word"),
    (Label(tags=("",)), "tag '' must be a single word"),
    (Label(tags=tuple(map(str, range(21)))), "21 tags; the maximum is 20"),
]


@pytest.mark.parametrize(("label", "words"), FAULTS)
def test_what_cannot_be_a_label_is_refused_and_changes_nothing(run: RunDirectory, label: Label, words: str) -> None:
    other = RunDirectory(run.path.parent / OTHER)
    other.path.mkdir()
    write_label(other, Label("taken"))
    with pytest.raises(RunError) as fault:
        write_label(run, label)
    assert words in str(fault.value)
    assert str(fault.value).isprintable()
    assert not run.label.exists()


def test_a_run_may_keep_its_own_name(run: RunDirectory) -> None:
    write_label(run, Label("mine"))
    write_label(run, Label("mine", note="more"))
    assert read_label(run).note == "more"


def test_a_label_that_cannot_be_written_says_so(run: RunDirectory) -> None:
    run.label.mkdir()
    with pytest.raises(RunError, match=r"can't write .*label\.json"):
        write_label(run, Label("a"))
    assert [path.name for path in Path(run.path).iterdir()] == ["label.json"]


def test_tags_are_added_and_removed_each_once() -> None:
    assert with_tags(Label(tags=("a", "b")), ["c", "a"], ["b"]) == ("a", "c")
