"""Writing the event log."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from full_disk import space_for

from fmnist_tui.runs import event_log
from fmnist_tui.runs.event_log import EventLog, Logged, LogReader, encode, read_tail
from fmnist_tui.training import events
from fmnist_tui.training.events import Event, StepMetrics

from .logs import EVERY_EVENT, STARTED, epoch, read, step, write

RUN_ENDED = events.RunFinished("completed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


# Writing


def test_the_tests_know_every_event() -> None:
    assert {type(event) for event in EVERY_EVENT} == set(get_args(Event))


def test_every_event_is_read_back_as_it_was_written(path: Path) -> None:
    written = write(path, *EVERY_EVENT)
    assert [logged.event for logged in written] == EVERY_EVENT
    assert [logged.seq for logged in written] == list(range(len(EVERY_EVENT)))
    assert read_tail(path) == written


def test_an_event_is_one_line_with_its_name_a_time_and_a_number(path: Path) -> None:
    write(path, events.Stage("two\nlines"), step(4))
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["event"], first["name"], first["seq"]) == ("stage", "two\nlines", 0)
    assert (second["event"], second["step"], second["seq"]) == ("step", 4, 1)
    assert abs(time.time() - first["time"]) < 5


def test_a_loss_that_is_not_finite_is_null_in_the_log_and_nan_for_its_readers(path: Path) -> None:
    write(path, step(1, loss=math.nan), step(2, loss=math.inf))
    assert [json.loads(line)["loss"] for line in path.read_text().splitlines()] == [None, None]
    losses = [event.loss for event in read(path) if isinstance(event, StepMetrics)]
    assert len(losses) == 2
    assert all(math.isnan(loss) for loss in losses)


@pytest.mark.parametrize("loss", [1e-300, 1e16, 1e300])
def test_a_loss_that_is_huge_but_finite_is_read_back(path: Path, loss: float) -> None:
    write(path, step(1, loss=loss))
    assert read(path) == [step(1, loss=loss)]


def test_what_was_appended_can_be_read_at_once(path: Path) -> None:
    with closing(EventLog(path)) as log:
        log.append(step(1))
        assert read(path) == [step(1)]
        log.sync()


def test_a_second_writer_goes_on_where_the_first_ended(path: Path) -> None:
    write(path, step(1), step(2))
    before = path.read_bytes()
    write(path, step(3))
    assert path.read_bytes().startswith(before)
    assert [(logged.event, logged.seq) for logged in LogReader(path).read()] == [(step(n), n - 1) for n in (1, 2, 3)]


@pytest.mark.parametrize("cut", [1, 20, len(encode(Logged(step(3), 1.0, 2))) - 1])
def test_a_torn_tail_is_ended_before_the_next_event(path: Path, cut: int) -> None:
    write(path, step(1), step(2))
    with path.open("ab") as file:
        file.write(encode(Logged(step(3), 1.0, 2))[:cut])
    torn = path.read_bytes()
    write(path, step(4))
    assert path.read_bytes().startswith(torn + b"\n")
    assert step(4) in read(path)
    numbers = [logged.seq for logged in LogReader(path).read()]
    assert numbers == sorted(set(numbers))


def test_an_empty_log_is_not_torn(path: Path) -> None:
    path.touch()
    write(path, step(1))
    assert path.read_bytes().count(b"\n") == 1


# The trainer that writes


class Replaced(Exception):
    """Another trainer has taken the run."""


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


class Check:
    """Counts how often it is asked; raises once another trainer has taken the run."""

    def __init__(self) -> None:
        self.asked = 0
        self.replaced = False

    def __call__(self) -> None:
        self.asked += 1
        if self.replaced:
            raise Replaced


def test_each_line_has_the_number_of_the_trainer_that_wrote_it(path: Path) -> None:
    write(path, step(1))
    with closing(EventLog(path, attempt=2)) as log:
        log.append(step(2))
    assert [logged.attempt for logged in LogReader(path).read()] == [None, 2]
    first, second = map(json.loads, path.read_text().splitlines())
    assert "attempt" not in first
    assert second["attempt"] == 2


def test_a_trainer_checks_before_each_batch_of_lines_whether_it_still_has_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, check = Clock(monkeypatch), Check()
    with closing(EventLog(path, 1, check)) as log:
        for seconds, asked in ((0.0, 1), (0.1, 1), (0.3, 1), (0.2, 2), (0.4, 2), (60.0, 3)):
            clock.now += seconds
            log.append(step(1))
            assert check.asked == asked
        log.sync()
        assert check.asked == 4


def test_a_replaced_trainer_writes_nothing_and_learns_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, check = Clock(monkeypatch), Check()
    with closing(EventLog(path, 1, check)) as log:
        log.append(step(1))
        check.replaced = True
        clock.now += 1
        for _ in range(2):
            with pytest.raises(Replaced):
                log.append(step(2))
        with pytest.raises(Replaced):
            log.sync()
    assert read(path) == [step(1)]


def test_a_trainer_that_was_replaced_does_not_write_what_had_found_no_space(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check()
    clock = Clock(monkeypatch)
    with closing(EventLog(path, 1, check)) as log:
        with space_for(0):
            log.append(step(1))
        check.replaced = True
        clock.now += 1
        with pytest.raises(Replaced):
            log.append(step(2))
    assert path.read_bytes() == b""


def test_what_was_written_can_be_sent_to_a_file_server_from_any_thread_at_any_time(path: Path) -> None:
    log = EventLog(path)
    over = threading.Event()

    def flush() -> None:
        while not over.is_set():
            log.flush_remote()

    threads = [threading.Thread(target=flush) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(200):
        log.append(step(number))
    log.close()
    log.flush_remote()
    over.set()
    for thread in threads:
        thread.join()
    assert len(read(path)) == 200


def test_a_flush_that_fails_ends_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "the server is away")

    monkeypatch.setattr(os, "fsync", fail)
    with closing(EventLog(path)) as log:
        log.append(step(1))
        log.flush_remote()
        log.sync()
    assert read(path) == [step(1)]


# A full disk


@pytest.mark.parametrize("space", [1, 20, 100, 250])
def test_what_finds_no_space_is_written_when_there_is_space_again(path: Path, space: int) -> None:
    written: list[Event] = [step(1), step(2), events.Stage("validating"), step(3), step(4)]
    with closing(EventLog(path)) as log:
        log.append(written[0])
        with space_for(path.stat().st_size + space):
            for event in written[1:4]:
                log.append(event)
            assert path.read_bytes()[-1:] != b"\n"
            assert read(path) == written[: path.read_bytes().count(b"\n")]
        log.append(written[4])
    assert read(path) == written
    assert [logged.seq for logged in LogReader(path).read()] == list(range(5))
    assert path.read_bytes().count(b"\n") == 5


def test_a_writer_that_ends_without_space_leaves_a_log_that_the_next_one_continues(path: Path) -> None:
    with space_for(150), closing(EventLog(path)) as log:
        for number in (1, 2, 3):
            log.append(step(number))
        log.sync()
    assert write(path, step(4))[-1].event == step(4)
    assert read(path) == [step(1), step(4)]


def test_steps_are_given_up_first_where_the_disk_is_full_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_MAX_PENDING", 4)
    with closing(EventLog(path)) as log:
        with space_for(0):
            log.append(STARTED)
            for number in (1, 2):
                log.append(step(number))
                log.append(epoch(number))
            for number in (3, 4, 5):
                log.append(step(number))
        log.append(RUN_ENDED)
    assert read(path) == [STARTED, epoch(1), epoch(2), step(5), RUN_ENDED]
