"""The app in a terminal at a distance: what it sends arrives late and slowly, and so do the terminal's answers."""

from __future__ import annotations

import heapq
import math
import os
import re
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .terminal import Terminal

_FRAME_ENDS = b"\x1b[?2026l"
_QUESTIONS = re.compile(rb"\x1b\[6n|\x1b\[\?2026\$p")
_LONGEST_QUESTION = 9
_SYNCHRONISES = b"\x1b[?2026;2$y"
_REPEATED = b"\x1b[2;9R"
"""Where the cursor is after the app has tried whether the terminal repeats characters."""
_SOMEWHERE = b"\x1b[1;1R"
_SHORTEST_GAP = 0.12
"""Seconds of silence that end an answer."""
_LONGEST_ANSWER = 8.0


@dataclass(frozen=True)
class Answer:
    """What followed a key.

    Attributes:
        first: Seconds from the key until its first frame has arrived, beyond the round trip.
        whole: Until the last one that followed without a pause.
        size: Bytes of all of them.
    """

    first: float
    whole: float
    size: int


class DistantTerminal(Terminal):
    """A terminal that synchronises output and repeats characters, behind a line."""

    def __init__(
        self,
        command: Sequence[str],
        size: tuple[int, int],
        environment: dict[str, str],
        *,
        round_trip: float = 0.0,
        bytes_per_second: float = math.inf,
    ) -> None:
        """Starts the command.

        Args:
            command: The app.
            size: Columns and rows.
            environment: Of the app.
            round_trip: Seconds from a key to the first byte of its answer, if the app takes no time.
            bytes_per_second: Of the line, towards the terminal.
        """
        super().__init__(command, size, environment)
        self._round_trip, self._rate = round_trip, bytes_per_second
        self._free_at = 0.0
        self._answers: list[tuple[float, bytes]] = []
        self._seen = 0
        self._was_probed = False
        self._arrived: list[tuple[float, int]] = []

    @property
    def unanswered(self) -> int:
        """How many questions of the app are still on their way."""
        return len(self._answers)

    def time_key(self, key: bytes, patience: float = 1.0) -> Answer | None:
        """Presses a key; returns None if it isn't answered within `patience` seconds, beyond the round trip."""
        first, begun = len(self.sent), time.perf_counter()
        self._arrived.clear()
        os.write(self._ours, key)
        self._read(patience + self._round_trip)
        size = first
        while size < len(self.sent) and time.perf_counter() < begun + _LONGEST_ANSWER:
            size = len(self.sent)
            self._read(_SHORTEST_GAP + 2 * self._round_trip)
        if len(self.sent) == first:
            return None
        end = self.sent.find(_FRAME_ENDS, first)
        end = len(self.sent) if end < 0 else end + len(_FRAME_ENDS)
        answered = next(when - (count - end) / self._rate for when, count in self._arrived if count >= end)
        late = begun + self._round_trip / 2
        return Answer(answered - late, self._arrived[-1][0] - late, len(self.sent) - first)

    def _read(self, patience: float = 0.0) -> None:
        end = time.perf_counter() + patience
        while self._ours != -1:
            now = time.perf_counter()
            while self._answers and self._answers[0][0] <= now:
                os.write(self._ours, heapq.heappop(self._answers)[1])
            due = self._answers[0][0] if self._answers else math.inf
            if select.select([self._ours], [], [], max(0.0, min(end, due) - now))[0]:
                self._arrive(os.read(self._ours, 65536))
                end = 0.0
            elif time.perf_counter() >= end:
                return

    def _arrive(self, data: bytes) -> None:
        """Notes when the bytes are there, and answers what they ask."""
        self.sent += data
        self._free_at = max(self._free_at, time.perf_counter() + self._round_trip / 2) + len(data) / self._rate
        self._arrived.append((self._free_at, len(self.sent)))
        for question in _QUESTIONS.finditer(self.sent, max(0, self._seen - _LONGEST_QUESTION)):
            if question.end() > self._seen:
                due = self._free_at - (len(self.sent) - question.end()) / self._rate + self._round_trip / 2
                heapq.heappush(self._answers, (due, self._answer(question[0])))
        self._seen = len(self.sent)

    def _answer(self, question: bytes) -> bytes:
        if question.endswith(b"p"):
            return _SYNCHRONISES
        was_probed, self._was_probed = self._was_probed, True
        return _SOMEWHERE if was_probed else _REPEATED
