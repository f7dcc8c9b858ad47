"""The line at the top of every screen: the four screens, and what lives."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.runs.follower import Follower
from fmnist_tui.tui.app_state import LabApp

_SECONDS = 1.0
SCREENS = (("dataset", "Dataset"), ("models", "Models"), ("training", "Training"), ("results", "Results"))


class Nav(Horizontal):
    """Names the screens with their keys; the current one stands out. A click goes there."""

    app = getters.app(LabApp)

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current
        self._words = ""

    def compose(self) -> ComposeResult:
        """A cell a screen, then the runs that live."""
        for number, (name, title) in enumerate(SCREENS, start=1):
            classes = "screen current" if name == self._current else "screen"
            yield Static(f"[@click=app.go('{name}')]{number} {title}[/]", classes=classes)
        yield Static(id="live")

    def on_mount(self) -> None:
        """Looks after them."""
        self.set_interval(_SECONDS * self.app.pace, self._tick)

    def _tick(self) -> None:
        words = _live_words(self.app.followed, self.app.living)
        if self.screen.is_current and words != self._words:
            self._words = words
            self.query_one("#live", Static).update(Text(words))


def _live_words(follower: Follower | None, living: Sequence[RunDirectory]) -> str:
    """What the run that is shown does while it has a trainer, and how many others have one."""
    if follower is None or not follower.status.has_trainer:
        return f"{len(living)} running" if living else ""
    snapshot = follower.snapshot
    epochs = f" epoch {snapshot.epoch}/{snapshot.started.epochs}" if snapshot.started else ""
    others = sum(run != follower.run for run in living)
    more = f" +{others}" if others else ""
    return f"{version_in(snapshot.run_id)} {follower.status}{epochs}{more}"
