from __future__ import annotations

from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory, list_runs

from .commands import call, copy_of
from .conftest import Fmnist


def test_a_run_is_named_tagged_and_noted_and_found_by_its_name(
    fmnist: Fmnist, finished: RunDirectory, runs: Path
) -> None:
    run = copy_of(finished, runs)
    given = fmnist("label", "last", "--name", "base", "--tag", "a", "--tag", "b", "--note", "a note", "--runs", runs)
    assert given.lines == [f"{run.run_id}: base  #a #b  a note"]
    changed = fmnist("label", "base", "--untag", "a", "--note", "", "--json", "--runs", runs).json
    assert changed == {"run": run.run_id, "name": "base", "tags": ["b"], "note": ""}
    assert fmnist("runs", "--runs", runs).lines[1].endswith("base")
    assert fmnist("show", "base", "--json", "--runs", runs).json["label"]["name"] == "base"


def test_a_run_without_a_label_has_none(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    assert fmnist("label", "last", "--runs", runs).lines == [f"{run.run_id}: no name, no tags, no note"]
    assert not run.label.exists()


def test_a_bad_name_is_refused_in_one_line(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    copy_of(finished, runs)
    outcome = fmnist("label", "last", "--name", "x\x1b[31m", "--runs", runs)
    assert outcome.status == 1
    assert "has unprintable characters" in outcome.complaint


def test_without_a_terminal_nothing_is_deleted(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    outcome = call("delete", "last", "--runs", runs)  # there is nobody to answer
    assert outcome.status == 2
    assert f"Can't ask for confirmation to delete {run.run_id}, finished, " in outcome.complaint
    assert outcome.complaint.endswith("without a terminal; pass --yes (see fmnist-tui delete --help)")
    assert list_runs(runs) == [run]


def test_yes_deletes_without_asking(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    outcome = fmnist("delete", run.run_id, "--yes", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(f"deleted {run.run_id}, finished, ")
    assert list_runs(runs) == []
