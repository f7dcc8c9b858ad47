"""The errors of one run: its classes, its confusion matrix, its mistakes one by one, its reliability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.theme import Theme
from textual.widgets import DataTable, Static, TabbedContent, TabPane, Tabs

from fmnist_tui.analysis.error_report import ErrorReport, error_report
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.runs.predictions import NoPredictionsError
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.errors import text
from fmnist_tui.tui.errors.gallery import Gallery, GalleryView, cell_gallery, galleries, specimen
from fmnist_tui.tui.errors.heat_map import HeatMap
from fmnist_tui.tui.errors.text import ScoreTable
from fmnist_tui.tui.messages import Inspect, SettingsChanged
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.widgets.images import drawing, theme_shades
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_FOCUS = {"classes": "#scores", "confusion": "HeatMap", "mistakes": "GalleryView", "reliability": "#reliable"}
_VIEWS = tuple(_FOCUS)
_HUGE = 170
"""Cells."""


class ReportReady(Message):
    """The error report is ready."""

    def __init__(self, report: ErrorReport) -> None:
        super().__init__()
        self.report = report


class ReportFailed(Message):
    """There is no error report, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class ErrorsScreen(LabScreen):
    """Four views of one run's mistakes, one at a time."""

    CSS_PATH = "errors.tcss"
    BINDINGS = [
        Binding("v", "next_view", "View", tooltip="Classes, confusion, mistakes, reliability"),
        Binding("g", "next_gallery", "Gallery", tooltip="Mistakes; wrong in all; right only here"),
        Binding("escape", "back", "Back", tooltip="Back to the previous view or screen"),
        Binding("m", "ascii", "ASCII", tooltip="Draw images as half-blocks or in ASCII"),
        Binding("l", "inspect", "Look inside", tooltip="What this run's network sees in the image"),
    ]

    def __init__(self, record: Run, others: Sequence[Run]) -> None:
        """Reads nothing yet.

        Args:
            record: The run.
            others: The best runs of the other versions.
        """
        super().__init__()
        self._record = record
        self._others = others
        self._report: ErrorReport | None = None
        self._table: tuple[int, int] | None = None
        self._galleries: list[Gallery] = []
        self._gallery = 0
        self._position = 0
        self._came_from: str | None = None

    def compose(self) -> ComposeResult:
        """A title, and a tab for each view."""
        yield Nav("results")
        yield Static("Reading the predictions ...", id="title")
        with TabbedContent(initial="classes"):
            with TabPane("Classes", id="classes"):
                with Vertical(classes="panel", id="by_class"):
                    yield ScoreTable(id="scores")
                with VerticalScroll(can_focus=True, classes="panel pairs"):
                    yield Static(classes="confused")
            with TabPane("Confusion", id="confusion"):
                with Vertical(classes="panel"):
                    yield HeatMap()
                    yield Static(id="cell")
                with VerticalScroll(can_focus=False, classes="panel pairs"):
                    yield Static(classes="confused")
            with TabPane("Mistakes", id="mistakes"):
                yield GalleryView(classes="panel")
            with (
                TabPane("Reliability", id="reliability"),
                VerticalScroll(can_focus=True, id="reliable", classes="panel"),
            ):
                yield Static(id="bins")
        yield KeyLine()

    def on_mount(self) -> None:
        """`v` switches views, so the tabs never take the focus."""
        self.query_one(Tabs).can_focus = False
        self.query_one("#by_class").border_title = "Scores by class"
        for pairs in self.query(".pairs"):
            pairs.border_title = text.CONFUSED
        self.query_one("#reliable").border_title = "Accuracy by confidence"
        self._redraw()
        self.app.theme_changed_signal.subscribe(self, self._redraw)
        self.watch_app("dataset", self._take_images)
        self.call_after_refresh(self.app.threads.start, self._read_in_thread)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Only actions that do something now."""
        if action in ("ascii", "inspect"):
            return self._view == "mistakes" and self._images is not None
        return self._report is not None or action not in ("next_view", "next_gallery")

    def on_resize(self) -> None:
        """Fits bars and columns to the new width; a very large terminal shows the pairs beside the matrix as well."""
        self.set_class(self.size.width >= _HUGE, "-huge")
        self._show_bins()
        self._show_classes()

    def action_next_view(self) -> None:
        """Classes, confusion, mistakes, reliability, and classes again."""
        self._came_from = None
        self._go_to(_VIEWS[(_VIEWS.index(self._view) + 1) % len(_VIEWS)])

    def action_next_gallery(self) -> None:
        """The next gallery; from another view, the one shown last."""
        if self._view == "mistakes":
            self._open((self._gallery + 1) % len(self._galleries))
        self._go_to("mistakes")

    def action_ascii(self) -> None:
        """Switches between half-blocks and ASCII."""
        in_ascii = not self.app.ascii_images
        self.post_message(SettingsChanged(ascii_images=in_ascii))
        self._redraw(in_ascii=in_ascii)

    def action_inspect(self) -> None:
        """Opens the Inspector on the image."""
        images, gallery = self._images, self._galleries[self._gallery] if self._galleries else None
        if images and gallery and len(gallery.indices):
            index = int(gallery.indices[self._position])
            label = int(images.labels[index])
            self.post_message(Inspect(self._record, images.images[index], label, f"test image {grouped(index)}"))

    def action_back(self) -> None:
        """To the view whose cell was opened, else to the screen below."""
        if self._came_from and self._view == "mistakes":
            self._go_to(self._came_from)
            self._came_from = None
        else:
            self.dismiss()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Another view, by key or by mouse; a cell's images were left by any but their own."""
        if event.pane.id != "mistakes":
            self._came_from = None
        if self.is_current:
            self.query_one(_FOCUS[event.pane.id or "classes"]).focus()
        self._show_title()
        self.refresh_bindings()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens the images of the class's most frequent confusion."""
        worst = text.worst_of(self._report, event.cursor_row) if self._report else None
        if worst:
            self._open_cell(worst.true, worst.predicted)

    def on_heat_map_moved(self) -> None:
        """Describes the cursor's cell."""
        if self._report:
            map_ = self.query_one(HeatMap)
            self.query_one("#cell", Static).update(text.cell_text(self._report, *map_.cursor, map_.size.width))

    def on_heat_map_opened(self) -> None:
        """Opens the images of the cursor's cell."""
        self._open_cell(*self.query_one(HeatMap).cursor)

    def on_gallery_view_turned(self, message: GalleryView.Turned) -> None:
        """Shows another image, up to the first and the last."""
        last = len(self._galleries[self._gallery].indices) - 1 if self._galleries else 0
        self._position = max(0, min(self._position + message.by, last))
        self._show_specimen()

    def on_report_ready(self, message: ReportReady) -> None:
        """Fills all views."""
        report = self._report = message.report
        self._galleries = list(galleries(report))
        self._show_classes()
        worst = report.confused[0] if report.confused else None
        self.query_one(HeatMap).show(report.matrix, report.names, (worst.true, worst.predicted) if worst else (0, 0))
        self.on_heat_map_moved()
        self._show_bins()
        self._open(0)
        self._go_to(self._view)
        self.query_one(_FOCUS[self._view]).focus()
        self.refresh_bindings()

    def on_report_failed(self, message: ReportFailed) -> None:
        """Closes the screen, which would be empty, and shows why, and what to do."""
        self.dismiss()
        self.app.notify(text.no_predictions_text(self._record, message.reason), severity="warning", markup=False)

    @property
    def _view(self) -> str:
        return self.query_one(TabbedContent).active or "classes"

    @property
    def _images(self) -> ImageSet | None:
        """The images that the run was scored on, if the app has them."""
        dataset = self.app.dataset
        if dataset is None or self._report is None or dataset.test.fingerprint != self._record.test_fingerprint:
            return None
        return dataset.test if np.array_equal(dataset.test.labels, self._report.predictions.labels) else None

    def _go_to(self, view: str) -> None:
        self.query_one(TabbedContent).active = view
        self._show_title()

    def _open(self, gallery: int) -> None:
        self._gallery, self._position = gallery, 0
        self._show_title()
        self._show_specimen()

    def _open_cell(self, true: int, predicted: int) -> None:
        """Opens a gallery for the cell, after the three that are always there."""
        if self._report:
            self._galleries[3:] = [cell_gallery(self._report, true, predicted)]
            self._open(3)
            self._came_from = self._view
            self._go_to("mistakes")

    def _show_title(self) -> None:
        if self._report:
            self.query_one("#title", Static).update(text.title(self._report, self.app.current_theme))
            gallery = self._galleries[self._gallery].title
            self.query_one(GalleryView).border_title = gallery
            if self._view == "mistakes" and not self.query_one(GalleryView).styles.border_top[0]:
                self.query_one("#title", Static).update(Text(gallery))

    def _show_classes(self) -> None:
        table, shown = self.query_one(ScoreTable), text.columns(self.size.width)
        longest = text.name_width(self.size.width, is_beside=self.has_class("-wide"))
        if self._report and self._table != (shown, longest):
            self._table = shown, longest
            table.show(text.HEADER[:shown], [row[:shown] for row in text.rows(self._report, longest)])
        if self._report:
            for panel in self.query(".pairs"):
                heading = not panel.styles.border_top[0]
                pairs = text.confused_text(self._report, longest, self.app.current_theme, heading=heading)
                panel.query_one(".confused", Static).update(pairs)

    def _show_bins(self) -> None:
        if self._report:
            width = self.size.width - 7
            colour = model_colour(self._record.version, self.app.current_theme)
            self.query_one("#bins", Static).update(text.reliability_text(self._report.bins, width, colour))

    def _show_specimen(self) -> None:
        if not self._report:
            return
        gallery, shown = self._galleries[self._gallery], self.query_one(GalleryView)
        images, missing = self._images, text.no_images_text(self.app.dataset)
        some = len(gallery.indices) > 0
        one = specimen(self._report, gallery, self._position, images, missing) if some else None
        shown.show(one, f"{gallery.empty}.")

    def _take_images(self, _: Dataset | None) -> None:
        self._show_specimen()
        self.refresh_bindings()

    def _redraw(self, _: Theme | None = None, *, in_ascii: bool | None = None) -> None:
        in_ascii = self.app.ascii_images if in_ascii is None else in_ascii
        self._show_title()
        self._show_bins()
        self._show_classes()
        self.query_one(HeatMap).refresh()
        draw = drawing(in_ascii=in_ascii, inverted=self.app.settings.inverted, shades=theme_shades(self.app))
        self.query_one(GalleryView).draw_with(draw)

    def _read_in_thread(self) -> None:
        try:
            self.post_message(ReportReady(error_report(self._record, self._others)))
        except NoPredictionsError as error:
            self.post_message(ReportFailed(str(error)))
