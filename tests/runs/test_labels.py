from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, find_run, name_of
from fmnist_tui.runs.label import Label, change_label, read_label, with_changes, with_tags, write_label

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


def at_once(actions: Sequence[Callable[[], object]]) -> list[str]:
    """Do all of them at the same time; return their errors."""
    faults: list[str] = []
    start = threading.Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        start.wait()
        try:
            action()
        except RunError as fault:
            faults.append(str(fault))

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_of_several_changes_at_once_none_is_lost(run: RunDirectory) -> None:
    def added(now: Label, tag: str) -> Label:
        time.sleep(0.005)
        return replace(now, tags=(*now.tags, tag))

    tags = [f"tag{index}" for index in range(8)]
    assert at_once([partial(change_label, run, partial(added, tag=tag)) for tag in tags]) == []
    assert sorted(read_label(run).tags) == tags
    assert [path.name for path in run.path.iterdir()] == ["label.json"]


def test_of_runs_that_are_given_one_name_at_once_one_gets_it(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(other: RunDirectory) -> str:
        name = name_of(other)
        time.sleep(0.005)
        return name

    monkeypatch.setattr("fmnist_tui.runs.label.name_of", slowly)
    runs = [run, *(RunDirectory(run.path.with_name(f"v1-20260102-120000-00f{index}")) for index in range(5))]
    for made in runs[1:]:
        made.path.mkdir()
    faults = at_once([partial(write_label, one, Label("best")) for one in runs])
    assert faults == ["another run is already named 'best'; choose another name"] * 5
    assert sum(read_label(one).name == "best" for one in runs) == 1


def test_a_label_that_stays_as_it_is_needs_no_permission_to_write(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_label(run, Label("mine", ("a",)))
    monkeypatch.setattr("fmnist_tui.runs.label.alone", None)
    assert change_label(run, lambda now: now) == Label("mine", ("a",))


def test_what_was_changed_in_a_dialog_is_applied_to_the_label_as_it_is_now() -> None:
    seen = Label("a", ("x", "y"), "old")
    now = Label("b", ("x", "y", "z"), "new")
    assert with_changes(now, seen, Label("a", ("y", "w"), "mine")) == Label("b", ("y", "z", "w"), "mine")
    assert with_changes(now, seen, seen) == now


def test_a_run_that_was_deleted_meanwhile_is_named_as_such(run: RunDirectory) -> None:
    run.path.rmdir()
    with pytest.raises(RunError, match=rf"run {run.run_id} was deleted or moved meanwhile; `fmnist-tui runs` lists"):
        write_label(run, Label("a"))
