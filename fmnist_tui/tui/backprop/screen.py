"""Backpropagation, step by step: one image through a run of v0, one operation at a time."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.errors import RunError
from fmnist_tui.inspection.backprop import BACKWARD, FORWARD, UPDATE, DenseRun, Walk, read_dense_run, walk
from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.training.config import ConfigError
from fmnist_tui.tui.backprop.drawing import Classes, draw_operation, layer_name, scale_line
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.value_maps import palette_of

Pixels = NDArray[np.uint8]
_WIDE = 92
"""Cells from which the whole title fits."""
_PHASES = (FORWARD, BACKWARD, UPDATE)


class WalkReady(Message):
    """A step was calculated for the image with this number."""

    def __init__(self, number: int, dense: DenseRun, walk: Walk) -> None:
        super().__init__()
        self.number = number
        self.dense = dense
        self.walk = walk


class WalkFailed(Message):
    """There are no numbers to show, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class BackpropScreen(LabScreen):
    """The operations of one training step; other images are those of the test set."""

    CSS_PATH = "backprop.tcss"
    BINDINGS = [
        Binding("right", "step(1)", "Next", key_display="→", tooltip="The next operation"),
        Binding("left", "step(-1)", "Previous", key_display="←", tooltip="The previous operation"),
        Binding("g", "phase", "Next part", tooltip="Go to the next part: forward pass, backward pass, update"),
        Binding("escape", "dismiss", "Back", tooltip="Back to the previous screen"),
        Binding("down", "image(1)", "Next image", key_display="↓", tooltip="The next test image"),
        Binding("up", "image(-1)", "Previous image", show=False, tooltip="The previous test image"),
        Binding("home", "first", "First", show=False, tooltip="The first operation"),
        Binding("end", "last", "Last", show=False, tooltip="The last operation"),
    ]

    def __init__(self, run: Run, image: Pixels, label: int | None, title: str) -> None:
        """Reads nothing yet.

        Args:
            run: A run of v0.
            image: uint8, (C, H, W).
            label: Its class, or None.
            title: Which image it is.
        """
        super().__init__()
        self._run = run
        self._image = image
        self._label = label
        self._title = title
        self._test_index: int | None = None
        self._number = 0
        self._at = 0
        self._dense: DenseRun | None = None
        self._walk: Walk | None = None
        self._fault = ""

    def compose(self) -> ComposeResult:
        """The operation's formula above its arrays; the reason below."""
        yield Nav("")
        yield Static(id="title")
        with Vertical(id="operation", classes="panel"):
            yield Static(id="formula")
            yield Static(id="arrays")
            yield Static(id="legend")
        yield Static(id="why")
        yield KeyLine()

    def on_mount(self) -> None:
        """Calculates, in a thread."""
        self.app.theme_changed_signal.subscribe(self, self._redraw)
        self._calculate()

    def on_resize(self) -> None:
        """Fits the arrays into the new space, once it is known."""
        self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Only what there is something for."""
        if action == "image":
            return self._tests is not None
        return self._walk is not None or action not in ("step", "phase", "first", "last")

    def action_step(self, by: int) -> None:
        """Shows the next operation (1) or the previous one (-1)."""
        self._go_to(self._at + by)

    def action_phase(self) -> None:
        """Shows the first operation of the next part; after the last part, the first one."""
        if self._walk is not None:
            operations = self._walk.operations
            here = operations[self._at].phase
            later = (index for index in range(self._at, len(operations)) if operations[index].phase != here)
            self._go_to(next(later, 0))

    def action_first(self) -> None:
        """Shows the first operation."""
        self._go_to(0)

    def action_last(self) -> None:
        """Shows the last operation."""
        self._go_to(len(self._walk.operations) - 1 if self._walk else 0)

    def action_image(self, by: int) -> None:
        """Takes the next test image (1) or the previous one (-1) through the same operation."""
        tests = self._tests
        if tests is not None:
            if self._test_index is None:
                same = np.flatnonzero((tests[0] == self._image).all(axis=(1, 2, 3)))
                self._test_index = int(same[0]) if len(same) else -max(by, 0)
            self._test_index = (self._test_index + by) % len(tests[1])
            self._image, self._label = tests[0][self._test_index], int(tests[1][self._test_index])
            self._title = f"test image {self._test_index}"
            self._calculate()

    def on_walk_ready(self, message: WalkReady) -> None:
        """Shows the numbers, unless another image was chosen meanwhile."""
        if message.number == self._number:
            self._dense, self._walk = message.dense, message.walk
            self._at = min(self._at, len(message.walk.operations) - 1)
            self._show()

    def on_walk_failed(self, message: WalkFailed) -> None:
        """Shows why there are none."""
        self._fault = message.reason
        self._show()

    @property
    def _tests(self) -> tuple[Pixels, NDArray[np.integer]] | None:
        dataset = self.app.dataset
        if dataset is None or dataset.shape != self._image.shape:
            return None
        return dataset.test.images, dataset.test.labels

    def _calculate(self) -> None:
        self._number += 1
        work = partial(self._walk_in_thread, self._number, self._dense, self._image, self._label)
        self.app.threads.start(work, lane="backprop", only_newest=True)

    def _walk_in_thread(self, number: int, dense: DenseRun | None, image: Pixels, label: int | None) -> None:
        try:
            dense = dense or read_dense_run(self._run)
            self.post_message(WalkReady(number, dense, walk(dense, image, label)))
        except (RunError, ConfigError) as error:
            self.post_message(WalkFailed(str(error)))

    def _go_to(self, index: int) -> None:
        if self._walk is not None:
            self._at = min(max(index, 0), len(self._walk.operations) - 1)
            self._show()

    def _show(self) -> None:
        if not self.is_complete:
            return
        self._show_title()
        formula, arrays, scale, why = (self.query_one(f"#{name}", Static) for name in _PARTS)
        if self._walk is None:
            formula.update(Text(self._fault or "Reading the weights ..."))
            return
        operation = self._walk.operations[self._at]
        palette = palette_of(self.app)
        self.query_one("#operation").border_title = operation.phase
        formula.update(Text.assemble(f"{operation.title}   ", (operation.formula, "bold")))
        classes, shape = Classes.of(self._run.class_names, self._walk), self._run.image_shape
        if arrays.size:
            arrays.update(draw_operation(operation, classes, shape, *arrays.size, palette), layout=False)
        scale.update(scale_line(operation, palette))
        phases = [(f" {phase} ", "reverse" if phase == operation.phase else "dim") for phase in _PHASES]
        layer = layer_name(operation, why.size.width - sum(len(phase) for phase, _ in phases) - 10)
        position = (f" {self._at + 1} of {len(self._walk.operations)}  {layer}", "dim")
        why.update(Text.assemble(*phases, position, "\n", operation.why))
        self.refresh_bindings()

    def _show_title(self) -> None:
        run = self._run
        mark = (f"{look_of(run.version).marker} {run.version}", model_colour(run.version, self.app.current_theme))
        names = run.class_names
        details = ["one step by hand" if self.size.width >= _WIDE else "", self._title]
        if self._walk is not None:
            predicted = int(self._walk.probabilities.argmax())
            details += [
                f"true {names[self._label]}" if self._label is not None else f"as if it were {names[self._walk.label]}",
                f"predicted {names[predicted]} ({percent(float(self._walk.probabilities[predicted]), 0)})",
            ]
        self.query_one("#title", Static).update(Text.assemble(mark, f" {' · '.join(filter(None, details))}"))

    def _redraw(self, _: Theme) -> None:
        self.call_after_refresh(self._show)


_PARTS = ("formula", "arrays", "legend", "why")
