"""The calibration of the compared models' best runs, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.widgets import Static

from fmnist_tui.analysis.calibration import Bin, calibration_error, merged
from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.directory import version_in
from fmnist_tui.text import grouped
from fmnist_tui.tui.results.comparison import Calibrated
from fmnist_tui.tui.themes import faded, model_colour

_NARROWEST = 38
"""Cells of a diagram with its numbers."""
_CONFIDENCE, _OVERCONFIDENT = "┃", "┄"
_FAINT = 0.45
_ABOUT = "Bar: accuracy; ┃ mean confidence; ┄ overconfident. Bins of fewer than 30 images are merged with neighbours."

Bins = Sequence[Bin]


def reliability_lines(bins: Bins, width: int, colour: str, faint: str) -> Text:
    """A line for each bin, the most confident first: a bar of its accuracy with a stroke at its mean confidence.

    Bins of few images are merged with their neighbours. Where the bar ends before the stroke, the model is
    overconfident.

    Args:
        bins: As `analysis.calibration.reliability` makes them.
        width: In cells.
        colour: Of the bars, `#RRGGBB`.
        faint: Of what is missing up to the stroke.
    """
    shown = merged(bins)[::-1]
    if not shown:
        return Text("no images", "dim")
    lines = [Text(f"{'conf.':<8}{'images':>7} {'acc.':>6}", "dim")]
    room = max(4, width - lines[0].cell_len - 1)
    for one in shown:
        correct, confident = (round((value or 0.0) * (room - 1)) for value in (one.accuracy, one.confidence))
        edges = f"{one.low * 100:.0f}-{one.high * 100:.0f}%"
        bar = [("━", colour)] * correct + [(_OVERCONFIDENT, faint)] * (confident - correct)
        bar += [(" ", "")] * (room - len(bar))
        bar[confident] = (_CONFIDENCE, "bold")
        number = f"{edges:<8}{grouped(one.count):>7} {(one.accuracy or 0.0) * 100:5.1f}% "
        lines.append(Text.assemble(number, *bar, no_wrap=True))
    return Text("\n", no_wrap=True).join(lines)


class Diagram(Static):
    """The diagram of one run."""

    def __init__(self, run: str, name: str, bins: Bins, note: str) -> None:
        super().__init__(classes="panel diagram")
        self._run, self._name_of_run, self._bins, self._note = run, name, bins, note

    def render(self) -> Text:
        """A title where there is no border, and the bins."""
        theme, model = self.app.current_theme, version_in(self._run)
        colour = model_colour(model, theme)
        error = f"ECE {calibration_error(self._bins):.4f}"
        title = Text.assemble(
            (f"{look_of(model).marker} {self._name_of_run}", f"bold {colour}"), f" {error}", (self._note, "dim")
        )
        self.border_title = title
        framed = self.outer_size.height > self.size.height
        lines = reliability_lines(self._bins, self.content_size.width, colour, faded(colour, theme, _FAINT))
        return lines if framed else Text("\n").join([title, lines])


class CalibrationView(VerticalScroll):
    """A diagram for each model, as many in a row as fit."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, can_focus=True)
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """The diagrams, and what their signs mean."""
        yield Grid(id="diagrams")
        yield Static(id="about_bins")

    def on_resize(self) -> None:
        """As many in a row as fit, with rows of equal length."""
        grid = self.query_one(Grid)
        count = max(1, len(grid.children))
        rows = math.ceil(count / max(1, min(count, self.size.width // _NARROWEST)))
        grid.styles.grid_size_columns = math.ceil(count / rows)

    async def show(self, found: Calibrated) -> None:
        """Shows the diagrams."""
        names, of = found.of.names, found.of
        wanted = ({run: (names[run], bins) for run, bins in found.diagrams.items()}, found.missing, of.is_reference)
        if wanted == self._shown:
            return
        self._shown = wanted
        about = _ABOUT if found.diagrams else "No predictions to show: train a model (2)"
        self.query_one("#about_bins", Static).update(Text("\n".join([about, *found.missing]), "dim"))
        grid, note = self.query_one(Grid), "  reference" if of.is_reference else ""
        await grid.remove_children()
        await grid.mount_all(Diagram(run, names[run], bins, note) for run, bins in found.diagrams.items())
        self.on_resize()
