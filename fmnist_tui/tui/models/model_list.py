"""The lines of the list of models, and what the models cost as bars beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.theme import Theme

from fmnist_tui.analysis.reference import references
from fmnist_tui.models.looks import look_of
from fmnist_tui.models.registry import all_models
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.text import abbreviated, percent
from fmnist_tui.tui.cells import cells, cut, pad, wrap
from fmnist_tui.tui.models.forecast import Known
from fmnist_tui.tui.themes import model_colour

_PARAMETERS = 6
_LEAST_NAME = 18
"""Cells for mark, marker, name and title; where there are fewer, the parameters are left out."""
_SHORT_WORD = 2


@dataclass(frozen=True)
class Reached:
    """A mean test accuracy, 0 to 1, and whether it is that of the reference runs."""

    accuracy: float
    is_reference: bool

    @property
    def text(self) -> str:
        """For example "92.65%", or "ref 92.65%"."""
        return f"{'ref ' if self.is_reference else ''}{percent(self.accuracy)}"


def reached(model: str, recipe: str, known: Known) -> Reached | None:
    """What the model reached under a recipe: in the user's eligible runs, else in the reference runs."""
    summaries = [one for comparison in known.comparisons if comparison.recipe == recipe for one in comparison.versions]
    own = next((one.test_accuracy.mean for one in summaries if one.version == model), None)
    if own is not None:
        return Reached(own, is_reference=False)
    reference = None if known.other_data else references(recipe).get(model)
    return Reached(reference.mean, is_reference=True) if reference else None


def model_line(model: ModelSpec, known: Known, recipe: str, theme: Theme, width: int, *, marked: bool) -> Text:
    """A model's line: mark, marker and name in its colour, title, parameters, accuracy.

    Args:
        model: The model.
        known: Its layers, and what its runs reached.
        recipe: Whose accuracy is shown.
        theme: The app's theme.
        width: Of the line, in cells.
        marked: Whether the model is to be trained together with others.
    """
    accuracies = {one.name: reached(one.name, recipe, known) for one in all_models()}
    accuracy, table = accuracies.get(model.name), known.tables.get(model.name)
    accuracy_width = 1 + max(len(one.text) if one else 0 for one in accuracies.values())
    title_width = width - 4 - cells(model.name) - accuracy_width
    shows_parameters = width - accuracy_width - _PARAMETERS >= _LEAST_NAME
    title_width -= _PARAMETERS if shows_parameters else 0
    colour = f"bold {model_colour(model.name, theme)}"
    line = Text("+" if marked else " ", no_wrap=True)
    line.append(f"{look_of(model.name).marker} {model.name} ", colour)
    line.append(pad(_shortened(model.title, title_width), title_width))
    if shows_parameters:
        line.append(f"{abbreviated(table.parameters) if table else '':>{_PARAMETERS}}")
    if accuracy:
        line.append(f"{accuracy.text:>{accuracy_width}}", "dim" if accuracy.is_reference else colour)
    return line


def _shortened(title: str, width: int) -> str:
    """As many words as fit, without a "by" or "of" at the end."""
    words = wrap(title, width)[0].split() if cells(title) > width else [title]
    while len(words) > 1 and len(words[-1]) <= _SHORT_WORD:
        words.pop()
    return cut(" ".join(words), width)


def cost_bars(models: Sequence[ModelSpec], known: Known, theme: Theme, width: int) -> Text:
    """Parameters and MACs per image of each model as bars, to scale in each column."""
    tables = [(model.name, table) for model in models if (table := known.tables.get(model.name))]
    if not tables:
        return Text()
    name_width = max(cells(name) for name, _ in tables)
    column = (width - name_width) // 2
    bar = column - 8
    headings = pad("parameters", column - 1), "MACs per image"
    lines = [Text(" " * (name_width + 1) + " ".join(headings), "dim")]
    most = max(table.parameters for _, table in tables), max(table.macs for _, table in tables)
    for name, table in tables:
        colour = model_colour(name, theme)
        line = Text(pad(name, name_width), f"bold {colour}")
        for count, highest in zip((table.parameters, table.macs), most, strict=True):
            length = max(1, round(bar * count / max(highest, 1))) if count else 0
            line.append(" " + "▄" * length, colour)
            line.append(pad(f" {abbreviated(count)}", column - 1 - length))
        lines.append(line)
    return Text("\n", no_wrap=True).join(lines)
