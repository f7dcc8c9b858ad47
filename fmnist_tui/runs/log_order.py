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

    Where the end of the log doesn't show whether its last events are current (it may have neither attempt numbers nor
    a beginning or an end of a trainer), the parts before are searched for these alone: at most one pass, in which few
    lines are parsed.

    Args:
        path: The log.
        kinds: Those that are wanted, if not all. The list is empty only if the log has no current one of them.
        attempt: Only events of trainers with this number or a higher one, and only those at the log's very end.
    """
    marks = _MARKS + [in_line(name_in_log(kind)) for kind in kinds]
    tail: list[Logged] = []
    found: list[Logged] = []
    for block in blocks_backwards(path):
        if tail and not any(mark in block for mark in marks):
            continue
        part = parse(block.split(b"\n"))
        if tail:
            part = (one for one in part if isinstance(one.event, (RunFinished, *kinds)) or begins(one.event))
        tail = [*part, *tail]
        found = [one for one in current(tail) if not kinds or isinstance(one.event, kinds)]
        if attempt is not None:
            return [one for one in found if one.attempt is not None and one.attempt >= attempt]
        if found and _shows_order(tail):
            break
    return found


_MARKS = [f'"{stage}'.encode() for stage in FIRST_STAGES]
_MARKS += [in_line(name_in_log(kind)) for kind in (Queued, RunStarted, Resumed, RunFinished)]
"""What the lines contain that tell where trainers begin and end."""


def _shows_order(tail: list[Logged]) -> bool:
    """Whether nothing before could change which of the last events are current."""
    if tail[-1].attempt is not None:
        return True
    return any(isinstance(one.event, RunFinished) or begins(one.event) for one in tail)
