from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.run import delete_run

OTHER = "v1-20260102-120000-00ff"


def test_a_deleted_run_is_gone_and_others_stay(run: RunDirectory) -> None:
    other = RunDirectory(run.path.parent / OTHER)
    for made in (run, other):
        made.checkpoints.mkdir(parents=True)
        made.events.write_text("{}\n")
    delete_run(run)
    assert list(run.path.parent.iterdir()) == [other.path]
    assert other.events.read_text() == "{}\n"


def test_a_run_with_a_trainer_is_not_deleted(run: RunDirectory) -> None:
    with holding(acquire(run)), pytest.raises(RunError, match=r"has a trainer; stop it first with: .* --now"):
        delete_run(run)
    assert run.path.exists()


def test_what_is_behind_a_link_is_never_touched(run: RunDirectory, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    linked = RunDirectory(run.path.parent / OTHER)
    linked.path.symlink_to(elsewhere)
    delete_run(linked)
    assert (elsewhere / "precious").read_text() == "x"
    (run.path / "checkpoints").symlink_to(elsewhere)
    delete_run(run)
    assert (elsewhere / "precious").read_text() == "x"
    assert list_runs(run.path.parent) == []


def test_a_run_whose_deletion_was_cut_short_is_in_no_list_and_goes_with_the_next(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.events.write_text("{}\n")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        delete_run(run)
    assert list_runs(run.path.parent) == []
    assert len(list(run.path.parent.iterdir())) == 1
    other = RunDirectory(run.path.parent / OTHER)
    other.path.mkdir()
    delete_run(other)
    assert list(run.path.parent.iterdir()) == []


def test_of_two_who_delete_one_run_one_gets_an_error(run: RunDirectory) -> None:
    faults: list[str] = []
    start = threading.Barrier(2)

    def delete() -> None:
        start.wait()
        try:
            delete_run(run)
        except RunError as fault:
            faults.append(str(fault))

    threads = [threading.Thread(target=delete) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(faults) == 1
    assert "fix that" not in faults[0]
    assert not run.path.exists()


def test_a_run_that_was_put_back_after_a_deletion_that_was_cut_short_can_be_deleted(run: RunDirectory) -> None:
    left = run.path.with_name(f".deleted-{run.run_id}")
    left.mkdir()
    (left / "events.jsonl").write_text("{}\n")
    delete_run(run)
    assert list(run.path.parent.iterdir()) == []


def test_files_that_another_deletion_removes_first_are_no_fault(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.path / "kept").write_text("x")

    def is_gone(path: Path, **options: Any) -> None:
        if on_error := options.get("onerror"):
            gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            on_error(os.unlink, str(path / "gone"), (FileNotFoundError, gone, None))

    monkeypatch.setattr("shutil.rmtree", is_gone)
    delete_run(run)
    assert list_runs(run.path.parent) == []


def test_a_folder_that_cannot_be_written_is_a_clear_fault(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # which root would never get

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        with pytest.raises(RunError, match=r"can't delete .*Permission denied"):
            delete_run(run)
    assert run.path.exists()
