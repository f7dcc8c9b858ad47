from __future__ import annotations

import json
import math
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from full_disk import room_for
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.runs import event_log
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, Logged, LogReader, encode, read_tail
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training import events
from fmnist_tui.training.events import Event, StepMetrics

from .logs import EVERY_EVENT, STARTED, epoch, step
from .reads import Reads

RUN_ENDED = events.RunFinished("completed")

JUNK = {
    "an empty line": b"",
    "no JSON": b"step 5",
    "half an event": b'{"event":"step","step":5,',
    "no object": b'["step", 5]',
    "nothing": b"null",
    "no event": b'{"step":5,"time":1.0,"seq":0}',
    "a later version's event": b'{"event":"teleported","to":"Mars","time":1.0,"seq":0}',
    "an event without its keys": b'{"event":"step","time":1.0,"seq":0}',
    "an event without a time": b'{"event":"stage","name":"validating","seq":0}',
    "an event without a number": b'{"event":"stage","name":"validating","time":1.0}',
    "a word for a number": b'{"event":"checkpoint_saved","step":"five","time":1.0,"seq":0}',
    "bytes that are no text": b"\xff\xfe\x00\xd8",
    "a very deep list": b"[" * 100_000,
    "a deep list in an event": b'{"event":"paused","step":5,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "an attempt below all": b'{"event":"stage","name":"a","time":1,"seq":0,"attempt":-1}',
    "an attempt that is no number": b'{"event":"stage","name":"a","time":1,"seq":0,"attempt":"1"}',
    "an attempt beyond all": b'{"event":"stage","name":"a","time":1,"seq":0,"attempt":1' + b"0" * 400 + b"}",
    "two megabytes without an end": b'{"event":"stage","name":"' + b"a" * (2 << 20),
    "a time beyond all clocks": b'{"event":"stage","name":"a","time":1' + b"0" * 400 + b',"seq":0}',
}

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**307, 10**330)
    | st.floats()
    | st.text("ab\x1b", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)


@st.composite
def strange_events(draw: st.DrawFn) -> bytes:
    """An event that we know, with something else under one of its keys."""
    logged = Logged(draw(st.sampled_from(EVERY_EVENT)), 1.0, 0)
    record = json.loads(encode(logged))
    record[draw(st.sampled_from(sorted(record.keys() - {"event"})))] = draw(VALUES)
    return json.dumps(record).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(path: Path, *new: Event) -> list[Logged]:
    with closing(EventLog(path)) as log:
        for event in new:
            log.append(event)
    return LogReader(path).read()


def read(path: Path) -> list[Event]:
    return [logged.event for logged in LogReader(path).read()]


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


def test_a_trainer_that_was_replaced_writes_nothing_and_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_trainer_that_was_replaced_does_not_write_what_had_found_no_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check()
    clock = Clock(monkeypatch)
    with closing(EventLog(path, 1, check)) as log:
        with room_for(0):
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


@pytest.mark.parametrize("room", [1, 20, 100, 250])
def test_what_finds_no_room_is_written_when_there_is_room_again(path: Path, room: int) -> None:
    said: list[Event] = [step(1), step(2), events.Stage("validating"), step(3), step(4)]
    with closing(EventLog(path)) as log:
        log.append(said[0])
        with room_for(path.stat().st_size + room):
            for event in said[1:4]:
                log.append(event)
            assert path.read_bytes()[-1:] != b"\n"
            assert read(path) == said[: path.read_bytes().count(b"\n")]
        log.append(said[4])
    assert read(path) == said
    assert [logged.seq for logged in LogReader(path).read()] == list(range(5))
    assert path.read_bytes().count(b"\n") == 5


def test_a_writer_that_ends_without_room_leaves_a_log_that_the_next_one_goes_on_with(path: Path) -> None:
    with room_for(150), closing(EventLog(path)) as log:
        for number in (1, 2, 3):
            log.append(step(number))
        log.sync()
    assert write(path, step(4))[-1].event == step(4)
    assert read(path) == [step(1), step(4)]


def test_steps_are_given_up_first_where_there_is_no_room_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_MAX_PENDING", 4)
    with closing(EventLog(path)) as log:
        with room_for(0):
            log.append(STARTED)
            for number in (1, 2):
                log.append(step(number))
                log.append(epoch(number))
            for number in (3, 4, 5):
                log.append(step(number))
        log.append(RUN_ENDED)
    assert read(path) == [STARTED, epoch(1), epoch(2), step(5), RUN_ENDED]


# Reading


def test_a_log_that_is_not_there_yet_is_empty(path: Path) -> None:
    reader = LogReader(path)
    assert reader.read() == []
    write(path, step(1))
    assert [logged.event for logged in reader.read()] == [step(1)]
    assert reader.read() == []


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_readers_pass_over_junk(path: Path, junk: bytes) -> None:
    path.write_bytes(encode(Logged(step(1), 1.0, 0)) + junk + b"\n" + encode(Logged(step(2), 1.0, 1)))
    assert read(path) == [step(1), step(2)]
    assert [logged.event for logged in read_tail(path, 4 << 20)] == [step(1), step(2)]


@pytest.mark.parametrize("text", ["caf\\u00e9 \\udcff \\n", "caf\u00e9 \ufffd"])
def test_text_that_came_from_undecodable_bytes_is_read(path: Path, text: str) -> None:
    line = '{"event":"run_finished","reason":"failed","message":"' + text + '","time":1.0,"seq":0,"attempt":3}\n'
    path.write_text(line, encoding="utf-8")
    (logged,) = LogReader(path).read()
    assert logged.attempt == 3
    assert isinstance(logged.event, events.RunFinished)
    assert logged.event.message.startswith("café ")
    assert logged.event.message.isprintable()


