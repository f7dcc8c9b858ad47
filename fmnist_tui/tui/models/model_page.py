"""What the Models screen shows of a model: its story, a drawing, its layers and recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.reference import reference_cell, references
from fmnist_tui.data import Dataset
from fmnist_tui.models.layers import Layer, LayerTable, layer_table
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, REPORTED_NOTE, ImageShape, ModelSpec
from fmnist_tui.report.sentences import spread_cell
from fmnist_tui.text import counted, grouped, percent
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.recipes import settle

_ROWS = 5
_KINDS = {"Conv": "conv", "MaxPool": "pool", "Linear": "fc"}


@dataclass(frozen=True)
class _Stage:
    """A layer's output: (channels, height, width), or (units,); and whether dropout follows."""

    kind: str
    shape: tuple[int, ...]
    image_height: int
    drops: bool = False

    @property
    def rows(self) -> int:
        height = self.shape[1] / self.image_height if len(self.shape) == 3 else math.log(self.shape[0], 1024)
        return max(1, round(height * _ROWS))

    @property
    def columns(self) -> int:
        if self.kind == "image":
            return _ROWS
        return max(1, round(math.log2(self.shape[0]) / 2)) if len(self.shape) == 3 else 1

    @property
    def caption(self) -> tuple[str, ...]:
        size = f"{self.shape[1]}x{self.shape[2]}" if len(self.shape) == 3 else ""
        return self.kind, str(self.shape[0]), size, "drop" if self.drops else ""


def drawing(layers: tuple[Layer, ...], image_shape: ImageShape) -> Text:
    """Blocks on a common baseline; below them kind, channels or units, size, and "drop" if dropout follows.

    43 cells wide at most for the built-in models.
    """
    height = image_shape[1]
    stages = [_Stage("image", image_shape, height)]
    for layer in layers:
        kind = layer.kind.partition(" ")[0]
        if kind in _KINDS and layer.output_shape:
            stages.append(_Stage(_KINDS[kind], layer.output_shape, height))
        elif kind == "Dropout":
            stages[-1] = replace(stages[-1], drops=True)
    columns = [_column(stage) for stage in stages]
    lines = [" ".join(column[row] for column in columns).rstrip() for row in range(len(columns[0]))]
    return Text("\n".join(lines).rstrip(), no_wrap=True)


def _column(stage: _Stage) -> list[str]:
    width = max(*map(len, stage.caption), stage.columns)
    blocks = ["█" * stage.columns if row >= _ROWS - stage.rows else "" for row in range(_ROWS)]
    return [line.ljust(width) for line in (*blocks, *stage.caption)]


WIDE = 63
"""Width of the full layer table, in cells."""


def model_page(model: ModelSpec, width: int, comparisons: Sequence[Comparison], dataset: Dataset | None) -> Group:
    """Everything about a model.

    Args:
        model: The model.
        width: Of the column that it is shown in, in cells.
        comparisons: One for each recipe, for what its runs reached; none until they are made.
        dataset: The data, for recipe settings that depend on it; None until it is loaded.
    """
    table = layer_table(model)
    blocks: list[RenderableType] = [
        Text(f"{model.name} {model.title} ({model.framework})", style="bold"),
        Text(model.story),
        drawing(table.layers, FASHION_MNIST_SHAPE),
        _facts(model, table, comparisons),
        _layers(table, width),
        _recipes(model, dataset),
    ]
    if model.reported:
        blocks.append(Text(REPORTED_NOTE, style="dim"))
    return Group(*(part for block in blocks if block for part in (block, Text())))


def _facts(model: ModelSpec, table: LayerTable, comparisons: Sequence[Comparison]) -> Table:
    reported = model.reported
    rows = {
        "Changed": model.what_changed,
        "Why it helps": model.why_it_helps,
        "Loss": model.loss,
        "Size": f"{grouped(table.parameters)} parameters, {grouped(table.macs)} MACs per image",
        "Reported": f"{percent(reported.accuracy)} (loss {reported.loss:.4f})" if reported else "",
        "Reached": "\n".join(_reached(model.name, one) for one in comparisons),
    }
    facts = Table.grid(padding=(0, 2))
    for name, text in rows.items():
        if text:
            facts.add_row(name, text)
    return facts


def _reached(model: str, comparison: Comparison) -> str:
    """Test accuracy of the eligible runs of one recipe, and of the reference runs."""
    found = next((summary for summary in comparison.versions if summary.version == model), None)
    reference = references(comparison.recipe).get(model)
    beside = f"; reference runs: {reference_cell(reference)}" if reference else ""
    if found is None:
        return f"{comparison.recipe}: no run yet{beside}"
    return f"{comparison.recipe}: {spread_cell(found.test_accuracy, 2, 100.0)}% ({counted(found.runs, 'run')}){beside}"


def _layers(table: LayerTable, width: int) -> Table:
    """One row per layer; without its name in a narrow column."""
    if width < WIDE:
        rows = _table("layer", "output", "params", "MACs", gap=1)
        for layer in table.layers:
            rows.add_row(layer.kind, *_figures(layer))
        return rows
    rows = _table("layer", "kind", "output", "parameters", "MACs", gap=2)
    for layer in table.layers:
        rows.add_row(layer.name, layer.kind, *_figures(layer))
    return rows


def _recipes(model: ModelSpec, dataset: Dataset | None) -> Table:
    """The hyper-parameters that differ between the recipes, side by side."""
    settings = list(model.recipes.values())
    if dataset:
        settings = [settle(one, dataset.train.statistics, flips=dataset.flips) for one in settings]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("recipe", *model.recipes):
        table.add_column(heading, overflow="fold")
    for item in fields(Hyperparameters):
        values = [getattr(one, item.name) for one in settings]
        if len(set(values)) > 1 or len(settings) == 1:
            table.add_row(item.name.replace("_", " "), *(_value(value) for value in values))
    return table


def _value(value: object) -> str:
    if value is None:
        return "from the data"
    if value == "auto":
        return "shift, flip if it suits the data"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("_", " ")


def _table(*headings: str, gap: int) -> Table:
    """The last three columns hold numbers and are right-aligned."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index >= len(headings) - 3 else "left", no_wrap=True)
    return table


def _figures(layer: Layer) -> tuple[str, str, str]:
    shape = "x".join(map(str, layer.output_shape))
    parameters, macs = (grouped(count) if count else "" for count in (layer.parameters, layer.macs))
    return shape, parameters, macs
