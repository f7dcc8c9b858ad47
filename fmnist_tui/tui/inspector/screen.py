"""The Inspector: an image, what a run's network predicts for it, and what the network's layers make of it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.files import is_folder
from fmnist_tui.inspection.occlusion import sweep_for
from fmnist_tui.inspection.requests import Answer, Done, Failed, Inspect, Packed, Predict, Probabilities, Views
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.snapshots import NoSnapshotsError
from fmnist_tui.tui.base_screens import NetworkScreen
from fmnist_tui.tui.inspector.choosing import samples_of
from fmnist_tui.tui.inspector.epochs import OF_EPOCHS, EpochLine, epoch_view
from fmnist_tui.tui.inspector.facts import facts_text, heading
from fmnist_tui.tui.inspector.found import DELETED, Answered, Deleted, Found, SnapshotsRead
from fmnist_tui.tui.inspector.views import (
    COMPARING,
    DENSE,
    MODULE,
    SHORT,
    TITLES,
    Drawn,
    Look,
    Space,
    draw_view,
    fitting,
)
from fmnist_tui.tui.messages import StepByStep
from fmnist_tui.tui.widgets.images import Picture, drawing, picture, theme_shades
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Links, Nav
from fmnist_tui.tui.widgets.value_maps import palette_of

Pixels = NDArray[np.uint8]
_GREY = 128
_WIDE = 92
"""Cells from which the views' names have gaps around them."""


