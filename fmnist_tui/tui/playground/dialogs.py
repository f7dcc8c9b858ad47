"""The dialog that chooses which runs predict."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.playground.selection import MOST_RUNS
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.widgets.choices import Choices, Markable


class ChooseRunsDialog(Dialog[list[Run] | None]):
    """Dismisses with the marked runs, four at most, or with None if it is cancelled."""

    BINDINGS = [Binding("space", "mark", "Mark", tooltip="Mark the run, or no longer")]

    def __init__(self, records: Sequence[Run], marked: Sequence[Run]) -> None:
        """A dialog that isn't open yet.

        Args:
            records: The runs to choose from.
            marked: Those that are marked at first.
        """
        super().__init__()
        self._records = list(records)
        self._marked = [record.run_id for record in marked]

    def compose(self) -> ComposeResult:
        """Heading, list and what the keys do."""
        with Vertical(classes="dialog"):
            yield Static(f"Which runs should predict? Up to {MOST_RUNS}", classes="muted")
            yield Markable(*(Option(self._line(record), id=record.run_id) for record in self._records), clicks=1)
            yield Static("space marks, enter shows the marked ones, esc cancels", classes="muted")

    def action_mark(self) -> None:
        """Marks the highlighted run, or no longer."""
        choices = self.query_one(Choices)
        if choices.highlighted is None:
            return
        record = self._records[choices.highlighted]
        if record.run_id in self._marked:
            self._marked.remove(record.run_id)
        elif len(self._marked) < MOST_RUNS:
            self._marked.append(record.run_id)
        else:
            self.notify(f"At most {MOST_RUNS} runs; unmark one first", severity="warning", markup=False)
        choices.replace_option_prompt(record.run_id, self._line(record))

    def on_markable_marked(self) -> None:
        """A click marks, too."""
        self.action_mark()

    def on_option_list_option_selected(self, event: Choices.OptionSelected) -> None:
        """Dismisses with the marked runs, or, if none is marked, with the one under the cursor."""
        chosen = self._marked or [event.option_id or ""]
        self.dismiss([record for record in self._records if record.run_id in chosen])

    def _line(self, record: Run) -> Text:
        mark = "■" if record.run_id in self._marked else "□"
        colour = model_colour(record.version, self.app.current_theme)
        about = f"{record.label or record.marked_recipe}, seed {record.seed}, {record.data_name}"
        return Text.assemble(
            (f"{mark} {record.version}", f"bold {colour}"), f"  {percent(record.test_accuracy)}  {about}", no_wrap=True
        )
