"""The calibration of the compared models' best runs, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Grid, VerticalScroll
from textual.geometry import Size
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Static

from fmnist_tui.analysis.calibration import Bin, calibration_error, merged
from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.directory import version_in
from fmnist_tui.text import grouped
from fmnist_tui.tui.results.comparison import Calibrated
from fmnist_tui.tui.themes import faded, model_colour
from fmnist_tui.tui.widgets.reliability import has_enough, reliability_bar

_NARROWEST = 38
"""Cells of a diagram with its numbers."""
_FAINT = 0.45
_ABOUT = (
    "ECE: the mean gap between confidence and accuracy; 0 is perfect. Bar: accuracy; ┃ mean confidence; "
    "┄ overconfident. Bins of fewer than 30 images are merged with neighbours."
)

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
        number = f"{f'{one.low * 100:.0f}-{one.high * 100:.0f}%':<8}{grouped(one.count):>7} "
        if has_enough(one):
            bar = reliability_bar(one, room, colour, faint)
            lines.append(Text.assemble(f"{number}{(one.accuracy or 0.0) * 100:5.1f}% ", *bar, no_wrap=True))
        else:
            lines.append(Text(f"{number}too few images", "dim", no_wrap=True))
    return Text("\n", no_wrap=True).join(lines)


class Diagram(Widget):
    """The diagram of one run, with a title where there is no border that has it."""

    def __init__(self, run: str, name: str, bins: Bins, note: str) -> None:
        super().__init__(classes="panel diagram")
        self._model, self._name_of_run, self._bins, self._note = version_in(run), name, bins, note

    def on_mount(self) -> None:
        """Names the run, in the theme's colours."""
        self._show_title()
        self.app.theme_changed_signal.subscribe(self, self._show_title)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's names
        """The bins, their heading, and the title."""
        return len(merged(self._bins)) + 1 + (not self._is_framed)

    def render(self) -> Text:
        """Title and bins."""
        theme = self.app.current_theme
        colour = model_colour(self._model, theme)
        lines = reliability_lines(self._bins, self.content_size.width, colour, faded(colour, theme, _FAINT))
        return lines if self._is_framed else Text("\n").join([self._title, lines])

    def _show_title(self, _: Theme | None = None) -> None:
        self.border_title = self._title

    @property
    def _is_framed(self) -> bool:
        return self.styles.border_top[0] not in ("", "none")

    @property
    def _title(self) -> Text:
        colour = model_colour(self._model, self.app.current_theme)
        name = f"{look_of(self._model).marker} {self._name_of_run}"
        error = f"  ECE {calibration_error(self._bins):.4f}"
        return Text.assemble((name, f"bold {colour}"), (error, "bold"), (self._note, "dim"))


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
        """As many in a row as fit, but an even number of them, so that two recipes of a model stand side by side."""
        grid = self.query_one(Grid)
        columns = max(1, min(len(grid.children), self.size.width // _NARROWEST))
        grid.styles.grid_size_columns = columns - (columns > 1 and columns % 2)

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
