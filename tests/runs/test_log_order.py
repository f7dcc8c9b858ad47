from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fmnist_tui.runs import event_log
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader, encode, parse
from fmnist_tui.runs.fold import TailFold, read_tail_fold
from fmnist_tui.runs.log_order import current, current_tail
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Event,
    Queued,
    Resumed,
    RunFinished,
    Stage,
)

from .logs import STARTED, epoch, step
from .reads import Reads

COMPLETED = RunFinished("completed", scored=True)
STOPPED = RunFinished("stopped", resumable=True)
LOADING = Stage("loading data")
Line = Event | tuple[int, Event]
"""With the number of the trainer that wrote it, or without."""

OLD_LOG: list[Event] = [LOADING, STARTED, step(1)]


def log_of(*lines: Line) -> list[Logged]:
    """Lines of a log; those that are not alone have the number of their trainer."""
    parted = [line if isinstance(line, tuple) else (None, line) for line in lines]
    return [Logged(event, 1000.0 + number, number, attempt) for number, (attempt, event) in enumerate(parted)]


def kept(*lines: Line) -> list[Event]:
    return [logged.event for logged in current(log_of(*lines))]


def test_what_a_replaced_trainer_writes_is_dropped() -> None:
    first: list[Line] = [(1, LOADING), (1, STARTED), (1, step(1))]
    assert kept(*first, (2, LOADING), (1, step(2)), (2, Resumed(1, 5)), (1, COMPLETED), (2, step(2))) == [
        *OLD_LOG,
        LOADING,
        Resumed(1, 5),
        step(2),
    ]


def test_what_follows_the_end_is_dropped_until_another_trainer_begins() -> None:
    assert kept(*OLD_LOG, STOPPED, step(2), COMPLETED, LOADING, step(3)) == [*OLD_LOG, STOPPED, LOADING, step(3)]


@pytest.mark.parametrize("first", [Alert("spike", "x"), step(5), Stage("validating"), COMPLETED])
def test_a_higher_number_begins_a_trainer_whatever_it_writes_first(first: Event) -> None:
    assert kept((1, STOPPED), (1, step(4)), (2, first)) == [STOPPED, first]


@pytest.mark.parametrize("beginning", [Queued("cpu"), LOADING, Stage("waiting for cpu"), STARTED, Resumed(1, 2)])
def test_a_trainer_without_a_number_begins_with_what_only_comes_first(beginning: Event) -> None:
    assert kept(STOPPED, beginning) == [STOPPED, beginning]


def test_a_run_that_is_cancelled_while_it_is_queued_has_ended() -> None:
    assert kept(*OLD_LOG, STOPPED, Queued("cpu"), STOPPED, step(9)) == [*OLD_LOG, STOPPED, Queued("cpu"), STOPPED]


def test_a_log_that_an_old_and_a_new_version_wrote_is_one() -> None:
    """Lines without a number are kept, and don't lower the number that was reached."""
    assert kept(*OLD_LOG, (1, LOADING), (1, Resumed(1, 2)), LOADING, Resumed(1, 3), step(2), (0, step(8))) == [
        *OLD_LOG,
        LOADING,
        Resumed(1, 2),
        LOADING,
        Resumed(1, 3),
        step(2),
    ]


# The end of a log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(path: Path, *lines: Line) -> None:
    path.write_bytes(b"".join(map(encode, log_of(*lines))))


def steps(number: int, attempt: int | None = None) -> list[Line]:
    """More than a log's tail holds."""
    every = [step(index) for index in range(number)]
    return [*every] if attempt is None else [(attempt, one) for one in every]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [COMPLETED],
        [*OLD_LOG, *steps(500)],
        [*OLD_LOG, *steps(500), COMPLETED],
        [*OLD_LOG, *steps(500), STOPPED, *steps(500)],
        [*OLD_LOG, *steps(20_000), STOPPED, *steps(20_000)],
        [*OLD_LOG, STOPPED, *steps(500), LOADING, Resumed(3, 4), *steps(500)],
        [(1, LOADING), (1, STARTED), *steps(500, 1), (2, LOADING), *steps(500, 2), (1, COMPLETED)],
        [*OLD_LOG, *steps(500), STOPPED, Queued("cpu")],
        [*OLD_LOG, STOPPED, Queued("cpu"), STOPPED],
    ],
)
def test_the_tail_ends_as_the_whole_log_does(path: Path, lines: list[Line]) -> None:
    write(path, *lines)
    whole = list(current(LogReader(path)))
    assert current_tail(path)[-1:] == whole[-1:]


TORN = b'{"event":"step","step":3,"epo'


@pytest.mark.parametrize(
    "lines",
    [
        [*OLD_LOG, step(2), step(3)],
        [(1, LOADING), (1, STARTED), (1, step(1)), (1, step(2)), (0, step(9)), (0, step(10)), (1, step(3))],
        [
            (1, step(4)),
            (1, step(5)),
            (2, LOADING),
            (2, step(2)),
            (2, epoch(1)),
            (2, step(51)),
            (2, CheckpointSaved(51)),
        ],
        [(1, step(51)), (1, step(52)), (2, LOADING), (2, Resumed(51, 5))],
        [(1, step(51)), (1, Alert("spike", "x")), (1, step(52)), (1, STOPPED), (1, step(53)), (1, step(54))],
        [step(1), step(2)],
    ],
)
@pytest.mark.parametrize("junk", [b"", TORN + b"\n", b"\n\n" + TORN])
def test_the_tail_says_of_the_run_what_all_of_its_events_say(run: RunDirectory, lines: list[Line], junk: bytes) -> None:
    run.path.mkdir(parents=True, exist_ok=True)
    write(run.events, *lines)
    with run.events.open("ab") as log:
        log.write(junk)
    every = TailFold(list(current(parse(run.events.read_bytes().split(b"\n")))))
    tail = read_tail_fold(run)
    assert (tail.last, tail.activity, tail.epochs_done) == (every.last, every.activity, every.epochs_done)
    assert msgspec.to_builtins(tail.state) == msgspec.to_builtins(every.state)
    assert (tail.epochs, tail.alerts) == (every.epochs, every.alerts)


def test_of_steps_in_a_row_the_tail_has_the_last(path: Path) -> None:
    write(path, (1, STARTED), *steps(5000, 1))
    assert len(current_tail(path)) <= 2


def test_the_tail_leaves_out_what_a_replaced_trainer_wrote(path: Path) -> None:
    write(path, *OLD_LOG, (0, LOADING), (0, step(2)), (1, LOADING), (1, step(3)), (0, COMPLETED))
    assert [logged.event for logged in current_tail(path)][-4:] == [LOADING, step(2), LOADING, step(3)]


@pytest.mark.parametrize("end", [[COMPLETED], [epoch(3), LOADING, Resumed(3, 4)], [(4, step(9))], [Queued("cpu")]])
def test_only_the_end_is_read_where_it_says_enough(path: Path, reads: Reads, end: list[Line]) -> None:
    write(path, *OLD_LOG, *steps(5000), *end)
    assert current_tail(path)
    assert reads.total <= event_log.TAIL


def test_the_log_of_a_run_that_was_killed_is_read_once(path: Path, reads: Reads) -> None:
    write(path, *OLD_LOG, *steps(20_000), CheckpointSaved(5))
    assert current_tail(path)[-1].event == CheckpointSaved(5)
    assert reads.total == path.stat().st_size
    assert reads.largest <= event_log.CHUNK


def test_a_log_that_is_not_there_has_no_tail(path: Path) -> None:
    assert current_tail(path) == []
