"""What is known of a model, as tables: facts, layers and recipes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from rich.table import Table
from rich.text import Text
from textual.theme import Theme

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.reference import reference_cell, references
from fmnist_tui.data import Dataset
from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.looks import look_of
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.report.sentences import spread_cell
from fmnist_tui.text import TIMES, abbreviated, counted, grouped, percent
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.recipes import settle
from fmnist_tui.tui.models.forecast import Known
from fmnist_tui.tui.models.network_drawing import layer_type
from fmnist_tui.tui.themes import model_colour

_SHORT_NAMES = {"learning_rate": "lr"}
_LEAST_WITH_NAMES = 60
"""Cells that the layers take with their names and MACs."""


def page_title(model: ModelSpec, table: LayerTable | None, theme: Theme, *, short: bool = False) -> Text:
    """Marker, name, title, framework, parameters; those are rounded if it is to be short."""
    count = abbreviated if short else grouped
    return _title(model, theme, model.framework, f"{count(table.parameters)} parameters" if table else "")


def page_heading(model: ModelSpec, table: LayerTable | None, theme: Theme, width: int) -> Text:
    """As much of the title as fits a line of so many cells."""
    count = f"{abbreviated(table.parameters)} parameters" if table else ""
    titles = [page_title(model, table, theme, short=True), _title(model, theme, count), _title(model, theme)]
    return next((title for title in titles if title.cell_len <= width), titles[-1])


def _title(model: ModelSpec, theme: Theme, *parts: str) -> Text:
    return Text.assemble(
        (f"{look_of(model.name).marker} {model.name} {model.title}", f"bold {model_colour(model.name, theme)}"),
        "".join(f" · {part}" for part in parts if part),
        no_wrap=True,
    )


def facts_table(model: ModelSpec, known: Known) -> Table:
    """What changed and why, what it costs, and what it reached: reported, in the user's runs, in the reference runs."""
    reported = None if known.other_data else model.reported
    rows = {
        "Changed": model.what_changed,
        "Why": model.why_it_helps,
        "Loss": model.loss,
        "Cost": _cost(model, known),
        "Reached": "\n".join(_reached(model.name, one, known) for one in known.comparisons),
        "Reported": f"{percent(reported.accuracy)} (loss {reported.loss:.4f})" if reported else "",
    }
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, text in rows.items():
        if text:
            facts.add_row(name, Text(text))
    return facts


def _cost(model: ModelSpec, known: Known) -> str:
    """MACs, and how they compare with the first model's."""
    table = known.tables.get(model.name)
    if table is None:
        return ""
    text = f"{abbreviated(table.macs)} MACs per image"
    base, first = next(iter(known.tables.items()))
    if base == model.name or not first.macs:
        return text
    factor = table.macs / first.macs
    return f"{text} ({grouped(factor) if factor >= 10 else f'{factor:.2g}'}{TIMES} {base})"


def _reached(model: str, comparison: Comparison, known: Known) -> str:
    """Test accuracy of the eligible runs of one recipe, and of the reference runs."""
    found = next((summary for summary in comparison.versions if summary.version == model), None)
    reference = None if known.other_data else references(comparison.recipe).get(model)
    beside = f", reference {reference_cell(reference)}" if reference else ""
    if found is None:
        return f"{comparison.recipe}: no run yet{beside}"
    return f"{comparison.recipe}: {spread_cell(found.test_accuracy, 2, 100.0)}% ({counted(found.runs, 'run')}){beside}"


def layers_table(table: LayerTable, theme: Theme, width: int) -> Table:
    """One row per layer, marked in its type's colour; in a narrow column without its name and MACs."""
    wide = width >= _LEAST_WITH_NAMES
    rows = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("", *(["name"] if wide else []), "layer"):
        rows.add_column(heading, no_wrap=True)
    for heading in ("output", "params", "", *(["MACs"] if wide else [])):
        rows.add_column(heading, justify="right", no_wrap=True)
    for layer in table.layers:
        kind = layer_type(layer.kind)
        mark = Text(kind.fill, kind.colour(dark=theme.dark)) if layer.parameters or kind.name != "other" else ""
        output = TIMES.join(map(str, layer.output_shape))
        parameters = grouped(layer.parameters) if layer.parameters else ""
        macs = [abbreviated(layer.macs) if layer.macs else ""] if wide else []
        name = [Text(layer.name)] if wide else []
        rows.add_row(mark, *name, Text(layer.kind), output, parameters, _fraction(layer, table), *macs)
    return rows


def _fraction(layer: Layer, table: LayerTable) -> str:
    if not layer.parameters:
        return ""
    fraction = layer.parameters / table.parameters
    return "<1%" if fraction < 0.01 else f"{fraction:.0%}"


def recipes_table(model: ModelSpec, dataset: Dataset | None, chosen: str) -> Table:
    """The hyper-parameters that differ between the recipes, side by side; the chosen recipe stands out.

    Settings that depend on the data are those for `dataset` if that is loaded.
    """
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True)
    for name in model.recipes:
        style = "bold" if name == chosen else "dim"
        table.add_column(name, header_style=style, style=style, overflow="fold")
    for name, values in _differences(list(model.recipes.values()), dataset):
        table.add_row(Text(name, "dim"), *values)
    return table


def _differences(settings: Sequence[Hyperparameters], dataset: Dataset | None) -> Iterator[tuple[str, list[str]]]:
    if dataset:
        settings = [settle(one, dataset.train.statistics, flips=dataset.flips) for one in settings]
    for item in fields(Hyperparameters):
        values = [getattr(one, item.name) for one in settings]
        if len(set(values)) > 1 or len(settings) == 1:
            yield _SHORT_NAMES.get(item.name, item.name.replace("_", " ")), [_value(value) for value in values]


def _value(value: object) -> str:
    if value is None:
        return "from the data"
    if value == "auto":
        return "shift, flip if it suits the data"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("_", " ")
