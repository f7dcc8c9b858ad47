"""All runs in a table: sorted, labelled, deleted, left out, and chosen for the curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.theme import Theme
from textual.timer import Timer
from textual.widgets import DataTable, Static

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.label import Label, change_label, with_changes
from fmnist_tui.runs.run import Run, delete_run
from fmnist_tui.text import megabytes, percent
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.dialogs.choice import CANCEL, ChoiceDialog
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.messages import Failed, RunChanged, RunSelected
from fmnist_tui.tui.results.comparison import Compared, excluded_runs
from fmnist_tui.tui.results.edit_label import EditLabelScreen
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark
from fmnist_tui.tui.threads import Threads
from fmnist_tui.tui.widgets.plain_table import PlainTable

HEADER = ("run", "accuracy", "status", "eligible", "curve", "recipe", "seed", "epochs", "NLL", "Brier", "ECE", "label")
LEFT_OUT = "left out by you"


@dataclass(frozen=True)
class Order:
    """An order of the rows: its name and its sort key."""

    name: str
    key: Callable[[Run], float | str]


def _score(name: str, sign: int) -> Callable[[Run], float]:
    return lambda record: sign * getattr(record.scores, name) if record.scores else 1e9


ORDERS = (
    Order("newest first", lambda _: ""),
    Order("best accuracy first", _score("accuracy", -1)),
    Order("lowest NLL first", _score("nll", 1)),
    Order("lowest ECE first", _score("ece", 1)),
    Order("by version", lambda record: record.version),
)


def ordered(records: Sequence[Run], order: Order) -> list[Run]:
    """The runs in this order, those without a score last; equals stay newest first, as in `records`."""
    return sorted(records, key=order.key)


def row(record: Run, reasons: Mapping[str, str], drawn: bool, theme: Theme) -> tuple[Text, ...]:  # noqa: FBT001 - a cell
    """The cells below `HEADER`; `reasons` has the reason of each excluded run, by its id."""
    reason = reasons.get(record.run_id)
    eligible = "yes" if reason is None else "left out" if reason == LEFT_OUT else "no"
    accuracy, *others = _figures(record)
    colour, status = model_colour(record.version, theme), record.status
    run = Text(record.run_id)
    run.stylize(f"bold {colour}", 0, len(record.version))
    seed, epochs = ("" if number is None else str(number) for number in (record.seed, record.manifest.epochs))
    texts = (eligible, "drawn" if drawn else "", record.marked_recipe, f"{seed:>4}", f"{epochs:>6}", *others)
    state = Text(f"{status_mark(status)} {record.short_status}", status_colour(status, theme) or "dim")
    return (run, Text(f"{accuracy:>8}", "bold"), state, *map(Text, (*texts, record.label)))


def _figures(record: Run) -> tuple[str, ...]:
    scores = record.scores
    if scores is None:
        return ("",) * 4
    return percent(scores.accuracy), f"{scores.nll:.4f}", f"{scores.brier:.4f}", f"{scores.ece:.4f}"


_REST_SECONDS = 0.1
"""Seconds after which the cursor isn't just passing by."""


