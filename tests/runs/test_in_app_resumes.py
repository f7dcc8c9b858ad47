from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from cpus import on_one_cpu
from data.samples import write_idx

from fmnist_tui.data import load
from fmnist_tui.host.node import available_cpus, host_name
from fmnist_tui.runs import start, worker
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.text import counted
from fmnist_tui.training.blas_threads import FewerThreads
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Command,
    Epoch,
    Resumed,
    RunFinished,
    RunStarted,
    StepMetrics,
)
from fmnist_tui.training.streams import STREAM_NUMBER

from .trainers import (
    PATIENCE,
    SHORT_V0,
    SHORT_V3,
    Watch,
    assert_undisturbed,
    change,
    checkpoint_steps,
    copy_of,
    events_of,
    finish,
    one_line,
    request,
    running,
)

TINY_V3 = replace(SHORT_V3.hyperparameters, epochs=1, batch_size=50)


def resumed_step(run: RunDirectory) -> int:
    (resumed,) = (event for event in events_of(run) if isinstance(event, Resumed))
    return resumed.step


# Going on


def test_a_killed_run_goes_on_from_its_checkpoint_as_if_nothing_had_been(runs: Path, finished_v0: RunDirectory) -> None:
    run = request(runs, SHORT_V0)
    with running(run):
        watch = Watch(run)
        watch.next(Epoch)
        watch.next(StepMetrics)
        send_command(run, Command.SAVE)
        saved = watch.next(CheckpointSaved)
        assert watch.next(StepMetrics).step > saved.step
    assert status_of(run) is Status.INTERRUPTED
    assert finish(run) == 0
    assert saved.step % 450 != 0
    assert resumed_step(run) == saved.step
    assert_undisturbed(run, finished_v0)
    assert status_of(run) is Status.FINISHED


@pytest.mark.slow
def test_a_killed_cnn_goes_on_in_the_app_as_if_nothing_had_been(runs: Path, finished_v3: RunDirectory) -> None:
    run = request(runs, SHORT_V3)
    with running(run):
        watch = Watch(run)
        watch.next(StepMetrics)
        send_command(run, Command.SAVE)
        saved = watch.next(CheckpointSaved)
        assert watch.next(StepMetrics).step > saved.step
    assert status_of(run) is Status.INTERRUPTED
    assert InAppRun(run).train().reason == "completed"
    assert saved.step % 23 != 0
    assert resumed_step(run) == saved.step
    assert_undisturbed(run, finished_v3)


def test_a_stopped_run_is_resumed_as_if_never_interrupted(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    before = run.events.read_bytes()
    assert finish(run) == 0
    assert resumed_step(run) == checkpoint_steps(stopped_v0)[0]
    assert_undisturbed(run, finished_v0)
    assert run.events.read_bytes().startswith(before)


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_starts_again_as_if_never_interrupted(
    runs: Path, finished_v0: RunDirectory
) -> None:
    run = request(runs, SHORT_V0)
    with running(run):
        watch = Watch(run)
        watch.next(Epoch)
    assert checkpoint_steps(run) == []
    assert finish(run) == 0
    assert_undisturbed(run, finished_v0)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    newest, older = checkpoint_steps(run)
    weights = run.checkpoints / f"step-{newest:07d}" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert InAppRun(run).train().reason == "completed"
    assert resumed_step(run) == older
    assert_undisturbed(run, finished_v0)


def test_a_run_whose_checkpoints_are_all_damaged_says_so_and_harms_nothing(
    runs: Path, stopped_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    for state in run.checkpoints.glob("*/state.json"):
        state.write_text("{")
    steps = checkpoint_steps(run)
    message = one_line(InAppRun(run).train())
    assert message.startswith(
        f"checkpoint {run.checkpoints / f'step-{steps[0]:07d}'} is damaged, and there is no older"
    )
    assert message.endswith(
        "start a new run with: fmnist-tui train v0 --epochs 3 --batch-size 4 --seed 7 --threads 1 --data demo"
    )
    assert checkpoint_steps(run) == steps
    assert status_of(run) is Status.FAILED


# Refusing to go on


def test_a_run_does_not_go_on_with_other_training_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, train=demo.test)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other.train, other.test))))
    message = one_line(InAppRun(run).train())
    assert f"other has other training images than run {run.run_id} began with" in message
    assert message.endswith(f"give their folder with: fmnist-tui resume {run.run_id} --data DIR")
    assert checkpoint_steps(run) == checkpoint_steps(stopped_v0)


