"""The classes with their counts: the chosen one is the only one whose images are shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.binding import Binding
from textual.widgets import OptionList

from fmnist_tui.text import grouped
from fmnist_tui.tui.cells import cut, pad
from fmnist_tui.tui.widgets.histogram import bar

_NAME = 11
_BAR = 8


class ClassList(OptionList):
    """A line for all classes, then one for each; Enter leads to the images."""

    BINDINGS = [Binding("enter,right,escape", "select", "To the images")]

    def show(self, names: Sequence[str], counts: Sequence[int], label: int | None) -> None:
        """Counts and bars; the line of the class `label`, or of all, is highlighted."""
        lines = [f"{'all classes':<{_NAME}}{grouped(sum(counts)):>7}"]
        for name, count in zip(names, counts, strict=True):
            lines.append(f"{pad(cut(name, _NAME), _NAME)}{grouped(count):>7} {bar(count / max(*counts, 1), _BAR)}")
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Text(line, no_wrap=True, overflow="crop") for line in lines])
            self.highlighted = 0 if label is None else label + 1
