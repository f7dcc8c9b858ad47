"""The panel above the charts: which run it is, its score or its numbers, how far it is, and what it uses."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from fmnist_tui.report.sentences import score_text
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, percent
from fmnist_tui.tui.runs_state import RunState
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.training.cards import cards_of, end_text, in_rows
from fmnist_tui.tui.training.progress import headline, lost_job, machine_text, progress_of, trainer_host, waits_for
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.big_number import BigNumber
from fmnist_tui.tui.widgets.fitted import FittedText

_FRAME = 4
"""Cells of the panel's borders and padding."""
_BESIDE_TITLE = 2
"""More of them in the border that has the title, where there is one: blanks around it."""


class RunPanel(Vertical):
    """The numbers of one run; a test accuracy is the most prominent of them."""

    def __init__(self, no_run: Text) -> None:
        super().__init__(id="run", classes="panel")
        self._no_run = no_run
        self._title = Text()

    def compose(self) -> ComposeResult:
        """The name where there is no frame, the score, cards, progress, the machine."""
        yield FittedText(self._no_run, id="headline")
        with Horizontal(id="score"):
            yield BigNumber(id="test_accuracy")
            yield FittedText(id="interval")
        yield FittedText(id="cards")
        yield ProgressLine(id="progress")
        yield FittedText(id="machine")

    def show(self, follower: Follower, known: RunState | None) -> None:
        """Shows a run as it is followed, with what is known of it from the list of runs."""
        snapshot, status, theme = follower.snapshot, follower.status, self.app.current_theme
        width, colour = self.screen.size.width - _FRAME, model_colour(version_in(snapshot.run_id), theme)
        run = known.record if known else None
        name = headline(snapshot, status, run, theme, width if self._is_low else width - _BESIDE_TITLE)
        if name != self._title:  # setting it paints the whole panel
            self._title = self.border_title = name
        self._text("headline").show(name)
        self._show_score(run if snapshot.finished else None, colour)
        cards = cards_of(snapshot, colour)
        self._text("cards").show(in_rows(cards, width) if cards else Text())
        fraction, where = progress_of(snapshot, status)
        where = waits_for(follower) or end_text(snapshot) or lost_job(run, status) or where
        self.query_one(ProgressLine).show(fraction, where, colour)
        used, host = follower.usage if status.has_trainer else None, trainer_host(snapshot, status)
        usage = "" if self._is_low else machine_text(snapshot, used, host)
        self._text("machine").show(Text(usage, no_wrap=True, overflow="ellipsis"))

    def _show_score(self, run: Run | None, colour: str) -> None:
        accuracy = run.test_accuracy if run else None
        self.query_one("#score").display = accuracy is not None
        if run is None or accuracy is None:
            return
        digits = self.query_one(BigNumber)
        digits.styles.color = colour
        digits.update(percent(accuracy))
        joint = "  " if self._is_low else "\n"
        images = f", {counted(run.test_images, 'image')}" if run.test_images and not self._is_low else ""
        score = (f" {percent(accuracy)}", f"bold {colour}")
        self._text("interval").show(Text.assemble(("TEST ACCURACY", "dim"), score, joint, score_text(run), images))

    @property
    def _is_low(self) -> bool:
        """Whether the terminal has no rows to spare."""
        return self.screen.has_class("-compact") or self.screen.has_class("-small")

    def _text(self, name: str) -> FittedText:
        return self.query_one(f"#{name}", FittedText)