def test_a_run_does_not_go_on_with_other_test_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, test=demo.train)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other.train, other.test))))
    assert "other test images" in one_line(InAppRun(run).train())


def test_a_run_goes_on_with_the_same_images_from_another_place(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory, tmp_path: Path
) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    folder = write_idx(tmp_path / "same", demo.train, demo.test)
    change(run.request, lambda record: record.update(data=str(folder)))
    assert InAppRun(run).train().reason == "completed"
    assert_undisturbed(run, finished_v0)


def test_a_run_of_another_random_stream_does_not_go_on(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] + 1))
    reported = one_line(InAppRun(run).train())
    assert "another version of this program" in reported
    assert "; start a new run with: fmnist-tui train v0" in reported
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] - 1))
    assert status_of(run) is Status.FAILED
    assert InAppRun(run).train().reason == "completed"


@pytest.mark.parametrize("content", ["{", "{}", '{"data": {}, "window": 1}', "without fingerprints"])
def test_a_run_whose_run_json_is_damaged_does_not_begin_a_new_one(
    runs: Path, stopped_v0: RunDirectory, content: str
) -> None:
    run = copy_of(stopped_v0, runs)
    if content == "without fingerprints":
        change(run.run_json, lambda record: record.update(data={}))
    else:
        run.run_json.write_text(content)
    line = (
        f"{run.run_json} is damaged, so the run can't be resumed; start a new run with: fmnist-tui train v0 --epochs 3"
    )
    assert one_line(InAppRun(run).train()).startswith(line)


# On another machine


def begun_elsewhere(stopped: RunDirectory, runs: Path, **conditions: object) -> RunDirectory:
    """A copy of a stopped run that says to have been begun under other conditions."""
    run = copy_of(stopped, runs)
    change(run.run_json, lambda record: record.update(conditions))
    return run


def alerts_of(run: RunDirectory) -> list[Alert]:
    return [event for event in events_of(run) if isinstance(event, Alert)]


def last_resumed(run: RunDirectory) -> Resumed:
    return [event for event in events_of(run) if isinstance(event, Resumed)][-1]


