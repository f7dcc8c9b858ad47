"""Which events of a log count: those of a trainer that had been replaced when it wrote them don't."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fmnist_tui.runs.event_log import STEP, Logged, blocks_backwards, in_line, parse
from fmnist_tui.training import events
from fmnist_tui.training.events import begins_trainer, name_in_log

_TRAINER_EVENTS = (events.Queued, events.RunStarted, events.Resumed, events.Stage, events.RunFinished)
"""Types of events that show which trainer is the current one, and whether it has ended."""
_REWINDING = [in_line(name_in_log(kind)) for kind in (events.RunStarted, events.Resumed)]
"""How events that take a run back appear in a log."""


class LogOrder:
    """Given a log's events in order, drops those of trainers that had been replaced when they wrote them.

    An event is dropped if its attempt number is lower than one before it, or if it follows the end of a trainer and no
    new one has begun. Events without a number (versions before 0.2.0) are judged by the second rule alone.

    Attributes:
        attempt: The highest attempt number so far, -1 before the first.
    """

    def __init__(self) -> None:
        self.attempt = -1
        self._ended = False

    def accepts(self, logged: Logged) -> bool:
        """Whether the event is current; must be called once for each event."""
        attempt = self.attempt if logged.attempt is None else logged.attempt
        if attempt < self.attempt:
            return False
        if self._ended and attempt == self.attempt and not begins_trainer(logged.event):
            return False
        self.attempt = attempt
        self._ended = isinstance(logged.event, events.RunFinished)
        return True

    def goes_on(self, logged: Logged) -> bool:
        """Whether the event is by the trainer that wrote the last one that was accepted, and hadn't ended."""
        return not self._ended and (logged.attempt is None or logged.attempt == self.attempt)


def current(log: Iterable[Logged]) -> Iterator[Logged]:
    """The events of `log`, which are in order, without those that `LogOrder` drops."""
    return filter(LogOrder().accepts, log)


def current_tail(path: Path) -> list[Logged]:
    """The newest current events, oldest first, in time that hardly depends on the log's length.

    Where the end of the log doesn't show whether its last events are current (it has neither attempt numbers nor an
    event that shows a change of trainer), the parts before are searched for such events: at most one pass, in which few
    lines are parsed.
    """
    names = [in_line(name_in_log(kind)) for kind in _TRAINER_EVENTS]
    tail: list[Logged] = []
    found: list[Logged] = []
    for block in blocks_backwards(path):
        if tail and not any(name in block for name in names):
            continue
        if tail:
            part = [logged for logged in parse(block.split(b"\n")) if isinstance(logged.event, _TRAINER_EVENTS)]
        else:
            part = _parse_tail(block)
        tail = [*part, *tail]
        found = list(current(tail))
        if found and (tail[-1].attempt is not None or any(isinstance(one.event, _TRAINER_EVENTS) for one in tail)):
            break
    return found


def _parse_tail(block: bytes) -> list[Logged]:
    """The events of the lines of a log's end; of log intervals in a row, by one trainer, the last one alone.

    The others are most of its lines, and don't matter for the state of the run: only a resume can go back to one.
    """
    first, *others = block.split(b"\n")
    if any(name in block for name in _REWINDING):
        return list(parse([first, *others]))
    found: list[Logged] = []
    trainer: bytes | None = None
    for line in reversed(others):
        _, key, number = line.rpartition(b'"attempt":')
        attempt = key and number if line.startswith(STEP) else None
        if attempt is None or attempt != trainer:
            for logged in parse([line]):
                found.append(logged)
                trainer = attempt
    return [*parse([first]), *reversed(found)]
