from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, create_run, find_run, list_runs, name_of
from fmnist_tui.runs.manifest import read_manifest

OLD, NEW, OTHER = "v0-20260101-120000-00ff", "v3-20260102-090000-0a0b", "v0-20251231-235959-ffff"


@pytest.fixture
def three(runs: Path) -> Path:
    """A runs folder with three runs."""
    for run_id in (OLD, NEW, OTHER):
        (runs / run_id).mkdir(parents=True)
    return runs


def label(runs: Path, run_id: str, content: object) -> None:
    (runs / run_id / "label.json").write_text(json.dumps(content))


# New runs


def test_a_new_run_has_an_id_and_an_empty_folder(runs: Path) -> None:
    run = create_run(runs / "deep" / "down", "v2")
    assert re.fullmatch(r"v2-\d{8}-\d{6}-[0-9a-f]{4}", run.run_id)
    assert run.path == runs / "deep" / "down" / run.run_id
    assert list(run.path.iterdir()) == []


def test_many_runs_made_at_once_have_an_id_each(runs: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: create_run(runs, "v0"), range(100)))
    assert len({run.run_id for run in made}) == len(list_runs(runs)) == 100


def test_a_runs_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"^can't write to .*file/runs \(Not a directory\); choose .* --runs$"):
        create_run(tmp_path / "file" / "runs", "v0")
    with pytest.raises(RunError, match=r"^can't write to .*file \(Not a directory\)"):
        create_run(tmp_path / "file", "v0")


# Lists


def test_no_folder_means_no_runs(runs: Path) -> None:
    assert list_runs(runs) == []


def test_a_runs_folder_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for unreadable in (list_runs, lambda folder: find_run(folder, "last")):
        with pytest.raises(
            RunError, match=r"^can't read the runs folder .*file \(Not a directory\); choose .* --runs$"
        ):
            unreadable(tmp_path / "file")


def test_runs_are_listed_newest_first_whatever_their_version(three: Path) -> None:
    assert [run.run_id for run in list_runs(three)] == [NEW, OLD, OTHER]


def test_runs_that_were_asked_for_within_a_second_are_listed_newest_first_too(runs: Path) -> None:
    made = [create_run(runs, version).run_id for version in ("v3", "v0", "v0", "v1", "v0", "v0")]
    assert [run.run_id for run in list_runs(runs)] == made[::-1]
    assert find_run(runs, "last").run_id == made[-1]


def test_what_is_no_run_is_passed_over(three: Path) -> None:
    (three / "notes").mkdir()
    (three / ".devices").mkdir()
    (three / "v0-2026-1-1").mkdir()
    (three / f"{OLD}.bak").mkdir()
    (three / f"V{OLD[1:]}").mkdir()
    (three / "v1-20260101-120000-00ff").touch()
    (three / "v1-20260101-120000-00fe").symlink_to("nowhere")
    assert [run.run_id for run in list_runs(three)] == [NEW, OLD, OTHER]


# A person's word for a run


@pytest.mark.parametrize(("word", "run_id"), [(OLD, OLD), ("v3", NEW), ("v0-2026", OLD), ("v0-2025", OTHER)])
def test_an_id_or_its_beginning_finds_a_run(three: Path, word: str, run_id: str) -> None:
    assert find_run(three, word) == RunDirectory(three / run_id)


def test_last_is_the_newest_run(three: Path) -> None:
    assert find_run(three, "last").run_id == NEW


def test_a_label_finds_its_run(three: Path) -> None:
    label(three, OTHER, {"name": "first light", "tags": []})
    assert find_run(three, "first light").run_id == OTHER
    with pytest.raises(RunError, match="there is no run 'first'"):
        find_run(three, "first")


def test_a_whole_id_wins_over_a_label_of_that_name(three: Path) -> None:
    label(three, NEW, {"name": OLD})
    assert find_run(three, OLD).run_id == OLD


def test_a_trial_of_a_sweep_is_found_where_no_run_is_meant(three: Path) -> None:
    trials = three / "sweep-20260103-090000-0000" / "runs"
    for run_id in ("v0-20260103-090001-0001", "v3-20260103-090001-0002"):
        (trials / run_id).mkdir(parents=True)
    for word in ("v0-20260103-090001-0001", "v0-20260103"):
        assert find_run(three, word).path == trials / "v0-20260103-090001-0001"
    label(trials, "v3-20260103-090001-0002", {"name": "a trial"})
    assert find_run(three, "a trial").run_id == "v3-20260103-090001-0002"
    assert find_run(three, "v3").run_id == find_run(three, "last").run_id == NEW
    alone = three.parent / "alone"
    (alone / "sweep-20260103-090000-0000" / "runs" / OLD).mkdir(parents=True)
    assert find_run(alone, OLD).run_id == OLD
    with pytest.raises(RunError, match="there are no runs in"):
        find_run(alone, "last")


