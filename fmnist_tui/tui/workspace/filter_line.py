"""The line above the table: which runs are shown, by what they are grouped, and how many there are."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from fmnist_tui.analysis.run_filter import FilterError, RunFilter, parse_fields, parse_filter
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.widgets.fitted import FittedText

_LONGEST = 500
"""Characters of a field."""
_HINTS = {
    "filter": ("/ filter: model=v3 lr>=0.001", "/ filter"),
    "group": ("g group: model,recipe", "g group"),
}
"""What an empty field shows, and what it shows on a narrow terminal."""
_WIDE = 100


class FilterLine(Remappable, Horizontal):
    """Two fields whose content applies as it is typed, unless it has a mistake, which is shown beside them.

    Attributes:
        run_filter: The conditions.
        fields: What the runs are grouped by.
    """

    BINDINGS = [Binding("escape", "done", "Done", tooltip="Back to the table")]
    DEFAULT_CSS = """
    FilterLine { height: 1; padding: 0 1; }
    FilterLine Input { background: transparent; }
    FilterLine Input:focus { background: $block-cursor-background; }
    FilterLine #filter { width: 3fr; }
    FilterLine #group { width: 2fr; margin: 0 1; }
    FilterLine #counts {
        width: auto; max-width: 45%; height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
    }
    FilterLine #counts.fault { color: $text-error; }
    """

    class Changed(Message):
        """There are other conditions or groups."""

    class Left(Message):
        """The fields were left."""

    def __init__(self) -> None:
        super().__init__()
        self.run_filter = RunFilter()
        self.fields: tuple[str, ...] = ()
        self._counts = ""
        self._fault = ""

    def compose(self) -> ComposeResult:
        """Both fields and the counts."""
        for name in _HINTS:
            yield Input(id=name, compact=True, max_length=_LONGEST)
        yield FittedText(id="counts")

    def on_resize(self) -> None:
        """Gives an example where there is room for one."""
        for name, hints in _HINTS.items():
            self.query_one(f"#{name}", Input).placeholder = hints[self.screen.size.width < _WIDE]

    def show_counts(self, text: str) -> None:
        """Shows how many runs there are, unless there is a mistake to show."""
        self._counts = text
        self._show()

    @on(Input.Changed)
    def _apply(self, event: Input.Changed) -> None:
        event.stop()
        self._fault = ""
        before = self.run_filter, self.fields
        try:
            self.run_filter = parse_filter(self.query_one("#filter", Input).value)
            self.fields = parse_fields(self.query_one("#group", Input).value)
        except FilterError as error:
            self._fault = str(error)
        self._show()
        if before != (self.run_filter, self.fields):
            self.post_message(self.Changed())

    @on(Input.Submitted)
    def _leave(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_done()

    def action_done(self) -> None:
        """Back to the table."""
        self.post_message(self.Left())

    def _show(self) -> None:
        counts = self.query_one("#counts", FittedText)
        counts.set_class(bool(self._fault), "fault")
        counts.show(Text(self._fault or self._counts))
