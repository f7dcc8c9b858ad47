"""The queue over any screen: which runs have a device, which wait, for what and how long; and their order changes."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import DataTable

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.runs.queue import order
from fmnist_tui.runs.queue.order import Edit
from fmnist_tui.runs.queue.waiting import QueueProbe, QueueRow, QueueView
from fmnist_tui.runs.status import Status
from fmnist_tui.text import counted, rough_duration, safe
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.cells import cut, wrap
from fmnist_tui.tui.messages import Failed
from fmnist_tui.tui.themes import status_mark
from fmnist_tui.tui.widgets.fitted import FittedText
from fmnist_tui.tui.widgets.plain_table import PlainTable

_SECONDS = 2.0
_NARROW, _WIDE = 76, 100
"""Cells of the screen below which run ids are shortened, and from which on there is a column for priorities."""
_FRAME = 7
"""Cells of the dialog's border and padding, and of a scroll bar."""
_LEAST = 12
_MOST = 116
_LEAST_ROWS, _OTHER_ROWS = 4, 7
"""Rows that the table has at least, and that the dialog has besides it and the lines on sharing."""
_EMPTY = "No run has a device or waits for one.\n\nPress 2, choose a model, and t trains it."
_KEYS = "u, d: up, down  h: hold  r: release  enter: show  esc: back"
_FEW_KEYS = "u, d: move  h: hold  r: release  esc: back"


class QueueDialog(Dialog[RunDirectory | None]):
    """Dismisses with a run to show, or None. It is read in a thread, and only what has changed is painted."""

    CSS_PATH = [DIALOG_CSS, "queue.tcss"]
    BINDINGS = [
        Binding("u", "move(-1)", "Up", tooltip="Move the run up by one place"),
        Binding("d", "move(1)", "Down", tooltip="Move the run down by one place"),
        Binding("h", "hold", "Hold", tooltip="Keep the run in its place without starting it"),
        Binding("r", "release", "Release", tooltip="Let a held run start"),
        Binding("q", "dismiss", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._probe = QueueProbe()
        self._view: QueueView | None = None

    def compose(self) -> ComposeResult:
        """The table, and what sharing costs."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Queue"
            yield FittedText(Text("Reading the queue ..."), id="queue_note")
            yield PlainTable(id="queue_table")
            yield FittedText(id="queue_reason")
            yield FittedText(id="queue_sharing")

    def on_mount(self) -> None:
        """Reads the queue now, and again and again."""
        self.query_one(PlainTable).display = False
        self._read()
        self.set_interval(_SECONDS * self.app.pace, self._read)

    def on_resize(self) -> None:
        """Fits keys and columns to another width."""
        is_narrow = self.app.size.width < _NARROW
        self.query_one(".dialog").border_subtitle = _FEW_KEYS if is_narrow else _KEYS
        self._draw()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Dismisses with the run."""
        if row := self._row_of(event.row_key.value):
            self.dismiss(RunDirectory(row.run))

    def on_data_table_row_highlighted(self) -> None:
        """Shows the run's reason in full."""
        self._show_reason()

    def action_move(self, by: int) -> None:
        """Moves the run under the cursor up (-1) or down (1)."""
        self._change(partial(order.moved, by=by))

    def action_hold(self) -> None:
        """Holds the run under the cursor."""
        self._change(order.held)

    def action_release(self) -> None:
        """Releases the run under the cursor."""
        self._change(order.released)

    @property
    def _current(self) -> QueueRow | None:
        """The row under the cursor."""
        rows, index = self._view.rows if self._view else (), self.query_one(PlainTable).cursor_row
        return rows[index] if 0 <= index < len(rows) else None

    def _row_of(self, key: str | None) -> QueueRow | None:
        return next((row for row in self._view.rows if str(row.run) == key), None) if self._view else None

    def _change(self, edit: Edit) -> None:
        row = self._current
        if row is None or row.order is None:
            if row is not None:
                self.notify(f"{row.run.name} has its device already", severity="warning", markup=False)
            return
        self.app.threads.start(partial(self._change_in_thread, str(row.run), edit), lane="queue", must_finish=True)

    def _change_in_thread(self, run: str, edit: Edit) -> None:
        try:
            order.change(run, edit)
        except RunError as error:
            self.app.post_message(Failed(str(error), severity="warning"))
        self._look_in_thread()

    def _read(self) -> None:
        self.app.threads.start(self._look_in_thread, lane="queue", must_finish=True)

    def _look_in_thread(self) -> None:
        self.call_later(self._show, self._probe.look())

    def _show(self, view: QueueView) -> None:
        if view != self._view:
            self._view = view
            self._draw()

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        waiting = sum(row.order is not None for row in view.rows)
        running = len(view.rows) - waiting
        note = f"{counted(running, 'run')} with a device, {waiting} waiting" if view.rows else _EMPTY
        self.query_one("#queue_note", FittedText).show(Text(note, "" if not view.rows else "dim"))
        table = self.query_one(PlainTable)
        table.display = bool(view.rows)
        current = self._current_key(table)
        width = min(self.app.size.width, _MOST) - _FRAME
        header, rows = table_of(view.rows, width)
        table.show(header, rows, [str(row.run) for row in view.rows], current)
        self._show_reason()
        sharing = [one.text for one in view.sharing]
        self.query_one("#queue_sharing", FittedText).show(Text("\n".join(sharing)))
        rows_of_sharing = sum(len(wrap(line, width)) for line in sharing)
        table.styles.max_height = max(_LEAST_ROWS, int(0.95 * self.app.size.height) - _OTHER_ROWS - rows_of_sharing)

    def _show_reason(self) -> None:
        row = self._current
        text = f"{row.run.name}: {safe(row.reason)}" if row and row.reason else ""
        self.query_one("#queue_reason", FittedText).show(Text(text, "dim"))

    def _current_key(self, table: PlainTable) -> str:
        """The run under the cursor as it is drawn now; at first the first one that waits."""
        keys = [str(key.value) for key in table.rows]
        if 0 <= table.cursor_row < len(keys):
            return keys[table.cursor_row]
        rows = self._view.rows if self._view else ()
        return next((str(row.run) for row in rows if row.order is not None), "")


def table_of(rows: tuple[QueueRow, ...], width: int) -> tuple[list[str], list[list[Text]]]:
    """Heading and cells; the reasons are cut to what `width` leaves.

    Each column of a table has a cell of padding on both sides.
    """
    is_narrow = width + _FRAME < _NARROW
    shown = [[_place(row), _name(row, is_narrow=is_narrow), row.device, _wait(row)] for row in rows]
    header = ["", "run", "needs", "wait"]
    if width + _FRAME >= _WIDE and any(row.priority for row in rows):
        header.append("priority")
        shown = [[*cells, str(row.priority)] for cells, row in zip(shown, rows, strict=True)]
    widths = [max(map(len, column)) for column in zip(header, *shown, strict=True)]
    room = max(_LEAST, width - sum(widths) - 2 * (len(header) + 1))
    lines = []
    for cells, row in zip(shown, rows, strict=True):
        style = "dim" if row.held else ""
        lines.append([Text(cell, style) for cell in [*cells, cut(safe(row.reason), room)]])
    return [*header, "reason"], lines


def _place(row: QueueRow) -> str:
    return status_mark(Status.RUNNING) if row.order is None else str(row.order)


def _name(row: QueueRow, *, is_narrow: bool) -> str:
    name = row.run.name
    return f"{version_in(name)} {name[-4:]}" if is_narrow else name


def _wait(row: QueueRow) -> str:
    return f"~{rough_duration(row.seconds)}" if row.seconds else ""