class _Asked(Message):
    """An action is requested for the run with this id."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


class RunsView(Remappable, Vertical):
    """Shows all runs; posts the requested action for the one under the cursor."""

    app = getters.app(LabApp)

    BINDINGS = [
        Binding("space", "draw", "Curve", tooltip="Show or hide this run in the curves"),
        Binding("t", "test", "Test", tooltip="Test this run against those in the curves, image by image"),
        Binding("x", "leave_out", "Leave out", tooltip="Leave this run out of the comparison, or include it again"),
        Binding("s", "sort", "Sort", tooltip="Sort by the next measure"),
        Binding("l", "label", "Label", tooltip="Give this run a name, tags and a note"),
        Binding("d,delete", "delete", "Delete", tooltip="Delete this run; asks for confirmation"),
    ]

    class DrawingAsked(_Asked):
        """The run's curve is to be shown or hidden."""

    class TestingAsked(_Asked):
        """The run is to be tested against those in the curves."""

    class LeavingOutAsked(_Asked):
        """The run is to be left out, or included again."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self.border_title = "Runs"
        self._order = 0
        self._records: Sequence[Run] = ()
        self._reasons: dict[str, str] = {}
        self._row: Callable[[Run], tuple[Text, ...]] = lambda _: ()
        self._rest: Timer | None = None
        self._sizes: dict[str, tuple[Run, int]] = {}
        """Bytes on the disk, of runs that the cursor has rested on."""

    def compose(self) -> ComposeResult:
        """The table, and below it a line on the run under the cursor."""
        yield PlainTable(id="all_runs")
        yield Static(id="about_run")

    def show(self, now: Compared) -> None:
        """Shows all runs, and which of them are compared and drawn."""
        self._records = now.records
        left_out = dict.fromkeys(now.wanted.left_out, LEFT_OUT)
        self._reasons = excluded_runs(now) | left_out
        theme = self.app.current_theme
        self._row = lambda record: row(record, self._reasons, record.run_id in now.drawn, theme)
        self._fill()

    def action_draw(self) -> None:
        """Shows or hides the run's curve."""
        if record := self.current:
            self.post_message(self.DrawingAsked(record.run_id))

    def action_test(self) -> None:
        """Tests the run against those in the curves."""
        if record := self.current:
            self.post_message(self.TestingAsked(record.run_id))

    def action_leave_out(self) -> None:
        """Leaves the run out, or includes it again."""
        if record := self.current:
            self.post_message(self.LeavingOutAsked(record.run_id))

    def action_sort(self) -> None:
        """Switches to the next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._fill()

    def action_label(self) -> None:
        """Edits the label."""
        if record := self.current:
            label = Label(record.label, record.tags, record.note)
            save = partial(self._save_label, record.directory, label)
            self.app.push_screen(EditLabelScreen(record.run_id, label), save)

    def action_delete(self) -> None:
        """Deletes the run after confirmation."""
        if record := self.current:
            question = f"Delete {record.run_id}{f' ({record.label})' if record.label else ''}? This can't be undone."
            size = self._size_of(record)
            answers = {CANCEL: "Keep it", "delete": f"Delete it{'' if size is None else f', {megabytes(size)}'}"}
            self.app.push_screen(ChoiceDialog(question, answers), partial(self._delete, record.directory))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Shows whether the run is eligible."""
        event.stop()
        self._show_details()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter shows the run on the training screen."""
        event.stop()
        if record := self.current:
            self.post_message(RunSelected(record.directory))
            self.app.call_later(self.app.run_action, "go('training')")

    def _save_label(self, run: RunDirectory, before: Label, after: Label | None) -> None:
        if after is not None:
            self._change(run, partial(change_label, run, partial(with_changes, before=before, after=after)))

    def _delete(self, run: RunDirectory, answer: str | None) -> None:
        if answer:
            self._change(run, partial(delete_run, run))

    def _change(self, run: RunDirectory, work: Callable[[], object]) -> None:
        self._threads.start(partial(self._change_in_thread, run, work), lane="changes", must_finish=True)

    def _change_in_thread(self, run: RunDirectory, work: Callable[[], object]) -> None:
        try:
            work()
        except RunError as error:
            self.post_message(Failed(str(error)))
        else:
            self.post_message(RunChanged(run))

    def _size_of(self, record: Run) -> int | None:
        """The bytes of the run's folder; None until they have been counted."""
        known = self._sizes.get(record.run_id)
        return known[1] if known and known[0] is record else None

    def _count_bytes(self) -> None:
        """Counts those of the run that the cursor rests on."""
        record = self.current
        if record and self._size_of(record) is None:
            self._threads.start(partial(self._count_in_thread, record), lane="sizes", only_newest=True)

    def _count_in_thread(self, record: Run) -> None:
        self.call_later(self._take_size, record, record.directory.size())

    def _take_size(self, record: Run, size: int) -> None:
        self._sizes[record.run_id] = record, size
        self._show_details()

    @property
    def _threads(self) -> Threads:
        return self.app.threads

    def _fill(self) -> None:
        table, current = self.query_one(PlainTable), self.current
        records = ordered(self._records, ORDERS[self._order])
        keys = [record.run_id for record in records]
        table.show(HEADER, map(self._row, records), keys, cursor=current.run_id if current else "")
        self._show_details()

    def _show_details(self) -> None:
        record = self.current
        about = f"; {self._about(record)}" if record else ""
        self.query_one("#about_run", Static).update(Text(f"{ORDERS[self._order].name}{about}"))
        if record and self._size_of(record) is None:
            if self._rest:
                self._rest.stop()
            self._rest = self.set_timer(_REST_SECONDS, self._count_bytes)

    def _about(self, record: Run) -> str:
        size, reason = self._size_of(record), self._reasons.get(record.run_id)
        text = f"{record.run_id} {f'excluded: {reason}' if reason else 'eligible'}"
        parts = text, "..." if size is None else megabytes(size), *(f"#{tag}" for tag in record.tags)
        return ", ".join(filter(None, [" ".join(parts), record.note]))

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        table = self.query_one(PlainTable)
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return next((record for record in self._records if record.run_id == key), None)
