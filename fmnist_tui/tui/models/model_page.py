"""The page about a model: its drawing, facts, layers and recipes, in panels."""

from __future__ import annotations

from functools import partial

from textual import getters
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.visual import VisualType
from textual.widgets import Static

from fmnist_tui.data import Dataset
from fmnist_tui.models.spec import REPORTED_NOTE, ModelSpec
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.models.forecast import Known
from fmnist_tui.tui.models.model_tables import facts_table, layers_table, page_heading, page_title, recipes_table
from fmnist_tui.tui.models.network_drawing import drawing
from fmnist_tui.tui.widgets.fitted import Fitted, update_changed

WIDE, HUGE = 112, 160
"""Columns of a screen on which two and three panels are beside each other."""
_UNMEASURED = "The layers are measured when it is trained with these images."
_HIGH = 44
_ROWS, _LARGE_ROWS = 5, 10
"""Of the drawing; the large one on screens that are huge and high."""


class ModelPage(VerticalScroll):
    """All about a model. What depends on the width is drawn for the width that there is."""

    app = getters.app(LabApp)

    def __init__(self) -> None:
        super().__init__(id="right")
        self._known: tuple[Known, Dataset | None] | None = None
        self._shown: tuple[ModelSpec, object] | None = None
        self._drawn: dict[object, tuple[ModelSpec, dict[str, VisualType]]] = {}
        """What was drawn of what is known; a model of the user's own may be replaced by another one of its name."""

    def compose(self) -> ComposeResult:
        """The panels; on screens without borders, the heading stands for the first one's title."""
        with Vertical(id="about", classes="panel"):
            yield Static(id="heading")
            yield Static(id="drawing")
            yield Static(id="story")
        with Container(id="tables"):
            yield Static(id="facts", classes="panel")
            with Container(id="pair"):
                yield Static(id="layers", classes="panel")
                yield Static(id="recipes", classes="panel")
        yield Static(id="note")

    def on_mount(self) -> None:
        """Name the panels."""
        for name in ("facts", "layers", "recipes"):
            self.query_one(f"#{name}").border_title = name.title()

    def show(self, model: ModelSpec, known: Known, dataset: Dataset | None, recipe: str) -> None:
        """Shows a model. Tables are slow to lay out: if everything is as before, they stay.

        Args:
            model: The model.
            known: Its layers, and what its runs reached.
            dataset: For settings that depend on the data; None until it is loaded.
            recipe: The one that stands out.
        """
        theme, size = self.app.current_theme, self.screen.size
        depends_on = model.name, recipe, theme.name, size
        if self._known is None or self._known[0] is not known or self._known[1] is not dataset:
            self._known, self._shown, self._drawn = (known, dataset), None, {}
        if self._shown and self._shown[0] is model and self._shown[1] == depends_on:
            return
        self._shown = model, depends_on
        table = known.tables.get(model.name)
        self.query_one("#about").border_title = page_title(model, table, theme, short=size.width < WIDE)
        drawn_of, parts = self._drawn.get(depends_on, (None, {}))
        if drawn_of is not model:
            parts = self._draw(model, known, dataset, recipe)
            self._drawn[depends_on] = model, parts
        for name, shown in parts.items():
            part = self.query_one(f"#{name}", Static)
            if isinstance(shown, str):
                update_changed(part, shown)
            else:
                part.update(shown)
            part.set_class(not shown, "empty")

    def _draw(self, model: ModelSpec, known: Known, dataset: Dataset | None, recipe: str) -> dict[str, VisualType]:
        """The contents of the page's parts."""
        theme, size, table = self.app.current_theme, self.screen.size, known.tables.get(model.name)
        unknown = known.faults.get(model.name, _UNMEASURED if model.source else "Measuring the layers...")
        rows = _LARGE_ROWS if size.width >= HUGE and size.height >= _HIGH else _ROWS
        picture = partial(drawing, table, known.image_shape, dark=theme.dark, rows=rows) if table else None
        layers = partial(layers_table, table, theme) if table else None
        return {
            "heading": Fitted(partial(page_heading, model, table, theme)),
            "drawing": Fitted(picture) if picture else unknown,
            "story": f"\n{model.story}" if model.story else "",
            "facts": Fitted(lambda _: facts_table(model, known)),
            "layers": Fitted(layers) if layers else unknown,
            "recipes": Fitted(lambda _: recipes_table(model, dataset, recipe)),
            "note": REPORTED_NOTE if model.reported and not known.other_data else "",
        }
