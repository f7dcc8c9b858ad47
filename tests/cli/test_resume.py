from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from data.samples import write_idx
from waiting import wait_until

from fmnist_tui.data import load
from fmnist_tui.host.node import available_cpus, host_name
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Command, Resumed, StepMetrics

from .commands import (
    ENDLESS,
    Outcome,
    call,
    copy_of,
    edit,
    finish,
    first,
    newest,
    started,
    wait_for_status,
)
from .conftest import Fmnist
from .idx import sample

ENDLESS_ON = ("v0", "--epochs", "10000", "--batch-size", "16", "--threads", "1", "--data")


def test_a_finished_run_is_not_resumed(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    before = run.events.read_bytes()
    outcome = fmnist("resume", "last", "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == f"run {run.run_id} is finished; start a new one with: fmnist-tui train v0"
    assert run.events.read_bytes() == before


def test_a_run_is_resumed_in_this_process_or_detached(fmnist: Fmnist, runs: Path) -> None:
    with started("train", *ENDLESS, "--json", "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
        assert finish(process).status == 0
    detached = call("resume", "last", "--detach", "--runs", runs)
    assert (detached.status, detached.out, detached.err) == (0, f"{run.run_id}\n", "")
    first(run, Resumed)
    assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)
    with started("resume", "last", "--in-app", "--json", "--runs", runs) as process:
        wait_for_status(run, Status.RUNNING)
        assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
        outcome = finish(process)
    assert (outcome.status, outcome.err) == (0, "")
    resumed = [logged.event for logged in LogReader(run.events).read() if isinstance(logged.event, Resumed)]
    assert [event.pid for event in resumed][-1] == process.pid
    printed = [json.loads(line) for line in outcome.lines]
    assert [line["step"] for line in printed if line["event"] == "resumed"][-1] == resumed[-1].step


@pytest.fixture
def tiny(four: Path) -> RunDirectory:
    """A finished run of v0 of three steps."""
    return next(run for run in list_runs(four) if run.run_id.startswith("v0"))


@pytest.mark.parametrize("mode", [[], pytest.param(["--in-app"], marks=pytest.mark.slow)], ids=["process", "in-app"])
def test_earlier_events_are_not_printed_again(fmnist: Fmnist, tiny: RunDirectory, runs: Path, mode: list[str]) -> None:
    run = copy_of(tiny, runs)
    before = b"".join(run.events.read_bytes().splitlines(keepends=True)[:-1])
    run.events.write_bytes(before)
    outcome = fmnist("resume", "last", "--json", *mode, "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    new = run.events.read_bytes().removeprefix(before).splitlines()
    assert [json.loads(line) for line in outcome.lines] == [{"run": run.run_id, **json.loads(line)} for line in new]


def test_a_run_that_never_took_a_step_starts_from_the_beginning(fmnist: Fmnist, tiny: RunDirectory, runs: Path) -> None:
    run = RunDirectory(runs / tiny.run_id)
    run.path.mkdir(parents=True)
    shutil.copy(tiny.request, run.request)
    assert status_of(run) is Status.INTERRUPTED
    outcome = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[-2] == f"{run.run_id}  completed"
    score = read_run(run).test_accuracy
    assert score is not None
    assert outcome.lines[-1].startswith(f"{run.run_id}: test accuracy {100 * score:.2f}% (95% CI ")


def test_a_run_whose_checkpoints_are_damaged_is_not_resumed(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    with run.events.open("a") as log:
        log.write('{"event":"resumed","step":450,"pid":1,"time":1,"seq":0}\n')
    broken = run.checkpoints / "step-0000450"
    broken.mkdir(parents=True)
    (broken / "state.json").write_text("{}")
    outcome = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert outcome.status == 1
    assert status_of(run) is Status.FAILED
    assert (
        f"checkpoint {broken} is damaged, and there is no older one; start a new run with: fmnist-tui train v0 --ep"
        in (outcome.complaint)
    )


def test_detach_and_in_app_exclude_each_other(fmnist: Fmnist, finished: RunDirectory) -> None:
    outcome = fmnist("resume", "last", "--detach", "--in-app", "--runs", finished.path.parent)
    assert outcome.status == 2


# Images that were moved


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, surroundings: None) -> RunDirectory:
    """A short run that was stopped on images in a folder; tests go on with copies of the runs folder and of them."""
    where = tmp_path_factory.mktemp("stopped")
    demo = load("demo", where)
    write_idx(where / "images", demo.train, demo.test)
    runs = where / "runs"
    with started("train", *ENDLESS_ON, where / "images", "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        send_command(run, Command.STOP_NOW)
        assert finish(process).status == 0
    return run


@pytest.fixture
def moved(stopped: RunDirectory, runs: Path, tmp_path: Path) -> tuple[RunDirectory, Path]:
    """A copy of the run, whose request names a folder that is gone, and a copy of the images."""
    run = RunDirectory(shutil.copytree(stopped.path, runs / stopped.run_id))
    images = tmp_path / "moved"
    shutil.copytree(stopped.path.parents[1] / "images", images)
    edit(run.request, data=str(tmp_path / "gone"))
    return run, images


def goes_on(run: RunDirectory, *arguments: object, **environment: str) -> Outcome:
    """Resumes a run, stops it as soon as it trains, and returns what `resume` left."""
    before = len(resumes(run))
    with started("resume", run.run_id, *arguments, "--runs", run.path.parent, **environment) as process:
        wait_until(lambda: len(resumes(run)) > before or process.poll() is not None, "it went on")
        if process.poll() is None:
            send_command(run, Command.STOP_NOW)
        return finish(process)


def resumes(run: RunDirectory) -> list[Resumed]:
    return [logged.event for logged in LogReader(run.events).read() if isinstance(logged.event, Resumed)]


def test_missing_images_are_an_error_with_advice(
    fmnist: Fmnist, moved: tuple[RunDirectory, Path], tmp_path: Path
) -> None:
    run, _ = moved
    before = run.events.read_bytes()
    outcome = fmnist("resume", "last", "--runs", run.path.parent)
    assert outcome.status == 1
    advice = f"give their folder with: fmnist-tui resume {run.run_id} --data DIR"
    assert outcome.complaint == f"there is no folder {tmp_path / 'gone'}; {advice}"
    assert run.events.read_bytes() == before


def test_a_run_goes_on_with_images_that_are_given_and_remembers_their_folder(
    fmnist: Fmnist, moved: tuple[RunDirectory, Path]
) -> None:
    run, images = moved
    settings = run.request.read_bytes(), run.run_json.read_bytes()
    assert goes_on(run, "--data", images).status == 0
    assert goes_on(run).status == 0
    assert len(resumes(run)) == 2
    assert all(event.exact for event in resumes(run))
    assert (run.request.read_bytes(), run.run_json.read_bytes()) == settings
    shown = fmnist("show", run.run_id, "--runs", run.path.parent)
    assert f"data now         {images}" in [line.rstrip() for line in shown.lines]


@pytest.mark.slow
def test_a_run_goes_on_with_images_that_the_environment_names(moved: tuple[RunDirectory, Path]) -> None:
    run, images = moved
    assert goes_on(run, FMNIST_TUI_DATA=str(images)).status == 0
    assert len(resumes(run)) == 1
    assert goes_on(run).status == 0


def test_a_run_does_not_go_on_with_other_images(
    fmnist: Fmnist, moved: tuple[RunDirectory, Path], tmp_path: Path
) -> None:
    run, _ = moved
    other = sample().write(tmp_path / "other")
    outcome = fmnist("resume", "last", "--data", other, "--runs", run.path.parent)
    assert outcome.status == 1
    assert outcome.complaint.startswith(f"{other} has other training images than run {run.run_id} began with")
    assert outcome.complaint.endswith("--data DIR")
    assert resumes(run) == []


def test_an_empty_folder_name_is_wrong_usage(fmnist: Fmnist, moved: tuple[RunDirectory, Path]) -> None:
    assert fmnist("resume", "last", "--data", "", "--runs", moved[0].path.parent).status == 2


# Other machines


def test_what_a_run_goes_on_with_is_printed_and_shown(fmnist: Fmnist, moved: tuple[RunDirectory, Path]) -> None:
    run, images = moved
    edit(run.run_json, host="gpu01", threads=512)
    outcome = goes_on(run, "--data", images)
    alert = f"alert: resumed on {host_name()} (was gpu01) with {available_cpus()} thread"
    assert any(line.startswith(f"{run.run_id}  {alert}") for line in outcome.lines)
    shown = fmnist("show", run.run_id, "--runs", run.path.parent).out
    assert re.search(r"^device .*, 512 threads$", shown, re.MULTILINE)
    assert re.search(rf"^continued on +cpu, {available_cpus()} threads?, on {host_name()}$", shown, re.MULTILINE)


def test_a_folder_of_runs_goes_on_under_another_path_and_in_another_home(
    moved: tuple[RunDirectory, Path], tmp_path: Path
) -> None:
    run, images = moved
    elsewhere = RunDirectory(shutil.copytree(run.path.parent, tmp_path / "mnt" / "runs") / run.run_id)
    names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    homes = {name: str(tmp_path / "home" / name.lower()) for name in names}
    assert goes_on(elsewhere, "--data", images, **homes).status == 0
    assert [event.exact for event in resumes(elsewhere)] == [True]
