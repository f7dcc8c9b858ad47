"""The line at the top of every screen: the screens, and the running runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.cells import cells, fitting

if TYPE_CHECKING:  # the first paint waits for none of them
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.runs.follower import Follower

_SECONDS = 1.0
SCREENS = (
    ("dataset", "Dataset"),
    ("models", "Models"),
    ("training", "Training"),
    ("results", "Results"),
    ("why", "Why CNNs"),
    ("playground", "Playground"),
    ("runs", "Runs"),
    ("sweeps", "Sweeps"),
)
_SHORT = {"Dataset": "Data", "Training": "Train", "Why CNNs": "Why", "Playground": "Play"}
"""Titles where the full ones would leave less than `_ROOM` for the running run."""
_ROOM, _LITTLE_ROOM = 24, 8
"""Cells for the running run beside full and beside short titles; with less, only the current screen has a title."""


class Links(Static):
    """A text that can be clicked: a double click on it does no more than a click, where Textual would select it."""

    ALLOW_SELECT = False


class Nav(Horizontal):
    """Names the screens with their keys, the current one highlighted. A click opens a screen."""

    app = getters.app(LabApp)

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current
        self._text = ""

    def compose(self) -> ComposeResult:
        """A cell for each screen, then the running runs."""
        self.set_class(not has_full_titles(self.app.size.width), "-short")
        for (name, _), title in zip(SCREENS, self._titles(), strict=True):
            yield Links(title, classes="screen current" if name == self._current else "screen")
        yield Static(id="running")

    def on_mount(self) -> None:
        """Updates them on a slow clock."""
        self.set_interval(_SECONDS * self.app.pace, self._tick)

    def on_resize(self) -> None:
        """Shortens the titles, and what is around them, where there is little room."""
        self.set_class(not has_full_titles(self.app.size.width), "-short")
        for cell, title in zip(self.query(".screen").results(Static), self._titles(), strict=True):
            if cell.content != title:
                cell.update(title)

    def _titles(self) -> list[str]:
        titles = fitting_titles(self._current, self.app.size.width)
        return [f"[@click=app.go('{name}')]{title}[/]" for (name, _), title in zip(SCREENS, titles, strict=True)]

    def _tick(self) -> None:
        place = self.query_one("#running", Static)
        text = fitting(running_texts(self.app.followed, self.app.running_runs), place.content_size.width)
        if self.screen.is_current and text != self._text:
            self._text = text
            place.update(Text(text), layout=False)


def fitting_titles(current: str, width: int) -> list[str]:
    """The screens' numbers and titles for so many columns: full, short, or the numbers and the current title."""
    if has_full_titles(width):
        return [f"{number} {title}" for number, (_, title) in enumerate(SCREENS, start=1)]
    short = [f"{number} {_SHORT.get(title, title)}" for number, (_, title) in enumerate(SCREENS, start=1)]
    if sum(cells(title) + 1 for title in short) + _LITTLE_ROOM <= width:
        return short
    return [title if name == current else title.split()[0] for title, (name, _) in zip(short, SCREENS, strict=True)]


def has_full_titles(width: int) -> bool:
    """Whether so many columns have room for the full titles, each with its number and three blanks."""
    return sum(cells(title) + 4 for _, title in SCREENS) + _ROOM <= width


def running_texts(follower: Follower | None, running: Sequence[RunDirectory]) -> tuple[str, ...]:
    """The status and epoch of the run on the Training screen while it has a trainer, and how many others have one.

    The most detailed text comes first, the shortest last.
    """
    if follower is None or not follower.status.has_trainer:
        return (f"{len(running)} running" if running else "",)
    from fmnist_tui.runs.directory import version_in

    snapshot = follower.snapshot
    epochs = f" epoch {snapshot.epoch}/{snapshot.started.epochs}" if snapshot.started else ""
    others = sum(run != follower.run for run in running)
    more = f" +{others}" if others else ""
    name, status = version_in(snapshot.run_id), str(follower.status).rpartition(", ")[2]
    return f"{name} {follower.status}{epochs}{more}", f"{name} {status}{epochs}{more}", f"{name} {status}{more}"
