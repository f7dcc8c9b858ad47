"""Reading the event log: in parts, from its end, and whatever it contains."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.runs import event_log
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, Logged, LogReader, encode, has_events, parse, parse_all, read_tail
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training import events

from .logs import EVERY_EVENT, STARTED, read, step, write
from .reads import Reads

TWO = b'{"event":"paused","step":5,"time":1.0,"seq":0},{"event":"paused","step":6,"time":1.0,"seq":1}'
"""Lines that become valid where lines are read together."""


@pytest.mark.parametrize("bad", [b"", b"no JSON", TWO, b'{"event":"teleported","time":1.0,"seq":0}', b"[", b"]", b","])
def test_lines_that_are_read_together_are_those_that_are_read_alone(bad: bytes) -> None:
    good = [encode(Logged(event, 1.0, number, 3)).rstrip() for number, event in enumerate(EVERY_EVENT)]
    for lines in ([*good, bad], [bad, *good], [good[0], bad, good[1]], [bad], []):
        assert parse_all(lines) == list(parse(lines))
    assert len(parse_all([*good, bad])) == len(good)


def test_whether_a_log_has_an_event_is_found_from_its_end(path: Path, reads: Reads) -> None:
    write(path, STARTED, *(step(number) for number in range(1, 5000)))
    before = reads.total
    assert has_events(path, (events.StepMetrics,))
    assert reads.total - before <= event_log.TAIL
    assert has_events(path, (events.RunStarted,))
    assert not has_events(path, (events.Epoch,))


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


def test_damage_at_the_end_of_a_log_does_not_hide_what_is_before_it(path: Path) -> None:
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
