"""Screen 6: an image is drawn or edited, and several networks predict its class after every stroke."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.color import Color
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.data import Dataset
from fmnist_tui.inspection.edits import Matrix, Pixels, blurred, erased, noisy, rotation, scaling, shift
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped
from fmnist_tui.tui.base_screens import NetworkScreen
from fmnist_tui.tui.dialogs.choice import ChoiceDialog
from fmnist_tui.tui.dialogs.entry import FileDialog, NumberDialog
from fmnist_tui.tui.messages import Written
from fmnist_tui.tui.playground.canvas import Canvas, Ink, Layout
from fmnist_tui.tui.playground.dialogs import ChooseRunsDialog
from fmnist_tui.tui.playground.files import Opened, open_picture, save_picture, working_folder
from fmnist_tui.tui.playground.network_view import drawn_colours, scaled_colours, scaling_of, scaling_text
from fmnist_tui.tui.playground.predictions import Predictions
from fmnist_tui.tui.playground.selection import inspection, proposed, shape_of, usable
from fmnist_tui.tui.playground.sketch import BRUSHES, Picture, Sketch
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.themes import theme_colour
from fmnist_tui.tui.widgets.images import theme_shades
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.value_maps import palette_of

_LEAST_ANSWERS = 31
"""Cells for the predictions."""
_LINES_AROUND = 3
"""The names of the screens, and two lines below the canvas."""
_FRAME = 2
"""Cells or lines of a panel's border."""
_FRAMED = Size(80, 25)
"""Cells from which panels have borders: see app.tcss."""
_ROOM_FOR_KEYS, _WIDE = 22, 112
"""Lines from which all keys are named; columns beyond which two lines are enough for them."""
_DEGREES, _FACTOR, _NOISE, _HOLE = 10.0, 1.1, 25.0, 7
"""Of one turn, of one scaling, the deviation of noise, the side of a square that is erased."""


