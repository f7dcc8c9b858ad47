"""What differs between the settings of some runs, beside what they reached."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.analysis.run_filter import Value, value_text
from fmnist_tui.analysis.watched_runs import WatchedRun
from fmnist_tui.text import percent
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.cells import cells, cut, pad
from fmnist_tui.tui.themes import model_colour
from fmnist_tui.tui.widgets.fitted import Fitted

_REACHED = ("status", "epoch", "validation", "accuracy")
_FIRST = ("model", "recipe", "seed", "device", "host", "data", "label", "tag")
_ACCURACIES = {"validation": "best validation", "accuracy": "test accuracy"}
_WIDEST = 23
"""Cells of a value."""
_GAP = 2


def differing(runs: Sequence[WatchedRun]) -> dict[str, tuple[str, ...]]:
    """The settings that differ, by their names in a filter: the text of each run's value.

    A setting that only some of the models have is "none" in the others.
    """
    names = [*_FIRST, *dict.fromkeys(name for one in runs for name in one.values)]
    found = {}
    for name in dict.fromkeys(names):
        if name in _REACHED or name == "run":
            continue
        values = tuple(value_text(one.values.get(name)) for one in runs)
        if len(set(values)) > 1:
            found[name] = values
    return found


def diff_text(runs: Sequence[WatchedRun], theme: Theme, width: int) -> Text:
    """A table of `width` cells: a column for each run that fits, what they reached, then the settings that differ."""
    rows = {
        _ACCURACIES.get(name, name): tuple(_reached(name, one.values.get(name)) for one in runs) for name in _REACHED
    }
    settings = differing(runs)
    names = [one.run.label or one.run.run_id for one in runs]
    first = max(map(cells, [*rows, *settings])) + _GAP
    widths = _widths(
        [names, *([values[n] for n in range(len(runs))] for values in (*rows.values(), *settings.values()))]
    )
    fitting = _fitting(widths, width - first)
    head = Text(pad("", first), no_wrap=True)
    for number in range(fitting):
        head.append(_cell(names[number], widths[number]), f"bold {model_colour(runs[number].run.version, theme)}")
    lines = [head]
    for name, values in rows.items():
        lines.append(_row(name, values[:fitting], first, widths, "bold"))
    lines.append(Text())
    for name, values in settings.items():
        lines.append(_row(name, values[:fitting], first, widths, ""))
    if not settings:
        lines.append(Text("All settings are the same.", "dim"))
    if fitting < len(runs):
        lines.append(Text(f"{len(runs) - fitting} more: not enough room", "dim"))
    return Text("\n").join(lines)


def _reached(name: str, value: Value) -> str:
    return percent(value) or "-" if name in _ACCURACIES else value_text(value)


def _widths(columns: Sequence[Sequence[str]]) -> list[int]:
    return [min(_WIDEST, max(map(cells, column))) + _GAP for column in zip(*columns, strict=True)]


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many of the first columns fit; at least one."""
    found = 0
    for width in widths:
        room -= width
        if room < 0:
            break
        found += 1
    return max(1, found)


def _row(name: str, values: Sequence[str], first: int, widths: Sequence[int], style: str) -> Text:
    line = Text(no_wrap=True)
    line.append(pad(name, first), "dim")
    for value, width in zip(values, widths, strict=False):
        line.append(_cell(value, width), style)
    return line


def _cell(value: str, width: int) -> str:
    return pad(cut(value, width - _GAP), width)


class ConfigDiffDialog(Dialog[None]):
    """The table in a dialog; escape closes it."""

    CSS_PATH = [DIALOG_CSS, "workspace.tcss"]

    def __init__(self, runs: Sequence[WatchedRun]) -> None:
        super().__init__()
        self._runs = runs

    def compose(self) -> ComposeResult:
        """The table, scrollable."""
        theme = self.app.current_theme
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = "What differs"
            yield Static(Fitted(lambda width: diff_text(self._runs, theme, width)))
