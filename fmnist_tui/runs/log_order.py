"""Which lines of a log are the current trainer's: others may have written after it took over, or after it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fmnist_tui.runs.event_log import Logged, blocks_backwards, in_line, parse
from fmnist_tui.training.events import (
    LOADING_STAGE,
    QUEUED_STAGE,
    Event,
    Queued,
    Resumed,
    RunFinished,
    RunStarted,
    Stage,
    name_in_log,
)

FIRST_STAGES = (QUEUED_STAGE, LOADING_STAGE)
"""How the names of the stages begin that are the first events of a trainer."""
_TURNS = (Queued, RunStarted, Resumed, Stage, RunFinished)
"""Kinds of events from which it can be known what became of a trainer."""


def begins(event: Event) -> bool:
    """Whether it is an event with which a trainer begins, so that the one before has written its last."""
    if isinstance(event, Stage):
        return event.name.startswith(FIRST_STAGES)
    return isinstance(event, Queued | RunStarted | Resumed)


class LogOrder:
    """Sees a log's events in their order, and drops those of trainers that had been replaced when they wrote them.

    An event is dropped if it has a lower attempt number than one before it, or follows the end of a trainer and no
    other one has begun. Events without a number (versions before 0.2.0) are judged by the second rule alone.

    Attributes:
        attempt: The highest attempt number so far, -1 before the first.
    """

    def __init__(self) -> None:
        self.attempt = -1
        self._ended = False

    def accepts(self, logged: Logged) -> bool:
        """Whether the event is current; to be asked once for each."""
        attempt = self.attempt if logged.attempt is None else logged.attempt
        if attempt < self.attempt:
            return False
        if self._ended and attempt == self.attempt and not begins(logged.event):
            return False
        self.attempt = attempt
        self._ended = isinstance(logged.event, RunFinished)
        return True


def current(log: Iterable[Logged]) -> Iterator[Logged]:
    """The events of `log`, which has them in order, without those that `LogOrder` drops."""
    return filter(LogOrder().accepts, log)


def current_tail(path: Path, kinds: tuple[type[Event], ...] = (), attempt: int | None = None) -> list[Logged]:
    """The newest current events, oldest first, in time that depends little on the log's length.

    Where the end of the log doesn't show whether its last events are current (it has neither attempt numbers nor one of
    `_TURNS`), the parts before are searched for these alone: at most one pass, in which few lines are parsed.

    Args:
        path: The log.
        kinds: Those that are wanted, if not all. The list is empty only if the log has no current one of them.
        attempt: Only events of trainers with this number or a higher one, and only those at the log's very end.
    """
    names = [in_line(name_in_log(kind)) for kind in (*_TURNS, *kinds)]
    tail: list[Logged] = []
    found: list[Logged] = []
    for block in blocks_backwards(path):
        if tail and not any(name in block for name in names):
            continue
        part = parse(block.split(b"\n"))
        if tail:
            part = (logged for logged in part if isinstance(logged.event, (*_TURNS, *kinds)))
        tail = [*part, *tail]
        found = [logged for logged in current(tail) if not kinds or isinstance(logged.event, kinds)]
        if attempt is not None:
            return [logged for logged in found if logged.attempt is not None and logged.attempt >= attempt]
        if found and (tail[-1].attempt is not None or any(isinstance(logged.event, _TURNS) for logged in tail)):
            break
    return found
