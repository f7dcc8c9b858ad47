"""A claim in a panel: its title with the verdict, what the charts show, and the charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from fmnist_tui.tui.cells import cells, cut, wrap
from fmnist_tui.tui.why.figures import REFERENCE, Curves, Figure
from fmnist_tui.tui.widgets import bar_chart, drawing

_BESIDE = 34
"""Columns that a chart needs to stand beside another one."""
_BELOW = 9
"""Rows that it needs to stand below another one."""
_GAP = 2


@dataclass(frozen=True, eq=False)
class Panel:
    """What a panel shows.

    Attributes:
        title: Of the panel.
        source: On which runs it is based.
        text: Some sentences above the charts, or instead of them.
        figures: The charts.
    """

    title: Text = field(default_factory=Text)
    source: str = ""
    text: str = ""
    figures: tuple[Figure, ...] = ()


class ClaimChart(Widget):
    """As many of the charts as there is room for, the first one first."""

    DEFAULT_CSS = "ClaimChart { width: 1fr; height: 1fr; }"

    panel: reactive[Panel] = reactive(Panel())

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self._painted: tuple[object, Text] | None = None

    def watch_panel(self, panel: Panel) -> None:
        """Names the panel."""
        self.border_title = panel.title
        self.border_subtitle = panel.source

    def render(self) -> Text:
        """The last text is used again where nothing has changed."""
        framed = self.outer_size.height > self.size.height
        wanted = (self.panel, framed, self.content_size)
        if self._painted is None or self._painted[0] != wanted:
            self._painted = wanted, paint(self.panel, *self.content_size, framed=framed)
        return self._painted[1]


def paint(panel: Panel, width: int, height: int, *, framed: bool) -> Text:
    """The panel in `width` by `height` cells; without a frame, below its title."""
    source = "" if framed or not panel.source else f"  {panel.source}"
    lines, text = [] if framed else [panel.title], panel.text
    if source and panel.title.cell_len + cells(source) <= width:
        lines = [Text.assemble(panel.title, (source, "dim"))]
    elif source:
        text = f"{text} ({panel.source})"
    lines += [Text(line, "italic") for line in (wrap(text, width) if text else [])]
    room = height - len(lines)
    if panel.figures:
        lines.append(_arranged(panel.figures, width, room))
    return Text("\n", no_wrap=True).join(lines)


def _arranged(figures: Sequence[Figure], width: int, height: int) -> Text:
    """The charts side by side, or below each other, or the first one alone."""
    count = len(figures)
    column = (width - _GAP * (count - 1)) // count
    if count > 1 and column >= _BESIDE:
        return _side_by_side([_captioned(figure, column, height) for figure in figures], column)
    if height >= count * _BELOW:
        return Text("\n").join(_captioned(figure, width, height // count) for figure in figures)
    return _captioned(figures[0], width, height)


def _side_by_side(parts: Sequence[Text], width: int) -> Text:
    rows = []
    for row in zip_longest(*(part.split("\n") for part in parts), fillvalue=Text("")):
        for cell in row:
            cell.pad_right(max(0, width - cell.cell_len))
        rows.append(Text(" " * _GAP).join(row))
    return Text("\n").join(rows)


def _captioned(figure: Figure, width: int, height: int) -> Text:
    """A chart below its caption and legend; where there is no room for both, the caption."""
    caption = Text(cut(figure.caption, width), "dim")
    for mark, name, colour in _legend(figure):
        entry = Text.assemble("  ", (mark, colour), (f" {name}", "dim"))
        if caption.cell_len + entry.cell_len <= width:
            caption.append_text(entry)
    height -= 1
    if isinstance(figure, Curves):
        drawn = drawing.prepared(figure.series, figure.axes, width)
        fits = drawn and width >= drawing.SMALLEST[0] and height >= drawing.SMALLEST[1]
        rows = drawing.draw(drawn, figure.axes, width, height) if fits else []
    else:
        fits = width >= bar_chart.SMALLEST[0] and height >= bar_chart.SMALLEST[1]
        rows = [bar_chart.draw_bars(figure.bars, figure.scale, width, height)] if fits else []
    return Text("\n", no_wrap=True).join([caption, *rows])


def _legend(figure: Figure) -> list[tuple[str, str, str]]:
    """Mark, name and colour of what isn't named beside it in the chart."""
    if isinstance(figure, Curves):
        named = [one for one in figure.series if one.name and not one.end.startswith(one.name)]
        return [(_mark(one), one.name, one.colour) for one in named]
    has_marks = any(bar.reference is not None for bar in figure.bars)
    return [(bar_chart.REFERENCE_MARK, REFERENCE, figure.scale.mark)] if has_marks else []


def _mark(one: drawing.Series) -> str:
    return one.marker if not one.joined else "╍" if one.dashed else "━"
