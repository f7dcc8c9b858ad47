"""Which runs have a trainer, wherever it was started: looked up in a thread, again and again."""

from __future__ import annotations

import threading
from pathlib import Path

from textual.message import Message

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import live_runs
from fmnist_tui.tui.messages import Post


class LivingSeen(Message):
    """These runs have a trainer, newest first."""

    def __init__(self, runs: list[RunDirectory]) -> None:
        super().__init__()
        self.runs = runs


class Lookout:
    """Looks at the folder of runs every few seconds, and at once when it is told to."""

    def __init__(self, runs: Path, seconds: float) -> None:
        """Looks at nothing yet.

        Args:
            runs: The folder.
            seconds: Between two looks.
        """
        self._runs = runs
        self._seconds = seconds
        self._again = threading.Event()
        self._over = False

    def look(self) -> None:
        """At once, please: something has begun or ended."""
        self._again.set()

    def end(self) -> None:
        """No more looks."""
        self._over = True
        self._again.set()

    def watch(self, post: Post) -> None:
        """Posts what lives after every look, until `end`; runs in a thread."""
        while not self._over:
            self._again.clear()
            post(LivingSeen(live_runs(self._runs)))
            self._again.wait(self._seconds)
