"""How fast the line to the terminal is, so that no more is on its way than it takes in a tenth of a second.

What is sent in excess waits in buffers that no program can empty: the answer to the next key would be behind it. The
terminal reports the position of its cursor once it has processed what was sent before the request; the time that takes
is the line's delay and the time for the bytes.
"""

from __future__ import annotations

import math
from collections import deque

REQUEST = "\x1b[6n"
"""Asks for the position of the cursor."""
_QUEUE_SECONDS = 0.1
"""What may wait on the line."""
_FEWEST = 800
"""Bytes that are sent at once however slow the line seems; fewer say nothing about its speed."""
_FRAMES = 2
"""Into which that is divided: the first one is there sooner."""
_LARGE = 4000
"""Bytes after which a fast line is asked again: it may have become slow."""
_LOST_SECONDS = 5.0


class Line:
    """The bytes on their way, and an estimate of bytes per second."""

    def __init__(self) -> None:
        """Nothing is known; as long as no terminal has answered, nothing is limited."""
        self._rate = math.inf
        self._delay = math.inf
        self._sent: deque[tuple[float, int]] = deque()
        self._answered_at = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether a large frame takes longer than may wait."""
        return self._rate < 100 * _LARGE

    def room(self, now: float) -> int | None:
        """How many bytes may be sent now; None if it doesn't matter."""
        if self._sent and now - self._sent[0][0] > _LOST_SECONDS:
            self._sent.clear()
        if not self.is_slow:
            return None
        at_once = max(_FEWEST, int(self._rate * _QUEUE_SECONDS))
        ahead = sum(size for _, size in self._sent)
        return min(at_once, at_once + int(self._rate * self._delay) - ahead) if ahead else at_once

    @property
    def frame(self) -> int:
        """How many bytes of a frame may be sent before the terminal shows them, on a slow line."""
        return max(_FEWEST, int(self._rate * _QUEUE_SECONDS)) // _FRAMES

    def asks(self, size: int) -> bool:
        """Whether to send a request behind so many bytes."""
        return self.is_slow or size >= _LARGE

    def sent(self, size: int, now: float) -> None:
        """So many bytes were sent, and a request."""
        self._sent.append((now, size))

    def answered(self, now: float) -> None:
        """The terminal has answered the first request that is open."""
        if not self._sent:
            return
        begun, size = self._sent.popleft()
        self._delay = min(self._delay, now - begun)
        taken = now - max(self._answered_at, begun + self._delay)
        self._answered_at = now
        if taken < _QUEUE_SECONDS / 2:
            self._rate = max(self._rate, size * 2 / _QUEUE_SECONDS)
        elif size >= _FEWEST:
            self._rate = size / taken

    @property
    def seconds_open(self) -> float:
        """How long answers may still come, at most a second."""
        if not self._sent:
            return 0.0
        return min(1.0, self._delay + sum(size for _, size in self._sent) / self._rate)