def test_a_name_of_several_runs_is_one_line_that_names_them(three: Path) -> None:
    with pytest.raises(RunError, match=f"^'v0' is ambiguous \\({OLD}, {OTHER}\\): use a longer prefix$"):
        find_run(three, "v0")


def test_a_name_of_very_many_runs_does_not_name_them_all(runs: Path) -> None:
    for number in range(30):
        (runs / f"v0-20260101-120000-{number:04x}").mkdir(parents=True)
    with pytest.raises(RunError) as raised:
        find_run(runs, "v0")
    assert len(str(raised.value)) < 250


def test_a_name_of_no_run_is_one_line(three: Path) -> None:
    with pytest.raises(RunError, match=r"^there is no run 'v2' in .*; `fmnist-tui runs` lists them$"):
        find_run(three, "v2")


@pytest.mark.parametrize("word", ["last", "v0", ""])
def test_where_there_are_no_runs_the_message_says_how_to_start_one(runs: Path, word: str) -> None:
    with pytest.raises(RunError, match=r"^there are no runs in .* yet; start one with: fmnist-tui train v0$"):
        find_run(runs, word)


@pytest.mark.parametrize(
    "word", ["", ".", "..", "../x", "/", "/etc", "./", "v0/../..", f"../runs/{OLD}", f"{OLD}/", "~"]
)
def test_no_name_leads_out_of_the_runs_folder(three: Path, word: str) -> None:
    (three.parent / "x").mkdir()
    with pytest.raises(RunError, match="there is no run"):
        find_run(three, word)


def test_an_absolute_path_to_a_run_elsewhere_is_no_run_here(three: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / OLD
    elsewhere.mkdir(parents=True)
    with pytest.raises(RunError, match="there is no run"):
        find_run(three, str(elsewhere))


def test_escape_codes_in_a_name_do_not_reach_the_message(three: Path) -> None:
    with pytest.raises(RunError) as raised:
        find_run(three, "\x1b[2J\n")
    assert str(raised.value).isprintable()


@settings(deadline=None, max_examples=50)
@given(word=st.text(st.sampled_from("v03-2./~\\ \n\0last*?")))
def test_any_name_finds_a_run_within_the_folder_or_none(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    runs = tmp_path_factory.mktemp("words") / "runs"
    for run_id in (OLD, NEW):
        (runs / run_id).mkdir(parents=True)
    try:
        found = find_run(runs, word)
    except RunError:
        return
    assert found in list_runs(runs)


# Names and sizes


@pytest.mark.parametrize("content", [None, [], {}, {"name": None}, {"tags": ["a"]}])
def test_a_run_without_a_name_has_an_empty_one(three: Path, content: object) -> None:
    label(three, OLD, content)
    assert name_of(RunDirectory(three / OLD)) == ""


def test_a_damaged_label_is_no_label(three: Path) -> None:
    (three / OLD / "label.json").write_bytes(b"\xff{")
    assert name_of(RunDirectory(three / OLD)) == ""


def test_a_run_without_files_has_no_configuration(run: RunDirectory) -> None:
    assert read_manifest(run).json == {}


def test_the_request_is_shown_until_the_configuration_is_known(run: RunDirectory) -> None:
    run.request.write_text('{"device": "auto"}')
    assert read_manifest(run).json == {"device": "auto"}
    run.run_json.write_text('{"device": "cpu"}')
    assert read_manifest(run).json == {"device": "cpu"}


def test_a_runs_size_is_that_of_all_its_files(run: RunDirectory) -> None:
    assert run.size() == 0
    (run.checkpoints / "step-0000001").mkdir(parents=True)
    run.events.write_bytes(b"12345")
    (run.checkpoints / "step-0000001" / "state.json").write_bytes(b"123")
    assert run.size() == 8


def test_a_running_runs_size_can_be_asked_for_while_its_files_come_and_go(run: RunDirectory) -> None:
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            folder = run.checkpoints / "step-0000001"
            folder.mkdir(parents=True)
            for number in range(20):
                (folder / f"{number}").touch()
            for number in range(20):
                (folder / f"{number}").unlink()
            folder.rmdir()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(come_and_go)
        try:
            for _ in range(300):
                assert run.size() == 0
        finally:
            done.set()
        future.result()
