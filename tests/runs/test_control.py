from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.errors import RunError
from fmnist_tui.runs.control import Inbox, busy_stage, control_end, send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Command,
    Continued,
    Event,
    Paused,
    Resumed,
    RunFinished,
    Stage,
    StepMetrics,
    StopRequested,
)

from .logs import write_log
from .trainers import ENDLESS_V0, Watch, checkpoint_steps, copy_of, finish, request, running

JUNK = {
    "an empty line": b"",
    "no JSON": b"pause",
    "no object": b'["pause"]',
    "a string": b'"command"',
    "nothing": b"null",
    "no command": b'{"time": 1.0}',
    "an unknown command": b'{"command": "dance"}',
    "a command that is no word": b'{"command": {"command": "pause"}}',
    "bytes that are no text": b"\xff\xfe\x00\xd8",
}
DEEP = b"[" * 100_000


def line(command: str) -> bytes:
    return json.dumps({"command": command, "time": 1.0, "pid": 1}).encode() + b"\n"


def append(run: RunDirectory, content: bytes) -> None:
    with run.control.open("ab") as file:
        file.write(content)


# The file


@pytest.mark.parametrize(
    ("log", "command", "line"),
    [
        ([], Command.PAUSE, "was interrupted: nothing to pause; resume it with: fmnist-tui resume"),
        ([RunFinished("completed")], Command.STOP_NOW, "has finished: nothing to stop; see it with: fmnist-tui show"),
        ([RunFinished("failed")], Command.CONTINUE, "has failed: nothing to continue; see why with: fmnist-tui show"),
        (
            [RunFinished("stopped", resumable=True)],
            Command.STOP_AFTER_EPOCH,
            "was stopped: nothing to stop; resume it with: fmnist-tui resume",
        ),
    ],
)
def test_a_run_without_a_trainer_is_sent_nothing(
    run: RunDirectory, log: list[Event], command: Command, line: str
) -> None:
    write_log(run, *log)
    with pytest.raises(RunError, match=f"^{run.run_id} {line} {run.run_id}$"):
        send_command(run, command)
    assert not run.control.exists()


@pytest.mark.parametrize(
    ("log", "busy"),
    [
        ([Stage("importing PyTorch")], "importing PyTorch"),
        ([Stage("building network"), Alert("kind", "words")], "building network"),
        ([Stage("waiting for cpu")], ""),
        ([Stage("validating")], ""),
        ([Stage("importing PyTorch"), Resumed(3, 1)], ""),
        ([], ""),
    ],
)
def test_while_a_trainer_gets_ready_a_command_waits_and_it_is_known_for_what(
    run: RunDirectory, log: list[Event], busy: str
) -> None:
    write_log(run, *log)
    assert busy_stage(run) == busy


def test_what_is_sent_arrives_in_order_and_once(run: RunDirectory) -> None:
    commands = [Command.PAUSE, Command.CONTINUE, Command.SAVE, Command.STOP_AFTER_EPOCH, Command.STOP_NOW]
    inbox = Inbox(run, control_end(run))
    with holding(acquire(run)):
        for command in commands:
            send_command(run, command)
    assert [inbox() for _ in commands] == commands
    assert inbox() is None


def test_a_sent_command_says_when_and_by_whom(run: RunDirectory) -> None:
    with holding(acquire(run)):
        send_command(run, Command.PAUSE)
    record = json.loads(run.control.read_text())
    assert record["command"] == "pause"
    assert abs(time.time() - record["time"]) < 5
    assert isinstance(record["pid"], int)


def test_a_control_file_that_cannot_be_written_is_one_line(run: RunDirectory) -> None:
    run.control.mkdir()
    with (
        holding(acquire(run)),
        pytest.raises(RunError, match=r"^can't write .*control\.jsonl \(Is a directory\); fix that, then try again$"),
    ):
        send_command(run, Command.PAUSE)


# The trainer's ear


def test_an_inbox_without_a_file_is_silent(run: RunDirectory) -> None:
    assert Inbox(run, control_end(run))() is None


def test_commands_from_before_the_trainer_are_not_obeyed(run: RunDirectory) -> None:
    append(run, line(Command.STOP_NOW))
    inbox = Inbox(run, control_end(run))
    append(run, line("pause"))
    assert [inbox(), inbox()] == [Command.PAUSE, None]


def test_what_the_trainers_own_process_wants_comes_first(run: RunDirectory) -> None:
    inbox = Inbox(run, 0)
    append(run, line("pause"))
    inbox.put(Command.STOP_NOW)
    assert [inbox(), inbox(), inbox()] == [Command.STOP_NOW, Command.PAUSE, None]