class PlaygroundScreen(NetworkScreen):
    """The canvas to the left, the networks' probabilities to the right."""

    CSS_PATH = "playground.tcss"
    BINDINGS = [
        Binding("t", "random", "Image", tooltip="Begin with a random test image"),
        Binding("l", "inspect", "Look inside", tooltip="What the first model's network sees in the image"),
        Binding("m", "choose", "Models", tooltip="Choose up to four runs whose models predict"),
        Binding("e", "eraser", "Eraser", tooltip="Paint with the eraser, or with the brush again"),
        Binding("s", "brush", "Size", tooltip="The next of three brush sizes"),
        Binding("u", "undo", "Undo", tooltip="Undo the last step"),
        Binding("v", "network_view", "Input", tooltip="The scaled pixels that the first model gets, or the image"),
        Binding("r", "turn(1)", "Rotate", tooltip="Rotate clockwise by 10 degrees"),
        Binding("plus", "scale(1)", "Larger", key_display="+", tooltip="Enlarge by 10%"),
        Binding("equals_sign", "scale(1)", "Larger", key_display="=", tooltip="Enlarge by 10%"),
        Binding("n", "noise", "Noise", tooltip="Add noise"),
        Binding("b", "blur", "Blur", tooltip="Blur"),
        Binding("x", "hole", "Erase", tooltip="Erase a square of 7x7 pixels around the cursor"),
        Binding("g", "colour", "Ink", tooltip="The next grey level or colour to paint in"),
        Binding("c", "clear", "Clear", tooltip="A blank image"),
        Binding("z", "reset", "Reset", tooltip="Back to the picture that you began with"),
        Binding("o", "open", "Open", tooltip="Begin with a picture from a file (PNG, JPEG, WebP, TIFF, .npy)"),
        Binding("w", "save", "Save", tooltip="Save the image as a PNG file"),
        Binding("y", "redo", "Redo", tooltip="Take the undone step again"),
        Binding("R", "turn(-1)", "Rotate back", tooltip="Rotate counterclockwise by 10 degrees"),
        Binding("minus", "scale(-1)", "Smaller", key_display="-", tooltip="Make smaller by 10%"),
        Binding("full_stop", "other_image(1)", "Next", tooltip="The next test image"),
        Binding("comma", "other_image(-1)", "Previous", tooltip="The previous test image"),
        Binding("i", "index", "Index", tooltip="A test image by its index"),
        Binding("k", "of_class", "Class", tooltip="A test image of a class"),
        *(
            Binding(f"{arrow},{letter}", f"shift({down}, {right})", f"Shift {where}", show=False)
            for arrow, letter, down, right, where in (
                ("shift+up", "K", -1, 0, "up"),
                ("shift+down", "J", 1, 0, "down"),
                ("shift+left", "H", 0, -1, "left"),
                ("shift+right", "L", 0, 1, "right"),
            )
        ),
    ]
    AUTO_FOCUS = "Canvas"

    def __init__(self) -> None:
        super().__init__()
        self._rng = np.random.default_rng()
        self._sketch = Sketch(shape_of([], None))
        self._brush = 1
        self._colour = 0
        self._erases = False
        self._network_view = False
        self._usable: list[Run] = []
        self._was_chosen = False

    def compose(self) -> ComposeResult:
        """Canvas and predictions."""
        yield Nav("playground")
        with Horizontal():
            with Vertical(id="drawing", classes="panel") as drawing:
                drawing.border_title = "Drawing"
                yield Canvas()
                yield Static(id="about")
                yield Static(id="tool")
            with Vertical(id="answers", classes="panel") as answers:
                answers.border_title = "Predictions"
                yield Predictions(id="predictions")
        yield KeyLine()

    def on_mount(self) -> None:
        """Takes the data set's shape, and asks the best runs on it."""
        self.watch_app("dataset", self._take_dataset)
        self.watch_app("runs_state", self._take_runs)
        self.watch_app("late_settings", self._show)
        self.app.theme_changed_signal.subscribe(self, self._show)

    def on_screen_resume(self) -> None:
        """Runs may have ended while the screen wasn't shown."""
        self._take_runs(self.app.runs_state)

    def on_resize(self) -> None:
        """Makes the canvas as large as fits."""
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Test images are offered once they are loaded."""
        if action in ("random", "other_image", "index", "of_class"):
            return self.app.dataset is not None
        return action not in ("choose", "network_view", "inspect") or bool(self._usable)

    def on_canvas_stroke(self, event: Canvas.Stroke) -> None:
        """Paints or erases."""
        colours = list(self._sketch.colours.values())
        colour = (0,) * self._sketch.shape[0] if event.erases or self._erases else colours[self._colour % len(colours)]
        self._sketch.stroke(event.lines, BRUSHES[self._brush], colour, goes_on=event.goes_on)
        self._changed()

    def on_canvas_moved(self) -> None:
        """Shows where the cursor is."""
        self._show_tool()

    def action_eraser(self) -> None:
        """Switches between eraser and brush."""
        self._erases = not self._erases
        self._show_tool()

    def action_brush(self) -> None:
        """Takes the next size."""
        self._brush = (self._brush + 1) % len(BRUSHES)
        self._show()

    def action_colour(self) -> None:
        """Takes the next grey level or colour."""
        self._colour = (self._colour + 1) % len(self._sketch.colours)
        self._erases = False
        self._show_tool()

    def action_undo(self) -> None:
        """Takes back the last step."""
        self._sketch.undo()
        self._changed()

    def action_redo(self) -> None:
        """Takes it again."""
        self._sketch.redo()
        self._changed()

    def action_clear(self) -> None:
        """Starts with a blank image."""
        self._sketch.clear()
        self._changed()

    def action_reset(self) -> None:
        """Goes back to the picture that the drawing began with."""
        self._sketch.reset()
        self._changed()

    def action_turn(self, direction: int) -> None:
        """Rotates by ten degrees, clockwise (1) or back (-1)."""
        self._transform(rotation(_DEGREES * direction))

    def action_scale(self, direction: int) -> None:
        """Makes the picture larger (1) or smaller (-1)."""
        self._transform(scaling(_FACTOR**direction))

    def action_shift(self, down: int, right: int) -> None:
        """Moves the picture by a pixel."""
        self._transform(shift(down, right))

    def action_noise(self) -> None:
        """Adds noise."""
        self._edit(partial(noisy, deviation=_NOISE, rng=self._rng))

    def action_blur(self) -> None:
        """Blurs."""
        self._edit(blurred)

    def action_hole(self) -> None:
        """Erases a square."""
        row, column = self.query_one(Canvas).cursor
        self._edit(partial(erased, row=row, column=column, side=_HOLE))

    def _transform(self, matrix: Matrix) -> None:
        self._sketch.transform(matrix)
        self._changed()

    def _edit(self, change: Callable[[Pixels], Pixels]) -> None:
        self._sketch.edit(change)
        self._changed()

    def action_random(self) -> None:
        """Shows a random test image."""
        if self.app.dataset:
            self._begin(int(self._rng.integers(len(self.app.dataset.test))))

    def action_other_image(self, by: int) -> None:
        """Shows the next test image (1) or the one before (-1)."""
        if self.app.dataset:
            index = self._sketch.begun.index
            self._begin(((-1 if by > 0 else 0) if index is None else index) + by)

    def action_index(self) -> None:
        """Asks for the index of a test image."""
        if self.app.dataset:
            last = grouped(len(self.app.dataset.test) - 1)
            self.app.push_screen(NumberDialog(f"Index of the test image (0 to {last}):"), self._begin_at)

    def action_of_class(self) -> None:
        """Asks for a class, and shows its next test image."""
        if self.app.dataset:
            answers = {str(label): name for label, name in enumerate(self.app.dataset.classes)}
            self.app.push_screen(ChoiceDialog("A test image of which class?", answers), self._begin_with_class)

    def action_open(self) -> None:
        """Asks for a file, and begins with the picture in it."""
        dialog = FileDialog(
            "Begin with a picture", working_folder(), "", "enter opens a PNG, JPEG, WebP, TIFF or .npy file"
        )
        self.app.push_screen(dialog, self._open)

    def on_opened(self, message: Opened) -> None:
        """Shows the picture, and what was done to it."""
        if message.picture.image.shape == self._sketch.shape:
            self._sketch.begin(message.picture)
            self.notify(message.steps, markup=False)
            self._changed()

    def _open(self, file: Path | None) -> None:
        if file:
            self.app.threads.start(partial(open_picture, file, self._sketch.shape, self.app.dataset, self.post_message))

    def action_save(self) -> None:
        """Asks for a file, and writes the image."""
        image = self._sketch.image
        dialog = FileDialog("Save the image as PNG", working_folder(), "drawing.png", "enter saves (never overwrites)")
        self.app.push_screen(dialog, partial(self._save, image))

    def action_inspect(self) -> None:
        """Opens the Inspector on the image."""
        self.post_message(inspection(self._sketch, self.query_one(Predictions).chosen, self.app.dataset))

    def on_written(self, message: Written) -> None:
        """Says where."""
        self.notify(message.text, markup=False)

    def _save(self, image: Pixels, file: Path | None) -> None:
        if file:
            self.app.threads.start(partial(save_picture, image, file, self.post_message), must_finish=True)

    def _begin_at(self, index: int | None) -> None:
        if index is None or self.app.dataset is None:
            return
        if not 0 <= index < len(self.app.dataset.test):
            self.notify(f"There is no test image {grouped(index)}", severity="warning", markup=False)
            return
        self._begin(index)

    def _begin_with_class(self, label: str | None) -> None:
        dataset = self.app.dataset
        if label is None or dataset is None:
            return
        indices = np.flatnonzero(dataset.test.labels == int(label))
        if not len(indices):
            self.notify(f"No test image is of class {dataset.classes[int(label)]}", severity="warning", markup=False)
            return
        now = self._sketch.begun.index
        later = indices[indices > (-1 if now is None else now)]
        self._begin(int(later[0] if len(later) else indices[0]))

    def _begin(self, index: int) -> None:
        dataset = self.app.dataset
        if dataset is None:
            return
        index %= len(dataset.test)
        truth = dataset.classes[int(dataset.test.labels[index])]
        self._sketch.begin(Picture(dataset.test.images[index], f"test image {grouped(index)}", truth, index))
        self._changed()

    def action_choose(self) -> None:
        """Asks which runs' networks predict."""
        self.app.push_screen(ChooseRunsDialog(self._usable, self.query_one(Predictions).chosen), self._take_choice)

    def action_network_view(self) -> None:
        """Switches between the image and what the first network gets."""
        self._network_view = not self._network_view
        self._show()

    def _take_choice(self, chosen: list[Run] | None) -> None:
        if chosen:
            self._was_chosen = True
            self.query_one(Predictions).select(chosen)
            self._changed()

    def _take_dataset(self, dataset: Dataset | None) -> None:
        if dataset and dataset.shape != self._sketch.shape:
            self._sketch = Sketch(dataset.shape)
            self._arrange()
        self._take_runs(self.app.runs_state)
        self.refresh_bindings()

    def _take_runs(self, state: RunsState) -> None:
        """Asks the best runs, unless the user has chosen others that are still there."""
        if not self.is_current:
            return
        dataset = self.app.dataset
        self._usable = usable(state.records, dataset)
        by_id = {record.run_id: record for record in self._usable}
        predictions = self.query_one(Predictions)
        left = [by_id[record.run_id] for record in predictions.chosen if record.run_id in by_id]
        chosen = left if self._was_chosen and left else proposed(self._usable, dataset)
        if dataset is None and self._sketch.shape != (shape := shape_of(chosen, None)) and chosen:
            self._sketch = Sketch(shape)
            self._arrange()
        if chosen != predictions.chosen or not chosen:
            predictions.select(chosen)
            self._changed()
        self.refresh_bindings()

    def _changed(self) -> None:
        """Shows the image, and asks what it is."""
        predictions = self.query_one(Predictions)
        chosen, dataset = predictions.chosen, self.app.dataset
        classes = dataset.classes if dataset else (chosen[0].class_names if chosen else ())
        predictions.ask(self._sketch.image, classes, self._sketch.begun)
        self._show()

    def _arrange(self) -> None:
        """The size of the canvas: whole multiples of the image's where there is room."""
        framed = 0 if self.size.width < _FRAMED.width or self.size.height < _FRAMED.height else _FRAME
        keys = 1 if self.size.height < _ROOM_FOR_KEYS else 2 if self.size.width > _WIDE else 4
        self.query_one(KeyLine).lines = keys
        _, height, width = self._sketch.shape
        lines = self.size.height - _LINES_AROUND - keys - framed
        layout = Layout.of(height, width, max(1, self.size.width - _LEAST_ANSWERS - 4 * framed), max(1, lines))
        canvas = self.query_one(Canvas)
        canvas.styles.width, canvas.styles.height = layout.shown_width, layout.lines
        self.query_one("#drawing").styles.width = layout.shown_width + 2 * framed

    def _show(self, _: Theme | object = None) -> None:
        image, theme, predictions = self._sketch.image, self.app.current_theme, self.query_one(Predictions)
        chosen = predictions.chosen
        seen = scaling_of(chosen[0]) if self._network_view and chosen else None
        palette = palette_of(self.app)
        if seen and not palette.signs:
            colours = scaled_colours(image, seen, palette)
        else:
            colours = drawn_colours(image, theme_shades(self.app))
        accent = Color.parse(theme_colour("accent", theme)).rgb
        self.query_one(Canvas).show(colours, Ink(BRUSHES[self._brush], accent, self.app.ascii_images))
        begun = self._sketch.begun
        is_known = begun.truth and not self._sketch.is_edited
        text = f"{begun.title}: {begun.truth}" if is_known else self._sketch.title
        if seen:
            text = scaling_text(predictions.columns[0].name, seen, palette)
        self.query_one("#about", Static).update(Text(text), layout=False)
        self._show_tool()
        predictions.show()

    def _show_tool(self) -> None:
        row, column = self.query_one(Canvas).cursor
        names = list(self._sketch.colours)
        tool = "eraser" if self._erases else names[self._colour % len(names)]
        text = f"{tool}, {BRUSHES[self._brush]} px, at {row},{column}"
        self.query_one("#tool", Static).update(Text(text), layout=False)