def test_readers_pass_over_keys_that_they_do_not_know(path: Path) -> None:
    path.write_text('{"event":"paused","step":5,"mood":"calm","time":1.0,"seq":0}\n')
    assert read(path) == [events.Paused(5)]


def test_a_reader_takes_an_event_only_when_it_is_whole(path: Path) -> None:
    reader = LogReader(path)
    written = [Logged(event, 1.0, number) for number, event in enumerate(EVERY_EVENT[:4])]
    content = b"".join(map(encode, written))
    got: list[Logged] = []
    with path.open("ab", buffering=0) as file:
        for position in range(len(content)):
            file.write(content[position : position + 1])
            got += reader.read()
            assert len(got) == content[: position + 1].count(b"\n")
    assert got == written


@settings(deadline=None, max_examples=50)
@given(cuts=st.lists(st.integers(0, 2000)), junk=st.binary(max_size=30))
def test_it_does_not_matter_in_which_pieces_a_log_arrives(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "events.jsonl"
    reader = LogReader(path)
    content = b"".join(encode(Logged(event, 1.0, 0)) + junk + b"\n" for event in EVERY_EVENT)
    got: list[Logged] = []
    with path.open("ab", buffering=0) as file:
        for piece in pieces(content, sorted(cuts)):
            file.write(piece)
            got += reader.read()
    assert [logged.event for logged in got] == EVERY_EVENT


def pieces(content: bytes, cuts: list[int]) -> Iterator[bytes]:
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        yield content[start:end]


@settings(deadline=None, max_examples=50)
@given(lines=st.lists(st.binary(max_size=40) | strange_events(), max_size=6))
def test_nothing_in_a_log_ends_its_readers(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    run = RunDirectory(tmp_path_factory.mktemp("junk"))
    run.events.write_bytes(b"\n".join([*lines, b""]))
    assert status_of(run) in Status
    with run.events.open("ab") as file:
        file.write(encode(Logged(STARTED, 1.0, 98)) + encode(Logged(step(7), 1.0, 99)))
    snapshot = read_snapshot(run)
    assert (snapshot.step, snapshot.epoch) == (7, 1)
    assert snapshot.best_epoch is None or lines


# The tail


def test_the_tail_of_a_long_log_is_its_last_events(path: Path) -> None:
    written = write(path, *(step(number) for number in range(2000)))
    tail = read_tail(path)
    assert 10 < len(tail) < 500
    assert tail == written[-len(tail) :]


def test_a_tail_may_begin_in_the_middle_of_a_line(path: Path) -> None:
    written = write(path, step(1), step(2))
    size = path.stat().st_size
    assert read_tail(path, size - 1) == written[1:]
    assert read_tail(path, size) == written


def test_damage_at_the_end_of_a_log_does_not_hide_what_stands_before_it(path: Path) -> None:
    written = write(path, *EVERY_EVENT)
    with path.open("ab") as file:
        file.write(b"\x00damage\n" * 10_000)
    assert read_tail(path)[-1] == written[-1]


def test_a_log_that_is_not_there_has_no_tail(path: Path) -> None:
    assert read_tail(path) == []
    assert read_tail(path / "nowhere") == []


# How much is read


LONG = 20_000
"""Steps; together some megabytes."""


@pytest.fixture
def long(path: Path) -> Path:
    path.write_bytes(b"".join(encode(Logged(step(number), 1.0, number)) for number in range(LONG)))
    return path


def test_a_long_log_is_read_once_and_in_parts(long: Path, reads: Reads) -> None:
    batches = [len(batch) for batch in LogReader(long).batches()]
    assert sum(batches) == LONG
    assert max(batches) < LONG / 2
    assert reads.total == long.stat().st_size
    assert reads.largest <= event_log.CHUNK


def test_a_reader_reads_nothing_twice(long: Path, reads: Reads) -> None:
    reader = LogReader(long)
    reader.read()
    reader.read()
    assert reads.total == long.stat().st_size
    with closing(EventLog(long)) as log:
        log.append(step(7))
    assert [logged.event for logged in reader.read()] == [step(7)]
    assert reads.total == long.stat().st_size


def test_the_tail_of_a_long_log_is_found_in_little_of_it(long: Path, reads: Reads) -> None:
    assert read_tail(long)[-1].event == step(LONG - 1)
    assert reads.total <= 20_000


def test_what_is_far_from_the_end_of_a_log_is_found_and_nothing_is_read_twice(long: Path, reads: Reads) -> None:
    content = long.read_bytes()
    long.write_bytes(encode(Logged(STARTED, 1.0, 0)) + content)
    assert [logged.event for logged in read_tail(long, kinds=(events.RunStarted,))] == [STARTED]
    assert reads.total == long.stat().st_size
    assert reads.largest <= event_log.CHUNK


def test_a_line_that_does_not_end_is_not_held_in_memory(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(64):
            file.write(b"a" * event_log.CHUNK)
        file.write(b"\n" + encode(Logged(step(1), 1.0, 0)))
    tracemalloc.start()
    try:
        assert read(path) == [step(1)]
        assert read_tail(path, 4)[0].event == step(1)
        assert read_tail(path, kinds=(events.RunStarted,)) == []
        assert tracemalloc.get_traced_memory()[1] < 16 * event_log.CHUNK
    finally:
        tracemalloc.stop()
