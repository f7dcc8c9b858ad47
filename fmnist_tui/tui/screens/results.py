"""Screen 4: v0 to v3 compared."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static
from textual.worker import get_current_worker

from fmnist_tui.analysis import tables
from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.export import ExportError, export_run
from fmnist_tui.analysis.record import read_records
from fmnist_tui.models.catalogue import ORIGIN_NOTE
from fmnist_tui.runs.directory import RunError
from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.messages import Failed
from fmnist_tui.tui.widgets.nav import Nav

_NOTHING = "No run counts yet under the recipe {recipe}. Press 2 and train all four, or: fmnist-tui train all"


class ResultsScreen(Screen[None]):
    """The evolution table, the paired tests in words, and the runs that don't count."""

    CSS_PATH = "results.tcss"
    BINDINGS = [
        Binding("c", "other_recipe", "Recipe", tooltip="Compare under the other recipe"),
        Binding("f", "everything", "All runs", tooltip="Compare runs that don't count, too"),
        Binding("e", "export", "Export", tooltip="Write statistics, curves and plots of the runs to a folder"),
    ]
    AUTO_FOCUS = "DataTable"

    class Compared(Message):
        """The comparison was made."""

        def __init__(self, comparison: Comparison) -> None:
            super().__init__()
            self.comparison = comparison

    class Exported(Message):
        """The runs lie in this folder."""

        def __init__(self, folder: Path, runs: int) -> None:
            super().__init__()
            self.folder = folder
            self.runs = runs

    def __init__(self) -> None:
        super().__init__()
        self._recipe = RECIPES[0]
        self._everything = False

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("results")
        yield Static("Comparing the runs ...", id="title")
        yield DataTable(cursor_type="row", zebra_stripes=True)
        with VerticalScroll(can_focus=True):
            yield Static(id="words")
        yield Footer()

    def on_mount(self) -> None:
        """The columns stay."""
        self.query_one(DataTable).add_columns(*tables.HEADER)

    def on_screen_resume(self) -> None:
        """Runs may have ended since the last look."""
        self._compare()

    def action_other_recipe(self) -> None:
        """Tuned or origin."""
        self._recipe = RECIPES[1 - RECIPES.index(self._recipe)]
        self._compare()

    def action_everything(self) -> None:
        """All scored runs, or those that count."""
        self._everything = not self._everything
        self._compare()

    def action_export(self) -> None:
        """Writes every run's export into a folder where the app was started."""
        self._export(Path.cwd() / "fmnist-tui-export")

    def on_results_screen_compared(self, message: Compared) -> None:
        """Shows the comparison."""
        comparison = message.comparison
        table = self.query_one(DataTable)
        table.clear()
        table.add_rows([Text(cell) for cell in row] for row in tables.rows(comparison))
        table.display = bool(comparison.versions)
        which = "all scored runs" if comparison.everything else f"recipe {comparison.recipe}"
        title = f"v0 to v3, {which}" if comparison.versions else _NOTHING.format(recipe=comparison.recipe)
        self.query_one("#title", Static).update(Text(title))
        self.query_one("#words", Static).update(_words(comparison))

    def on_results_screen_exported(self, message: Exported) -> None:
        """Says where."""
        self.notify(f"{message.runs} runs written to {message.folder}", markup=False, timeout=10)

    def _compare(self) -> None:
        runs: Path = self.app.runs  # type: ignore[attr-defined]
        self.run_worker(
            partial(self._compare_in_thread, runs, self._recipe, everything=self._everything),
            thread=True,
            exclusive=True,
            exit_on_error=False,
        )

    def _compare_in_thread(self, runs: Path, recipe: str, *, everything: bool) -> None:
        worker = get_current_worker()
        try:
            comparison = compare(read_records(runs), recipe, everything=everything)
        except RunError as error:
            self.post_message(Failed(str(error)))
        else:
            if not worker.is_cancelled:  # else another one was asked for meanwhile
                self.post_message(self.Compared(comparison))

    @work(thread=True, exit_on_error=False)
    def _export(self, folder: Path) -> None:
        runs: Path = self.app.runs  # type: ignore[attr-defined]
        try:
            records = read_records(runs)
            for record in records:
                export_run(record, folder)
        except (RunError, ExportError) as error:
            self.post_message(Failed(str(error)))
        else:
            self.post_message(self.Exported(folder, len(records)))


def _words(comparison: Comparison) -> Text:
    """What stands below the table."""
    lines = [tables.gain_line(comparison)] if comparison.versions else []
    lines += [test.sentence for test in comparison.paired]
    lines += [tables.MARK_NOTE] if any(summary.marked for summary in comparison.versions) else []
    lines += ["", ORIGIN_NOTE] if comparison.versions else []
    if comparison.not_counted:
        lines += ["", "Not counted:", *(f"{run.run}  {run.why}" for run in comparison.not_counted)]
    return Text("\n".join(lines).strip("\n"))