def test_a_control_file_that_was_emptied_or_replaced_is_read_from_its_start(run: RunDirectory) -> None:
    append(run, line("pause") * 3)
    inbox = Inbox(run, control_end(run))
    assert inbox() is None
    run.control.write_bytes(b"")
    assert inbox() is None
    append(run, line(Command.STOP_NOW))
    assert inbox() is Command.STOP_NOW
    run.control.unlink()
    append(run, line(Command.SAVE))
    assert inbox() is Command.SAVE


@pytest.mark.parametrize("junk", [*JUNK.values(), DEEP], ids=[*JUNK, "a very deep list"])
def test_junk_is_passed_over(run: RunDirectory, junk: bytes) -> None:
    append(run, line("pause") + junk + b"\n" + line("continue"))
    inbox = Inbox(run, 0)
    assert [inbox(), inbox(), inbox()] == [Command.PAUSE, Command.CONTINUE, None]


@settings(deadline=None, max_examples=50)
@given(junk=st.lists(st.binary().map(lambda junk: junk.replace(b"\n", b""))))
def test_any_junk_is_passed_over(tmp_path_factory: pytest.TempPathFactory, junk: list[bytes]) -> None:
    run = RunDirectory(tmp_path_factory.mktemp("junk"))
    append(run, b"\n".join([*junk, line(Command.SAVE)]))
    inbox = Inbox(run, 0)
    assert [inbox(), inbox()] == [Command.SAVE, None]


@pytest.mark.parametrize("cut", [1, 12, len(line("pause")) - 1])
def test_half_a_line_waits_for_its_other_half(run: RunDirectory, cut: int) -> None:
    inbox = Inbox(run, 0)
    append(run, line(Command.SAVE) + line("pause")[:cut])
    assert [inbox(), inbox()] == [Command.SAVE, None]
    append(run, line("pause")[cut:])
    assert [inbox(), inbox()] == [Command.PAUSE, None]


def test_a_sender_that_died_in_mid_line_does_not_spoil_the_next_ones_command(run: RunDirectory) -> None:
    inbox = Inbox(run, 0)
    append(run, line("pause")[:12])
    with holding(acquire(run)):
        send_command(run, Command.STOP_NOW)
    assert inbox() is Command.STOP_NOW


# Live trainers


def test_a_running_run_pauses_continues_and_stops_after_its_epoch(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(StepMetrics)
        send_command(run, Command.PAUSE)
        paused = watch.next(Paused)
        assert watch.next(CheckpointSaved).step == paused.step
        assert status_of(run) is Status.PAUSED
        time.sleep(0.2)
        assert watch.new() == []
        send_command(run, Command.CONTINUE)
        assert watch.next(Continued).step == paused.step
        assert watch.next(StepMetrics).step > paused.step
        assert status_of(run) is Status.RUNNING
        send_command(run, Command.STOP_AFTER_EPOCH)
        assert watch.next(StopRequested).how == "after-epoch"
        assert watch.next(RunFinished) == RunFinished("stopped", scored=True)
        assert trainer.wait() == 0
    result = json.loads(run.result.read_text())
    assert result["reason"] == "stopped"
    assert result["steps"] == result["epochs"] * 113
    assert result["test_images"] == 500
    assert run.model.exists()
    assert run.predictions.exists()
    assert status_of(run) is Status.FINISHED


def test_a_running_run_that_stops_now_is_saved_at_its_step_and_not_scored(stopped_v0: RunDirectory) -> None:
    *_, last = [event for event in Watch(stopped_v0).new() if isinstance(event, StepMetrics)]
    assert checkpoint_steps(stopped_v0)[0] == last.step
    assert last.epoch == 2
    assert status_of(stopped_v0) is Status.STOPPED
    for path in (stopped_v0.result, stopped_v0.model, stopped_v0.predictions):
        assert not path.exists()


def test_a_paused_run_can_be_stopped(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        send_command(run, Command.PAUSE)
        assert watch.next(Paused).step == 0
        send_command(run, Command.STOP_AFTER_EPOCH)
        watch.next(Continued)
        assert watch.next(StepMetrics).step == 1
        assert watch.next(RunFinished).scored
        assert trainer.wait() == 0


def test_a_running_trainer_passes_over_junk_and_obeys_what_follows_it(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(StepMetrics)
        append(run, b"\n".join(JUNK.values()) + b"\n" + line(Command.STOP_NOW)[:14])
        for _ in range(3):
            watch.next(StepMetrics)
        assert trainer.poll() is None
        append(run, line(Command.STOP_NOW)[14:])
        assert watch.next(StopRequested).how == "now"
        assert watch.next(RunFinished).resumable


def test_a_resumed_trainer_does_not_obey_commands_to_the_one_before(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    assert b'"stop-now"' in run.control.read_bytes()
    append(run, line("pause") + line(Command.STOP_NOW))
    assert finish(run) == 0
    assert status_of(run) is Status.FINISHED
