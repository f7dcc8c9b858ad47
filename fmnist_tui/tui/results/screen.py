"""Screen 4: v0 to v3 compared."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static, TabbedContent, TabPane, Tabs

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.eligibility import why_not_counted
from fmnist_tui.analysis.error_report import best_of_last, best_of_others
from fmnist_tui.report import tables
from fmnist_tui.text import counted
from fmnist_tui.training.recipes import RECIPES, recipe_option
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.claims.screen import ClaimsScreen
from fmnist_tui.tui.errors.screen import ErrorsScreen
from fmnist_tui.tui.messages import Written
from fmnist_tui.tui.results.comparison import Compared, comparison_words, evolution, table_rows
from fmnist_tui.tui.results.curves import MEASURES, MOST, overlay
from fmnist_tui.tui.results.exporting import export_runs, write_copy
from fmnist_tui.tui.results.run_pairs import RunPairsScreen
from fmnist_tui.tui.results.runs_view import RunsView
from fmnist_tui.tui.run_monitor import SeenRuns
from fmnist_tui.tui.threads import for_each
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.plain_table import PlainTable

_OTHERS = "; f shows those that don't count"
_FOCUS = {"words": "#evolution", "bars": "#bars VerticalScroll", "curves": "#evolution", "runs": "#all_runs"}
_VIEWS = tuple(_FOCUS)
_COMPARING_SECONDS = 0.08
"""Seconds after which a pressed key should have a visible effect."""


class ResultsScreen(LabScreen):
    """The evolution table above; below it, one at a time: words, bars, curves, and all runs."""

    CSS_PATH = "results.tcss"
    BINDINGS = [
        Binding("v", "next_view", "View", tooltip="Words, bars, curves, runs"),
        Binding("c", "other_recipe", "Recipe", tooltip="Compare under the other recipe"),
        Binding("f", "everything", "All", tooltip="Compare runs that don't count, too"),
        Binding("w", "errors", "Errors", tooltip="Where a run errs: under the cursor, or the last version's best"),
        Binding("o", "claims", "Claims", tooltip="Why the CNN wins: the origin's claims, measured on these runs"),
        Binding("e", "export", "Export", tooltip="Write statistics, curves and plots of the compared runs to a folder"),
        Binding("y", "copy", "Copy", tooltip="Copy the comparison as Markdown, and write it to a file"),
    ]
    AUTO_FOCUS = "#evolution"

    def __init__(self) -> None:
        super().__init__()
        self._recipe = RECIPES[0]
        self._everything = False
        self._left_out: set[str] = set()
        self._drawn: list[str] | None = None
        self._now: Compared | None = None
        self._wanted = ""
        self._compared: SeenRuns | None = None

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("results")
        yield Static("Comparing the runs ...", id="title")
        yield PlainTable(id="evolution")
        with TabbedContent(initial="words"):
            with TabPane("Words", id="words"), VerticalScroll(can_focus=True):
                yield Static(id="told")
            with TabPane("Bars", id="bars"), VerticalScroll(can_focus=True):
                yield Static(id="evolved")
            with TabPane("Curves", id="curves"), Horizontal():
                for measure, title in MEASURES.items():
                    yield Chart(title, id=measure)
            with TabPane("Runs", id="runs"):
                yield RunsView()
        yield KeyLine()

    def on_mount(self) -> None:
        """`v` leads from view to view: the tabs needn't take the focus."""
        self.query_one(Tabs).can_focus = False
        self.watch_app("seen", self._take_seen)

    def on_screen_resume(self) -> None:
        """Another one may have been compared while this wasn't seen; labels may have changed."""
        self.app.monitor.look(thorough=True)
        self._take_seen(self.app.seen)

    def on_resize(self) -> None:
        """The bars take the room that there is."""
        self._show_bars()

    def action_next_view(self) -> None:
        """Words, bars, curves, runs, and round again."""
        views = self.query_one(TabbedContent)
        self._wanted = _VIEWS[(_VIEWS.index(self._wanted or views.active) + 1) % len(_VIEWS)]
        views.active = self._wanted

    def action_other_recipe(self) -> None:
        """Tuned or origin."""
        self._recipe = RECIPES[1 - RECIPES.index(self._recipe)]
        self._drawn = None
        self._compare()

    def action_everything(self) -> None:
        """All scored runs, or those that count."""
        self._everything = not self._everything
        self._drawn = None
        self._compare()

    def action_errors(self) -> None:
        """Where the run under the cursor errs, in the list of runs; else the best run of the last version."""
        now, at_runs = self._now, self.query_one(TabbedContent).active == "runs"
        record = self.query_one(RunsView).current if at_runs else now and best_of_last(now.comparison, now.records)
        if now and record:
            self.app.push_screen(ErrorsScreen(record, best_of_others(record, now.comparison, now.records)))
        else:
            self.notify("no run is compared yet: press 2 and train, or v for the list of all runs")

    def action_export(self) -> None:
        """Writes the compared runs' exports into a folder where the app was started."""
        if not self._now or not self._now.compared:
            self.notify("there is nothing to export yet: no run is compared")
        else:
            self.notify(f"Exporting {counted(len(self._now.compared), 'run')} ...")
            work = partial(export_runs, self._now.compared, self.post_message, self.app.ending)
            self.app.threads.start(work, lane="write", must_finish=True)

    def action_copy(self) -> None:
        """To the clipboard of the terminal, over SSH too where it allows (OSC 52), and to a file in any case."""
        if self._now and not self._now.compared:
            self.notify("there is nothing to copy yet: no run is compared")
        elif self._now:
            markdown = tables.as_markdown(self._now.comparison)
            self.app.copy_to_clipboard(markdown)
            work = partial(write_copy, markdown, self.post_message)
            self.app.threads.start(work, lane="write", must_finish=True)

    def action_claims(self) -> None:
        """Why the CNN wins."""
        self.app.push_screen(ClaimsScreen())

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Another view, by key or by mouse."""
        view = event.pane.id or "words"
        if self._wanted not in ("", view):  # late news of a view that quick keys have left: it would come back
            self.query_one(TabbedContent).active = self._wanted
            return
        self._wanted = ""
        self.set_class(view != "words", "-below")
        if self.is_current:
            self.query_one(_FOCUS[view]).focus()

    def on_runs_view_drawing_asked(self, message: RunsView.DrawingAsked) -> None:
        """A curve more, or one less."""
        if self._drawn is None:
            return
        if message.run in self._drawn:
            self._drawn.remove(message.run)
        elif len(self._drawn) < MOST:
            self._drawn.append(message.run)
        else:
            self.notify(f"{MOST} curves are as many as can be told apart; take one away first")
        self._compare()

    def on_runs_view_leaving_out_asked(self, message: RunsView.LeavingOutAsked) -> None:
        """A run less in the comparison, or one more."""
        self._left_out ^= {message.run}
        self._compare()

    def on_runs_view_testing_asked(self, message: RunsView.TestingAsked) -> None:
        """This run against those whose curves are drawn, pair by pair."""
        others = [run for run in self._drawn or () if run != message.run]
        if others and self._now:
            chosen = [one for one in self._now.records if one.run_id in {message.run, *others}]
            self.app.push_screen(RunPairsScreen(chosen[::-1]))
        else:
            self.notify("this run is tested against those whose curves are drawn: mark another one (space bar)")

    def on_compared(self, message: Compared) -> None:
        """Shows the comparison."""
        self._now = message
        self._drawn = list(message.epochs)
        comparison = message.comparison
        self.query_one("#evolution", PlainTable).show(tables.HEADER, table_rows(comparison))
        self.set_class(not comparison.versions, "-nothing")
        which = ", all runs scored on the same images" if comparison.everything else ""
        title = f"v0 to v3, recipe {comparison.recipe}{which}" if comparison.versions else _nothing(comparison)
        self.query_one("#title", Static).update(Text(title))
        self.query_one("#told", Static).update(comparison_words(comparison, len(message.left_out)))
        self._show_bars()
        self._show_curves()
        self.query_one(RunsView).show(message.records, comparison, message.left_out, self._drawn)

    def on_written(self, message: Written) -> None:
        """Says where."""
        self.notify(message.words, markup=False, timeout=10)

    def _show_bars(self) -> None:
        if self._now:
            self.query_one("#evolved", Static).update(evolution(self._now.comparison, self.size.width))

    def _show_curves(self) -> None:
        if not self._now:
            return
        for measure in MEASURES:
            chart = self.query_one(f"#{measure}", Chart)
            chart.axis_label = "epoch"
            chart.empty_words = "No curve is chosen: press v for the runs, then the space bar"
            chart.series = overlay(self._now.epochs, measure)

    def _take_seen(self, seen: SeenRuns) -> None:
        """Compares the runs that are known now, where that changes something and is seen."""
        if not self.is_current or (self._compared and not seen.differs_from(self._compared)):
            return
        if seen.complete and (seen.runs or not seen.fault):
            self._compare()
        else:
            self._compared = seen
            self.query_one("#title", Static).update(Text(seen.loading or seen.fault))

    def _compare(self) -> None:
        self._compared = seen = self.app.seen
        if not seen.complete:
            return
        self.set_timer(_COMPARING_SECONDS, partial(self._say_that_it_compares, self._now))
        work = partial(self._compare_in_thread, seen, self._recipe, frozenset(self._left_out), self._drawn)
        self.app.threads.start(partial(work, everything=self._everything), lane="compare", only_newest=True)

    def _say_that_it_compares(self, before: Compared | None) -> None:
        if self._now is before:
            self.query_one("#title", Static).update("Comparing the runs ...")

    def _compare_in_thread(
        self, seen: SeenRuns, recipe: str, left_out: frozenset[str], drawn: list[str] | None, *, everything: bool
    ) -> None:
        records = seen.records
        chosen = [one for one in records if one.run_id not in left_out]
        scored = [one for one in chosen if one.scores and (everything or why_not_counted(one, recipe) is None)]
        for_each(scored, lambda record: record.epochs, self.app.ending.is_set)  # they are kept for the comparison
        comparison = compare(chosen, recipe, everything=everything)
        if drawn is None:
            drawn = [one.best_run for one in comparison.versions]
        by_version = sorted(records, key=lambda one: one.run_id)
        epochs = {one.run_id: one.epochs for one in by_version if one.run_id in drawn}
        self.post_message(Compared(comparison, records, left_out, epochs))


def _nothing(comparison: Comparison) -> str:
    """That no run counts, and what to do."""
    recipe = comparison.recipe
    option = recipe_option(recipe)
    press = f"Press 2, choose {recipe}" if option else "Press 2"
    others = _OTHERS if comparison.comparable and not comparison.everything else ""
    told = f"No run counts yet under the recipe {recipe}. {press} and train all four"
    return f"{told}, or: fmnist-tui train all{option}{others}"