class InspectorScreen(NetworkScreen):
    """One image and one run at a time; each view is requested when it is first shown."""

    CSS_PATH = "inspector.tcss"
    BINDINGS = [
        Binding("w", "view('units')", "Weights", tooltip="The hidden units' weights, sorted by contribution"),
        Binding("e", "view('evidence')", "Evidence", tooltip="Votes of the hidden units for each class"),
        Binding("f", "view('filters')", "Filters", tooltip="The first layer's filters"),
        Binding("m", "view('maps')", "Maps", tooltip="Feature maps: what each layer makes of the image"),
        Binding("s", "view('saliency')", "Saliency", tooltip="Which pixels change the score of a class"),
        Binding("g", "view('grad_cam')", "Grad-CAM", tooltip="Where the last convolution raises a class's score"),
        Binding("o", "view('occlusion')", "Occlusion", tooltip="Cover parts of the image, one after the other"),
        Binding("p", "view('predictions')", "Predictions", tooltip="Predictions for 100 images, epoch by epoch"),
        Binding(
            "right,right_square_bracket",
            "epoch(1)",
            "Epoch",
            key_display="←→",
            tooltip="The next epoch's weights and predictions",
        ),
        Binding("left,left_square_bracket", "epoch(-1)", "Epoch back", show=False, tooltip="After the previous epoch"),
        Binding("down,pagedown", "page(1)", "More", tooltip="The next page of units, filters, maps or classes"),
        Binding("up,pageup", "page(-1)", "Back a page", tooltip="The previous page", show=False),
        Binding("n", "layer(1)", "Next layer", tooltip="Feature maps of the next layer"),
        Binding("b", "layer(-1)", "Previous layer", tooltip="Feature maps of the previous layer"),
        Binding("escape", "dismiss", "Back", tooltip="Back to the previous screen"),
        Binding("x", "step_by_step", "Step by step", tooltip="One training step of v0 on this image, by hand"),
        Binding("c", "compare", "Compare", tooltip="Compare the predicted class with another one"),
        Binding("r", "other_run", "Run", tooltip="The same image in another run"),
    ]

    def __init__(self, runs: list[Run], image: Pixels, label: int | None, title: str) -> None:
        """Requests nothing yet.

        Args:
            runs: The run to begin with, and others on such images; at least one.
            image: uint8, (C, H, W).
            label: Its class, or None.
            title: Which image it is.
        """
        super().__init__()
        self._runs = runs
        self._image = image
        self._label = label
        self._title = title
        self._at = 0
        self._found = Found()
        self._view = self._views[0]

    def compose(self) -> ComposeResult:
        """The image and the prediction; right of them the views."""
        yield Nav("")
        yield Static(id="title")
        yield Links(id="views")
        with Horizontal(id="panels"):
            with Vertical(id="image", classes="panel") as left:
                left.border_title = "Image"
                yield Picture()
                yield Static(id="facts")
            with Vertical(id="view", classes="panel"):
                yield Static(id="maps")
                yield Static(id="legend")
        with Vertical(id="below"):
            yield Static(id="sentence")
            yield EpochLine(id="slider")
        yield KeyLine()

    def on_mount(self) -> None:
        """Asks for the prediction; the views follow."""
        self.query_one(Picture).image = picture(self._image)
        self.app.theme_changed_signal.subscribe(self, self._redraw)
        self._redraw()
        self._open()

    def on_resize(self) -> None:
        """Fits the maps into the new space, once it is known."""
        self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what this network and this view have."""
        found = self._found
        if action == "view":
            return parameters[0] in self._views
        if action == "layer":
            return self._view == "maps" and 0 <= found.layer + int(str(parameters[0])) < found.layers
        offered = {
            "epoch": self._has_slider,
            "page": found.pages > 1,
            "compare": self._view in COMPARING and len(self._run.class_names) > 1 and not found.is_deleted,
            "step_by_step": self._views[0] == DENSE[0] and not found.is_deleted,
            "other_run": len(self._runs) > 1,
        }
        return offered.get(action, True)

    def offers(self, action: str) -> bool:
        """The views are named at the top with their keys."""
        return not action.startswith("view")

    def action_view(self, view: str) -> None:
        """Shows another view."""
        if view in self._views:
            self._view, self._found.page = view, 0
            if "" in self._found.faults:
                self._open()
            self._request()
            self._show()

    def action_layer(self, by: int) -> None:
        """Shows the feature maps of the next layer (1) or of the previous one (-1)."""
        self._found.layer, self._found.page = min(max(self._found.layer + by, 0), self._found.layers - 1), 0
        self._show()

    def action_page(self, by: int) -> None:
        """Shows the next page (1) or the previous one (-1)."""
        self._found.page = min(max(self._found.page + by, 0), self._found.pages - 1)
        self._show()

    def action_compare(self) -> None:
        """Compares the predicted class with the next one; after the last, with none.

        Weights go from the contributions to the predicted class to those to the compared one, and back.
        """
        if self._found.predicted is None:
            return
        if self._view == "units":
            self._found.contrasted, self._found.page = not self._found.contrasted, 0
            self._found.answers.pop("units", None)
            self._request()
            self._show()
            return
        others: list[int | None] = [n for n in range(len(self._run.class_names)) if n != self._found.predicted]
        others.append(None)
        at = others.index(self._found.compared)
        self._found.compared = others[(at + 1) % len(others)]
        self._found.answers = {view: one for view, one in self._found.answers.items() if view in ("filters", "maps")}
        self._request()
        self._show()

    def action_step_by_step(self) -> None:
        """Opens the page on backpropagation, if the run is still there."""
        self.app.threads.start(partial(self._begin_step, StepByStep(self._run, self._image, self._label, self._title)))

    def _begin_step(self, message: StepByStep) -> None:
        self.post_message(message if is_folder(message.run.path) else Deleted(message.run))

    def _look_for(self, run: Run) -> None:
        if not is_folder(run.path):
            self.post_message(Deleted(run))

    def on_deleted(self, message: Deleted) -> None:
        """Says so, in place of any view that isn't there yet."""
        self.notify(DELETED, severity="warning")
        if message.run is self._run:
            self._found.faults = dict.fromkeys(("", *self._views), DELETED)
            self._show()

    def action_other_run(self) -> None:
        """Shows the image in the next run."""
        self._at, self._found = (self._at + 1) % len(self._runs), Found()
        if self._view not in self._views:
            self._view = self._views[0]
        self._open()
        self._show()

    def action_epoch(self, by: int) -> None:
        """Shows the next epoch of which there is a snapshot (1), or the one before (-1); after them the last state."""
        self._go_to_epoch(self._found.at + by)

    def on_epoch_line_chosen(self, message: EpochLine.Chosen) -> None:
        """Shows the epoch that was clicked."""
        self._go_to_epoch(message.at)

    def _go_to_epoch(self, at: int) -> None:
        if self._found.snapshots is not None:
            self._found.epoch = None if at >= self._found.last else max(at, 0)
            self._show()

    def on_snapshots_read(self, message: SnapshotsRead) -> None:
        """Offers the epochs."""
        if message.run is self._run:
            self._found.snapshots = message.snapshots
            self._show()

    def on_answered(self, message: Answered) -> None:
        """Shows the answer if it is one to the newest request of its kind."""
        view, answer = message.view, message.answer
        if answer.number != self._found.numbers.get(view):
            return
        if isinstance(answer, Failed):
            self._found.faults[view] = answer.reason
            self.app.threads.start(partial(self._look_for, self._run))
        elif isinstance(answer, Probabilities):
            self._take_prediction(np.array(answer.values, np.float32))
        elif isinstance(answer, Views):
            self._take_views(tuple(answer.views))
        elif not isinstance(answer, Done):
            self._found.answers.setdefault(view, []).append(answer)
        if not isinstance(answer, Done):
            self._show()

    @property
    def _run(self) -> Run:
        return self._runs[self._at]

    @property
    def _views(self) -> tuple[str, ...]:
        model = self._run.model
        views: tuple[str, ...] = DENSE if model is not None and not model.needs_torch else MODULE
        if self._found.views is not None:
            views = tuple(view for view in views if view == "occlusion" or view in self._found.views)
        return views if self._found.snapshots is None else (*views, "predictions")

    @property
    def _has_slider(self) -> bool:
        return self._view in OF_EPOCHS and self._found.snapshots is not None

    def _take_views(self, views: tuple[str, ...]) -> None:
        self._found.views = views
        if self._view not in self._views:
            self.action_view(self._views[0])

    def _take_prediction(self, probabilities: NDArray[np.float32]) -> None:
        self._found.probabilities, self._found.predicted = probabilities, int(probabilities.argmax())
        wrong = self._label not in (None, self._found.predicted)
        self._found.compared = self._label if wrong else int(np.argsort(-probabilities, kind="stable")[1])
        self._request()

    def _open(self) -> None:
        """Asks for the prediction, and reads the snapshots."""
        self._ask("", Predict(run=str(self._run.path), image=Packed.of(self._image)))
        self.app.threads.start(partial(self._read_snapshots, self._run))

    def _read_snapshots(self, run: Run) -> None:
        with suppress(NoSnapshotsError):  # runs of earlier versions have none
            self.post_message(SnapshotsRead(run, run.snapshots()))

    def _ask(self, view: str, request: Predict | Inspect) -> None:
        self._found.faults.pop(view, None)

        def take(answer: Answer) -> None:
            self.post_message(Answered(view, answer))

        self._found.numbers[view] = self.app.inspection.send(request, take)

    def _request(self) -> None:
        """Asks for the view that is shown, unless its answers are there; an occlusion map may have been interrupted."""
        view, rows = self._view, len(sweep_for(*self._image.shape[1:]).rows)
        found = self._found.answers.get(view, [])
        complete = view not in self._found.faults and (len(found) == rows if view == "occlusion" else bool(found))
        if self._found.predicted is None or complete or view == "predictions":
            return
        self._found.answers.pop(view, None)
        samples = self._samples if view in ("units", "filters", "maps") else None
        self._ask(
            view,
            Inspect(
                run=str(self._run.path),
                view=view,
                image=Packed.of(self._image),
                labels=self._found.toward if view == "units" else self._found.labels,
                samples=Packed.of(samples) if samples is not None else None,
                fill=0 if len(self._image) == 1 else _GREY,
            ),
        )

    @property
    def _samples(self) -> Pixels | None:
        return samples_of(self.app.dataset, self._image.shape)

    def _show(self) -> None:
        """Everything that is known by now."""
        facts, names, found = self.query_one("#facts", Static), self._run.class_names, self._found.probabilities
        facts.update(facts_text(names, self._label, found, facts.size, self.app.current_theme))
        self._show_views()
        self.query_one(EpochLine).show(self._found.snapshots if self._has_slider else None, self._found.at)
        self._show_maps()
        self.refresh_bindings()

    @property
    def _has_border(self) -> bool:
        return not (self.has_class("-compact") or self.has_class("-small"))

    def _show_title(self, view: str) -> None:
        """The run and the image; also what is on the panel's border, where there is no room for one."""
        self.query_one("#view").border_title = Content(view)
        title = heading(self._run, self._title, self.app.current_theme)
        self.query_one("#title", Static).update(title if self._has_border else title.append(f" · {view}"))

    def _show_views(self) -> None:
        keys = {active.binding.action: active.binding.key for active in self.active_bindings.values()}
        actions = {view: f"view('{view}')" for view in self._views}
        named = {view: f"{keys.get(action, '')} {TITLES[view]}" for view, action in actions.items()}
        narrow = sum(len(name) + 1 for name in named.values()) > self.size.width - 2
        gap = "" if self.size.width < _WIDE else " "
        parts = []
        for view in self._views:
            full = named[view]
            name = f"{gap}{full.replace(TITLES[view], SHORT.get(view, TITLES[view])) if narrow else full}{gap}"
            parts.append(f"[reverse]{name}[/]" if view == self._view else f"[@click=screen.view('{view}')]{name}[/]")
        self.query_one("#views", Static).update(Content.from_markup(" ".join(parts)))

    def _show_maps(self) -> None:
        maps, scale, below = (self.query_one(f"#{name}", Static) for name in ("maps", "legend", "sentence"))
        view = self._view
        fault = self._found.faults.get("") or self._found.faults.get(view)
        drawn = None
        if self._found.predicted is not None and not fault and maps.size:
            samples = self._samples
            look = Look(
                self._run.class_names,
                tuple(self._found.labels),
                self._label,
                sweep_for(*self._image.shape[1:]),
                0 if samples is None else len(samples),
            )
            page, layer = self._found.page, self._found.layer
            before = heading(self._run, self._title, self.app.current_theme)
            for_title = None if self._has_border else self.size.width - before.cell_len - 5
            space = Space(*maps.size, palette_of(self.app), page, layer, for_title)
            drawn = self._drawn(look, space)
        if drawn is None:
            maps.update(Text(f"{fault[:1].upper()}{fault[1:]}" if fault else "Looking inside ..."))
            scale.update(Text())
            below.update(Text())
            self._show_title(TITLES[view])
            return
        self._found.pages, self._found.layers = drawn.pages, drawn.layers
        maps.update(drawn.body, layout=False)
        scale.update(drawn.legend)
        width, lines = self.query_one("#below").content_size
        below.update(Text(fitting(drawn.sentences, width, lines - self._has_slider)))
        self._show_title(drawn.title)

    def _drawn(self, look: Look, space: Space) -> Drawn | None:
        view, found = self._view, self._found
        answers, snapshots = found.answers.get(view, []), found.snapshots
        if snapshots is not None and view in OF_EPOCHS and (found.epoch is not None or view == "predictions"):
            return epoch_view(view, snapshots, found.at, answers, look, space)
        return draw_view(view, answers, look, space)

    def _redraw(self, _: Theme | None = None) -> None:
        inverted, shades = self.app.settings.inverted, theme_shades(self.app)
        self.query_one(Picture).draw = drawing(in_ascii=self.app.ascii_images, inverted=inverted, shades=shades)
        self.call_after_refresh(self._show)
