"""The line at the top of every screen: the screens, and the running runs."""

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
from fmnist_tui.tui.cells import cells

_SECONDS = 1.0
SCREENS = (
    ("dataset", "Dataset"),
    ("models", "Models"),
    ("training", "Training"),
    ("results", "Results"),
    ("why", "Why CNNs"),
    ("playground", "Playground"),
)
_SHORT = {"Dataset": "Data", "Training": "Train", "Why CNNs": "Why", "Playground": "Play"}
"""Titles on a terminal of fewer than `_WIDE` columns, so that the running run has room beside them."""
_WIDE = 96


class Nav(Horizontal):
    """Names the screens with their keys, the current one highlighted. A click opens a screen."""

    app = getters.app(LabApp)

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current
        self._text = ""

    def compose(self) -> ComposeResult:
        """A cell for each screen, then the running runs."""
        for (name, _), title in zip(SCREENS, self._titles(), strict=True):
            yield Static(title, classes="screen current" if name == self._current else "screen")
        yield Static(id="running")

    def on_mount(self) -> None:
        """Updates them on a slow clock."""
        self.set_interval(_SECONDS * self.app.pace, self._tick)

    def on_resize(self) -> None:
        """Shortens the titles where there is little room, once the padding for the new size is applied."""
        self.call_after_refresh(self._retitle)

    def _retitle(self) -> None:
        for cell, title in zip(self.query(".screen").results(Static), self._titles(), strict=True):
            if cell.content != title:
                cell.update(title)

    def _titles(self) -> list[str]:
        short = self.app.size.width < _WIDE
        return [
            f"[@click=app.go('{name}')]{number} {_SHORT.get(title, title) if short else title}[/]"
            for number, (name, title) in enumerate(SCREENS, start=1)
        ]

    def _tick(self) -> None:
        place = self.query_one("#running", Static)
        text = fitting(running_texts(self.app.followed, self.app.running_runs), place.content_size.width)
        if self.screen.is_current and text != self._text:
            self._text = text
            place.update(Text(text), layout=False)


def fitting(texts: Sequence[str], width: int) -> str:
    """The first of them that fits so many cells, else the last one."""
    return next((text for text in texts if cells(text) <= width), texts[-1])


def running_texts(follower: Follower | None, running: Sequence[RunDirectory]) -> tuple[str, ...]:
    """The status and epoch of the run on the Training screen while it has a trainer, and how many others have one.

    The most detailed text comes first, the shortest last.
    """
    if follower is None or not follower.status.has_trainer:
        return (f"{len(running)} running" if running else "",)
    snapshot = follower.snapshot
    epochs = f" epoch {snapshot.epoch}/{snapshot.started.epochs}" if snapshot.started else ""
    others = sum(run != follower.run for run in running)
    more = f" +{others}" if others else ""
    name, status = version_in(snapshot.run_id), str(follower.status).rpartition(", ")[2]
    return f"{name} {follower.status}{epochs}{more}", f"{name} {status}{epochs}{more}", f"{name} {status}{more}"
