"""Screen 2: the versions, their story, and the form that trains them."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Button, Footer, OptionList, Select, Static

from fmnist_tui.models.catalogue import ORIGIN_NOTE, VERSION_NAMES, VERSIONS, Version
from fmnist_tui.models.layers import Layer
from fmnist_tui.training.config import ConfigError
from fmnist_tui.tui.messages import TrainingRequested
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.train_form import TrainForm

_WIDE = 66
"""Cells that the whole layer table takes."""


class ModelsScreen(Screen[None]):
    """Versions and the form to the left, the chosen one's story to the right."""

    CSS_PATH = "models.tcss"
    BINDINGS = [
        Binding("t", "train", "Train", tooltip="Train the chosen version with the form's values"),
        Binding("escape", "leave_field", "To the versions", tooltip="From the form back to the versions", show=False),
    ]
    AUTO_FOCUS = "#versions"

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("models")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield OptionList(*(Text(f"{known.name} {known.title}") for known in VERSIONS), id="versions")
                with VerticalScroll(can_focus=False):
                    yield TrainForm(in_app=getattr(self.app, "in_app", False))
                with Horizontal(id="buttons"):
                    yield Button("Train", id="one", variant="primary", compact=True)
                    yield Button("Train all four", id="all", compact=True)
                yield Static(id="fault")
            with VerticalScroll(id="right"):
                yield Static(id="story")
        yield Footer()

    def on_mount(self) -> None:
        """Starts with v0."""
        self.query_one("#versions", OptionList).highlighted = 0

    def on_option_list_option_highlighted(self) -> None:
        """Another version."""
        self._show()

    def on_resize(self) -> None:
        """The layer table takes the room that there is."""
        self.call_after_refresh(self._show)

    def on_select_changed(self, event: Select.Changed) -> None:
        """Another recipe, maybe."""
        event.stop()
        self._show()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The version that is shown, or all."""
        self._request(list(VERSION_NAMES) if event.button.id == "all" else [self._version().name])

    def on_input_submitted(self) -> None:
        """Enter in a field trains the version that is shown."""
        self.action_train()

    def action_train(self) -> None:
        """Trains the version that is shown."""
        self._request([self._version().name])

    def action_leave_field(self) -> None:
        """Back to the versions, where keys are keys again."""
        self.query_one("#versions").focus()

    def _request(self, versions: list[str]) -> None:
        form, fault = self.query_one(TrainForm), self.query_one("#fault", Static)
        try:
            configs = form.configs(versions)
        except ConfigError as error:
            fault.update(Text(str(error)))
            return
        fault.update("")
        self.post_message(TrainingRequested(configs, in_app=form.in_app))

    def _version(self) -> Version:
        return VERSIONS[self.query_one("#versions", OptionList).highlighted or 0]

    def _show(self) -> None:
        chosen = self._version()
        self.query_one(TrainForm).show_version(chosen.name)
        self.query_one("#one", Button).label = f"Train {chosen.name}"
        self.query_one("#story", Static).update(_story(chosen, self.query_one("#right").size.width))


def _story(chosen: Version, width: int) -> Group:
    """What there is to say about a version."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("changed", chosen.what_changed)
    facts.add_row("helped", chosen.why_it_helped)
    facts.add_row("loss", chosen.loss)
    facts.add_row("size", f"{chosen.parameters:,} parameters, {chosen.multiply_adds:,} multiply-adds an image")
    facts.add_row("origin", f"{chosen.reported.accuracy:.2%} (loss {chosen.reported.loss:.4f})")
    title = Text(f"{chosen.name} {chosen.title} ({chosen.framework})", style="bold")
    blocks = (title, Text(chosen.story), facts, _layers(chosen, width), Text(ORIGIN_NOTE, style="dim"))
    return Group(*(part for block in blocks for part in (block, Text())))


def _layers(chosen: Version, width: int) -> Table:
    """All that there is to a layer, or, in a narrow column, what it is and what it costs."""
    if width < _WIDE:
        table = _table("layer", "output", "params", "mult-adds", gap=1)
        for layer in chosen.layers:
            table.add_row(layer.kind, *_figures(layer))
        return table
    table = _table("layer", "kind", "output", "parameters", "multiply-adds", gap=2)
    for layer in chosen.layers:
        table.add_row(layer.name, layer.kind, *_figures(layer))
    return table


def _table(*headings: str, gap: int) -> Table:
    """Words to the left, the last three columns, numbers, to the right."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place >= len(headings) - 3 else "left", no_wrap=True)
    return table


def _figures(layer: Layer) -> tuple[str, str, str]:
    shape = "x".join(map(str, layer.output_shape))
    parameters, multiply_adds = (f"{count:,}" if count else "" for count in (layer.parameters, layer.multiply_adds))
    return shape, parameters, multiply_adds
