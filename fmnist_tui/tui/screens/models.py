"""Screen 2: the versions, their story, and the form that trains them."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Select, Static

from fmnist_tui.models.catalogue import ORIGIN_NOTE, VERSION_NAMES, VERSIONS, Version
from fmnist_tui.training.config import ConfigError
from fmnist_tui.tui.messages import TrainingRequested
from fmnist_tui.tui.widgets.nav import Nav
from fmnist_tui.tui.widgets.train_form import TrainForm


class ModelsScreen(Screen[None]):
    """Versions and the form to the left, the chosen one's story to the right."""

    CSS_PATH = "models.tcss"
    BINDINGS = [Binding("t", "train", "Train", tooltip="Train the chosen version with the form's values")]
    AUTO_FOCUS = "#versions"

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("models")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield OptionList(*(Text(f"{known.name} {known.title}") for known in VERSIONS), id="versions")
                with VerticalScroll(can_focus=False):
                    yield TrainForm(in_app=getattr(self.app, "in_app", False))
            with VerticalScroll(id="right"):
                yield Static(id="story")
        yield Footer()

    def on_mount(self) -> None:
        """Starts with v0."""
        self.query_one("#versions", OptionList).highlighted = 0

    def on_option_list_option_highlighted(self) -> None:
        """Another version."""
        self._show()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Another recipe, maybe."""
        event.stop()
        self._show()

    def on_train_form_submitted(self, event: TrainForm.Submitted) -> None:
        """A button of the form."""
        self._request(list(VERSION_NAMES) if event.everything else [self._version().name])

    def action_train(self) -> None:
        """Trains the version that is shown."""
        self._request([self._version().name])

    def _request(self, versions: list[str]) -> None:
        form = self.query_one(TrainForm)
        try:
            configs = form.configs(versions)
        except ConfigError as error:
            form.show_fault(str(error))
            return
        form.show_fault("")
        self.post_message(TrainingRequested(configs, in_app=form.in_app))

    def _version(self) -> Version:
        return VERSIONS[self.query_one("#versions", OptionList).highlighted or 0]

    def _show(self) -> None:
        chosen = self._version()
        self.query_one(TrainForm).show_version(chosen.name)
        self.query_one("#story", Static).update(_story(chosen))


def _story(chosen: Version) -> Group:
    """What there is to say about a version."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("changed", chosen.what_changed)
    facts.add_row("helped", chosen.why_it_helped)
    facts.add_row("loss", chosen.loss)
    facts.add_row("size", f"{chosen.parameters:,} parameters, {chosen.multiply_adds:,} multiply-adds an image")
    facts.add_row("origin", f"{chosen.reported.accuracy:.2%} (loss {chosen.reported.loss:.4f})")
    title = Text(f"{chosen.name} {chosen.title} ({chosen.framework})", style="bold")
    blocks = (title, Text(chosen.story), facts, _layers(chosen), Text(ORIGIN_NOTE, style="dim"))
    return Group(*(part for block in blocks for part in (block, Text())))


def _layers(chosen: Version) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("layer")
    table.add_column("kind")
    for heading in ("output", "parameters", "multiply-adds"):
        table.add_column(heading, justify="right")
    for layer in chosen.layers:
        shape = "x".join(map(str, layer.output_shape))
        counts = (f"{count:,}" if count else "" for count in (layer.parameters, layer.multiply_adds))
        table.add_row(layer.name, layer.kind, shape, *counts)
    return table