def test_a_resume_under_the_same_conditions_is_exact_keeps_run_json_and_numbers_its_events_on(
    runs: Path, stopped_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    InAppRun(run).train()
    assert run.run_json.read_bytes() == stopped_v0.run_json.read_bytes()
    numbers = [logged.seq for logged in LogReader(run.events).read()]
    assert numbers == list(range(len(numbers)))
    resumed = last_resumed(run)
    assert (resumed.host, resumed.device, resumed.threads, resumed.exact) == (host_name(), "cpu", 1, True)
    assert alerts_of(run) == []
    assert json.loads(run.result.read_text())["exact"] is True


def test_a_run_from_a_larger_machine_takes_the_cpus_that_are_here_and_says_so(
    runs: Path, stopped_v0: RunDirectory
) -> None:
    run = begun_elsewhere(stopped_v0, runs, host="gpu01", threads=512, cpus=512)
    before = run.run_json.read_bytes()
    with on_one_cpu():
        assert InAppRun(run).train().reason == "completed"
        cpus = available_cpus()
    assert alerts_of(run) == [
        Alert(
            "resume_inexact",
            f"resumed on {host_name()} (was gpu01) with {counted(cpus, 'thread')} instead of 512: "
            "training continues, but not bit for bit as it would have there",
        )
    ]
    resumed = last_resumed(run)
    assert (resumed.threads, resumed.exact) == (cpus, False)
    assert run.run_json.read_bytes() == before
    result = json.loads(run.result.read_text())
    assert (result["threads"], result["exact"]) == (cpus, False)


def test_a_run_that_was_elsewhere_for_a_while_is_not_exact_any_more(runs: Path, stopped_v0: RunDirectory) -> None:
    run = begun_elsewhere(stopped_v0, runs, host="gpu01")
    watch = Watch(run)
    watch.new()
    with running(run):
        watch.next(StepMetrics)
        send_command(run, Command.STOP_NOW)
        assert watch.next(RunFinished).resumable
    (alert,) = alerts_of(run)
    change(run.run_json, lambda record: record.update(host=host_name()))  # back where it began
    InAppRun(run).train()
    assert alerts_of(run) == [alert]
    assert not last_resumed(run).exact
    assert json.loads(run.result.read_text())["exact"] is False


def test_other_versions_of_libraries_are_named(runs: Path, stopped_v0: RunDirectory) -> None:
    run = begun_elsewhere(stopped_v0, runs, versions={"numpy": "0.9.1", "torch": "0.1"})
    assert InAppRun(run).train().reason == "completed"
    (alert,) = alerts_of(run)
    assert alert.message.startswith("resumed with NumPy ")
    assert " instead of 0.9.1: training continues, but not bit for bit as it would have before" in alert.message
    assert "PyTorch" not in alert.message


def test_too_many_threads_are_kept_where_they_were_asked_for_and_reported(runs: Path, stopped_v0: RunDirectory) -> None:
    cpus = available_cpus()
    run = begun_elsewhere(stopped_v0, runs, threads=cpus + 1, cpus=cpus)
    change(run.request, lambda record: record.update(threads=cpus + 1))
    watch = Watch(run)
    watch.new()
    with running(run):
        resumed = watch.next(Resumed)
    assert (resumed.threads, resumed.exact) == (cpus + 1, True)
    assert [alert.kind for alert in alerts_of(run)] == ["too_many_threads"]


def test_a_run_begins_on_fewer_threads_where_those_are_faster(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "fewer_threads", lambda threads: FewerThreads(1, f"1 thread instead of {threads}"))
    monkeypatch.setattr(start, "available_cpus", lambda: 4)
    run = request(runs, replace(SHORT_V0, hyperparameters=replace(SHORT_V0.hyperparameters, epochs=1), threads=0))
    assert InAppRun(run).train().reason == "completed"
    assert [(alert.kind, alert.message) for alert in alerts_of(run)] == [("fewer_threads", "1 thread instead of 4")]
    assert read_manifest(run).threads == 1
    assert [event.threads for event in events_of(run) if isinstance(event, RunStarted)] == [1]


def test_a_run_goes_on_with_the_threads_that_its_checkpoint_names(runs: Path, stopped_v0: RunDirectory) -> None:
    """It had gone on with fewer than it began with: the same number keeps it exact."""
    run = begun_elsewhere(stopped_v0, runs, threads=available_cpus())
    for folder in run.checkpoints.iterdir():
        change(folder / "state.json", lambda record: record["position"].update(threads=1))
    InAppRun(run).train()
    assert (last_resumed(run).threads, last_resumed(run).exact) == (1, True)
    assert json.loads(run.result.read_text())["threads"] == 1
    assert alerts_of(run) == []


def test_a_run_starts_again_elsewhere_where_nothing_was_saved(runs: Path, stopped_v0: RunDirectory) -> None:
    run = begun_elsewhere(stopped_v0, runs, host="gpu01")
    shutil.rmtree(run.checkpoints)
    InAppRun(run).train()
    assert [alert.kind for alert in alerts_of(run)] == ["no_checkpoint", "resume_inexact"]
    assert alerts_of(run)[1].message.startswith(f"started again on {host_name()} (was gpu01): ")
    started = [event for event in events_of(run) if isinstance(event, RunStarted)]
    assert [(event.host, event.exact) for event in started] == [(host_name(), True), (host_name(), False)]


@pytest.mark.parametrize("asked", ["auto", pytest.param("cuda:99", marks=pytest.mark.slow)])
def test_a_run_goes_on_where_its_device_is_not(runs: Path, tmp_path: Path, asked: str) -> None:
    run = request(runs, replace(SHORT_V3, device=asked, hyperparameters=TINY_V3))
    record = {**SHORT_V3.to_json(), "device": "cuda:99", "window": 1, "random_stream": STREAM_NUMBER}
    record |= {"device_name": "NVIDIA A100", "host": host_name(), "hyperparameters": asdict(TINY_V3)}
    fingerprints = zip(("train_fingerprint", "test_fingerprint"), load("demo", tmp_path).fingerprints, strict=True)
    run.run_json.write_text(json.dumps({**record, "data": dict(fingerprints)}))
    assert InAppRun(run).train().reason == "completed"
    (alert,) = alerts_of(run)
    assert alert.kind == "resume_inexact"
    assert " instead of NVIDIA A100" in alert.message
    assert ("(cuda:99 was requested, but isn't available)" in alert.message) == (asked != "auto")
    assert json.loads(run.result.read_text())["device"] != "cuda:99"


@pytest.mark.slow
def test_a_stopped_run_goes_on_in_another_home(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home" / name.lower()))
    run = copy_of(stopped_v0, runs / "another folder")
    change(run.request, lambda record: record.update(argv=["/home/nobody/bin/fmnist-tui", "train", "v0"]))
    (started,) = submit([run]).started.values()
    assert started.wait(PATIENCE) == 0
    assert last_resumed(run).exact
    assert_undisturbed(run, finished_v0)
