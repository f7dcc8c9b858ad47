"""A run's log, over the screen; it grows while it is looked at."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.tui.logs import RunLog
from fmnist_tui.tui.screens.dialog import Dialog

_SECONDS = 1.0


class LogScreen(Dialog[None]):
    """What the trainer told and printed, newest last; read in a thread, since logs can be long."""

    CSS_PATH = ["dialog.tcss", "log.tcss"]  # type: ignore[assignment]  # Textual takes both
    BINDINGS = [Binding("enter,space,q,l", "dismiss", "Back")]

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self._log = RunLog(run)
        self._heading = f"The log of {run.run_id}, newest last"
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._heading, style="bold"))
            with VerticalScroll():
                yield Static("reading the log ...", id="log")

    def on_mount(self) -> None:
        """Reads it, once there is room for it: what comes before the first layout isn't laid out."""
        self.call_after_refresh(self._read)

    def _read(self) -> None:
        self.app.threads.start(self._read_in_thread)  # type: ignore[attr-defined]

    def _read_in_thread(self) -> None:
        self.call_later(self._show, self._log.read())

    def _show(self, words: Text) -> None:
        """Whoever reads at the end stays there; whoever has scrolled back is left in peace."""
        if words != self._shown:
            self._shown = words
            scroll = self.query_one(VerticalScroll)
            follows = scroll.is_vertical_scroll_end
            self.query_one("#log", Static).update(words)
            if follows:
                scroll.scroll_end(animate=False)
        self.set_timer(_SECONDS * self.app.pace, self._read)  # type: ignore[attr-defined]
