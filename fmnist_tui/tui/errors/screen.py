"""Where one run errs: its classes, its confusion matrix, its mistakes one by one, its reliability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import DataTable, Static, TabbedContent, TabPane, Tabs

from fmnist_tui.analysis.error_report import Diagnosis, diagnose
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.runs.predictions import NoPredictionsError
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.errors import text as class_table
from fmnist_tui.tui.errors import text as errors_words
from fmnist_tui.tui.errors.gallery import Gallery, GalleryView, cell_gallery, galleries, specimen
from fmnist_tui.tui.errors.heat_map import HeatMap
from fmnist_tui.tui.errors.text import ScoreTable, reliability_words
from fmnist_tui.tui.messages import Chosen
from fmnist_tui.tui.widgets.images import drawing
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_FOCUS = {"classes": "#scores", "confusion": "HeatMap", "mistakes": "GalleryView", "reliability": "#reliable"}
_VIEWS = tuple(_FOCUS)


class Diagnosed(Message):
    """It is known where the run errs."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__()
        self.diagnosis = diagnosis


class Undiagnosed(Message):
    """The run left nothing that could tell, and why."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class ErrorsScreen(LabScreen):
    """Four views of one run's mistakes, one at a time."""

    CSS_PATH = "errors.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-high")]
    BINDINGS = [
        Binding("v", "next_view", "View", tooltip="Classes, confusion, mistakes, reliability"),
        Binding("g", "next_gallery", "Gallery", tooltip="Mistakes; wrong in all versions; right in this alone"),
        Binding("escape", "back", "Back", tooltip="Back to where you came from"),
        Binding("m", "ascii", "ASCII", tooltip="Draw images as half-blocks or in ASCII"),
    ]

    def __init__(self, record: Run, others: Sequence[Run]) -> None:
        """Reads nothing yet.

        Args:
            record: The run that is looked at.
            others: The best runs of the other versions.
        """
        super().__init__()
        self._record = record
        self._others = others
        self._diagnosis: Diagnosis | None = None
        self._galleries: list[Gallery] = []
        self._gallery = 0
        self._place = 0
        self._came_from: str | None = None

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("results")
        yield Static("Reading the predictions ...", id="title")
        with TabbedContent(initial="classes"):
            with TabPane("Classes", id="classes"):
                yield ScoreTable(id="scores")
                with VerticalScroll(can_focus=True):
                    yield Static(id="confused")
            with TabPane("Confusion", id="confusion"), Vertical():
                yield HeatMap()
                yield Static(id="cell")
            with TabPane("Mistakes", id="mistakes"):
                yield GalleryView()
            with TabPane("Reliability", id="reliability"), VerticalScroll(can_focus=True, id="reliable"):
                yield Static(id="bins")
        yield KeyLine()

    def on_mount(self) -> None:
        """`v` leads from view to view: the tabs needn't take the focus."""
        self.query_one(Tabs).can_focus = False
        self._draw_anew(in_ascii=self.app.ascii_images)
        self.watch_app("dataset", self._take_images)
        self.call_after_refresh(self.app.threads.start, self._diagnose_in_thread)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Only what does something now."""
        if action == "ascii":
            return self._view == "mistakes" and self._images is not None
        return self._diagnosis is not None or action not in ("next_view", "next_gallery")

    def on_resize(self) -> None:
        """Bars and columns take the room that there is."""
        self._show_bins()
        self._show_classes()

    def action_next_view(self) -> None:
        """Classes, confusion, mistakes, reliability, and round again."""
        self._came_from = None
        self._go_to(_VIEWS[(_VIEWS.index(self._view) + 1) % len(_VIEWS)])

    def action_next_gallery(self) -> None:
        """The next gallery; from another view, the one that was looked at last."""
        if self._view == "mistakes":
            self._open((self._gallery + 1) % len(self._galleries))
        self._go_to("mistakes")

    def action_ascii(self) -> None:
        """Half-blocks or ASCII."""
        in_ascii = not self.app.ascii_images
        self.post_message(Chosen(ascii_images=in_ascii))
        self._draw_anew(in_ascii=in_ascii)

    def action_back(self) -> None:
        """To the view whose cell was opened, else to the screen below."""
        if self._came_from and self._view == "mistakes":
            self._go_to(self._came_from)
            self._came_from = None
        else:
            self.dismiss()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Another view, by key or by mouse."""
        if self.is_current:
            self.query_one(_FOCUS[event.pane.id or "classes"]).focus()
        self._show_title()
        self.refresh_bindings()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """The images of a class that are taken for what it is taken for most often."""
        worst = class_table.worst_of(self._diagnosis, event.cursor_row) if self._diagnosis else None
        if worst:
            self._open_cell(worst.true, worst.predicted)

    def on_heat_map_moved(self) -> None:
        """Says what the cell counts."""
        if self._diagnosis:
            self.query_one("#cell", Static).update(
                errors_words.cell_words(self._diagnosis, *self.query_one(HeatMap).cursor)
            )

    def on_heat_map_opened(self) -> None:
        """The images of the cell."""
        self._open_cell(*self.query_one(HeatMap).cursor)

    def on_gallery_view_turned(self, message: GalleryView.Turned) -> None:
        """Another image; the first and the last hold."""
        last = len(self._galleries[self._gallery].indices) - 1 if self._galleries else 0
        self._place = max(0, min(self._place + message.by, last))
        self._show_specimen()

    def on_diagnosed(self, message: Diagnosed) -> None:
        """Fills all views."""
        diagnosis = self._diagnosis = message.diagnosis
        self._galleries = list(galleries(diagnosis))
        self._show_classes()
        self.query_one("#confused", Static).update(class_table.confused_words(diagnosis))
        worst = diagnosis.confused[0] if diagnosis.confused else None
        self.query_one(HeatMap).show(
            diagnosis.matrix, diagnosis.names, (worst.true, worst.predicted) if worst else (0, 0)
        )
        self.on_heat_map_moved()
        self._show_bins()
        self._open(0)
        self._go_to(self._view)
        self.query_one(_FOCUS[self._view]).focus()
        self.refresh_bindings()

    def on_undiagnosed(self, message: Undiagnosed) -> None:
        """One line says why, and what to do."""
        self.add_class("-nothing")
        self.query_one("#title", Static).update(Text(errors_words.unscored(self._record, message.why)))

    @property
    def _view(self) -> str:
        return self.query_one(TabbedContent).active or "classes"

    @property
    def _images(self) -> ImageSet | None:
        """The images that the run was scored on, where the app has them."""
        dataset = self.app.dataset
        if dataset is None or self._diagnosis is None or dataset.test.fingerprint != self._record.test_fingerprint:
            return None
        return dataset.test if np.array_equal(dataset.test.labels, self._diagnosis.predictions.labels) else None

    def _go_to(self, view: str) -> None:
        self.query_one(TabbedContent).active = view
        self._show_title()

    def _open(self, gallery: int) -> None:
        self._gallery, self._place = gallery, 0
        self._show_title()
        self._show_specimen()

    def _open_cell(self, true: int, predicted: int) -> None:
        """A gallery of its own, after the three that are always there."""
        if self._diagnosis:
            self._galleries[3:] = [cell_gallery(self._diagnosis, true, predicted)]
            self._open(3)
            self._came_from = self._view
            self._go_to("mistakes")

    def _show_title(self) -> None:
        if self._diagnosis:
            title = (
                self._galleries[self._gallery].title
                if self._view == "mistakes"
                else errors_words.title(self._diagnosis)
            )
            self.query_one("#title", Static).update(Text(title))

    def _show_classes(self) -> None:
        table, shown = self.query_one(ScoreTable), class_table.columns(self.size.width)
        if self._diagnosis and len(table.columns) != shown:
            rows = [row[:shown] for row in class_table.rows(self._diagnosis)]
            table.show(class_table.HEADER[:shown], rows)

    def _show_bins(self) -> None:
        if self._diagnosis:
            width = self.size.width - 3
            self.query_one("#bins", Static).update(reliability_words(self._diagnosis.bins, width))

    def _show_specimen(self) -> None:
        if not self._diagnosis:
            return
        gallery, shown = self._galleries[self._gallery], self.query_one(GalleryView)
        images, missing = self._images, errors_words.why_no_images(self.app.dataset)
        some = len(gallery.indices) > 0
        one = specimen(self._diagnosis, gallery, self._place, images, missing) if some else None
        shown.show(one, f"{gallery.empty}.")

    def _take_images(self, _: Dataset | None) -> None:
        self._show_specimen()
        self.refresh_bindings()

    def _draw_anew(self, *, in_ascii: bool) -> None:
        inverted = self.app.choices.inverted
        self.query_one(GalleryView).draw_with(drawing(in_ascii=in_ascii, inverted=inverted))

    def _diagnose_in_thread(self) -> None:
        try:
            self.post_message(Diagnosed(diagnose(self._record, self._others)))
        except NoPredictionsError as error:
            self.post_message(Undiagnosed(str(error)))
