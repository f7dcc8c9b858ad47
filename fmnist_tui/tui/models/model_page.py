"""What the Models screen shows of a model: its story, its drawing, its layers, its recipes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from rich.console import Group
from rich.table import Table
from rich.text import Text

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.reference import reference_cell, references
from fmnist_tui.data import Dataset
from fmnist_tui.models.catalogue import ORIGIN_NOTE, Version
from fmnist_tui.models.layers import Layer
from fmnist_tui.report.sentences import spread_cell
from fmnist_tui.text import counted, grouped, percent
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.recipes import RECIPES, hyperparameters, settle

_ROWS = 5
_SIDE = 28
_KINDS = {"Conv": "conv", "MaxPool": "pool", "Linear": "fc"}


@dataclass(frozen=True)
class _Stage:
    """What the data is after a layer: (channels, side, side), or (units,); and whether dropout follows."""

    kind: str
    shape: tuple[int, ...]
    drops: bool = False

    @property
    def rows(self) -> int:
        share = self.shape[1] / _SIDE if len(self.shape) == 3 else math.log(self.shape[0], 1024)
        return max(1, round(share * _ROWS))

    @property
    def columns(self) -> int:
        if self.kind == "image":
            return _ROWS
        return max(1, round(math.log2(self.shape[0]) / 2)) if len(self.shape) == 3 else 1

    @property
    def words(self) -> tuple[str, ...]:
        size = f"{self.shape[1]}x{self.shape[2]}" if len(self.shape) == 3 else ""
        return self.kind, str(self.shape[0]), size, "drop" if self.drops else ""


def drawing(layers: tuple[Layer, ...]) -> Text:
    """Blocks on a common ground; below them kind, channels or units, size, and where dropout follows.

    43 cells wide at most.
    """
    stages = [_Stage("image", (1, _SIDE, _SIDE))]
    for layer in layers:
        kind = layer.kind.partition(" ")[0]
        if kind in _KINDS:
            stages.append(_Stage(_KINDS[kind], layer.output_shape))
        elif kind == "Dropout":
            stages[-1] = replace(stages[-1], drops=True)
    columns = [_column(stage) for stage in stages]
    lines = [" ".join(column[row] for column in columns).rstrip() for row in range(len(columns[0]))]
    return Text("\n".join(lines), no_wrap=True)


def _column(stage: _Stage) -> list[str]:
    width = max(*map(len, stage.words), stage.columns)
    blocks = ["█" * stage.columns if row >= _ROWS - stage.rows else "" for row in range(_ROWS)]
    return [line.ljust(width) for line in (*blocks, *stage.words)]


WIDE = 66
"""Cells that the whole layer table takes."""


def story(chosen: Version, width: int, comparisons: Sequence[Comparison], dataset: Dataset | None) -> Group:
    """All that there is to say about a version, in a column of `width` cells.

    Args:
        chosen: The version.
        width: Of the column.
        comparisons: One for each recipe, for what was measured here; none before they are made.
        dataset: What settles the rest of the recipes; None before it is there.
    """
    title = Text(f"{chosen.name} {chosen.title} ({chosen.framework})", style="bold")
    blocks = (
        title,
        Text(chosen.story),
        drawing(chosen.layers),
        _facts(chosen, comparisons),
        _layers(chosen, width),
        _recipes(chosen, dataset),
        Text(ORIGIN_NOTE, style="dim"),
    )
    return Group(*(part for block in blocks for part in (block, Text())))


def _facts(chosen: Version, comparisons: Sequence[Comparison]) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_row("changed", chosen.what_changed)
    facts.add_row("helped", chosen.why_it_helped)
    facts.add_row("loss", chosen.loss)
    facts.add_row(
        "size", f"{grouped(chosen.parameters)} parameters, {grouped(chosen.multiply_adds)} multiply-adds an image"
    )
    facts.add_row("origin", f"{percent(chosen.reported.accuracy)} reported (loss {chosen.reported.loss:.4f})")
    facts.add_row("measured", "\n".join(_measured(chosen.name, one) for one in comparisons))
    return facts


def _measured(version: str, comparison: Comparison) -> str:
    """What the counting runs of one recipe reached."""
    found = next((summary for summary in comparison.versions if summary.version == version), None)
    reference = references(comparison.recipe).get(version)
    beside = f"; the reference runs: {reference_cell(reference)}" if reference else ""
    if found is None:
        return f"{comparison.recipe}: no run yet{beside}"
    return f"{comparison.recipe}: {spread_cell(found.test_accuracy, 2, 100.0)} % ({counted(found.runs, 'run')}){beside}"


def _layers(chosen: Version, width: int) -> Table:
    """All that there is to a layer, or, in a narrow column, what it is and what it costs."""
    if width < WIDE:
        table = _table("layer", "output", "params", "mult-adds", gap=1)
        for layer in chosen.layers:
            table.add_row(layer.kind, *_figures(layer))
        return table
    table = _table("layer", "kind", "output", "parameters", "multiply-adds", gap=2)
    for layer in chosen.layers:
        table.add_row(layer.name, layer.kind, *_figures(layer))
    return table


def _recipes(chosen: Version, dataset: Dataset | None) -> Table:
    """The recipes side by side, as far as they differ."""
    settings = [hyperparameters(chosen.name, recipe) for recipe in RECIPES]
    if dataset:
        settings = [settle(one, dataset.train.statistics, flips=dataset.flips) for one in settings]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("recipe", *RECIPES):
        table.add_column(heading, overflow="fold")
    for item in fields(Hyperparameters):
        values = [getattr(one, item.name) for one in settings]
        if len(set(values)) > 1:
            table.add_row(item.name.replace("_", " "), *(_value(value) for value in values))
    return table


def _value(value: object) -> str:
    if value is None:
        return "from the data"
    if value == "auto":
        return "shift, flip if the data allows"
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("_", " ")


def _table(*headings: str, gap: int) -> Table:
    """Words to the left; the last three columns, which are figures, to the right."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place >= len(headings) - 3 else "left", no_wrap=True)
    return table


def _figures(layer: Layer) -> tuple[str, str, str]:
    shape = "x".join(map(str, layer.output_shape))
    parameters, multiply_adds = (grouped(count) if count else "" for count in (layer.parameters, layer.multiply_adds))
    return shape, parameters, multiply_adds
