"""The keys of the screen below, from its bindings, in groups."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.cells import cells, pad

_WIDTH, _WIDE, _FRAME = 66, 108, 7
"""Cells of a dialog, of one with two columns, and of its border, its margin and a scroll bar."""
_GAP = 2
_BETWEEN = 3
"""Cells between two columns."""
_LEAST = 20
"""Cells of text, however narrow the terminal."""
_LEFT_OUT = ("tab", "shift+tab", "super+c", "ctrl+c", "ctrl+pageup", "ctrl+pagedown", "ctrl+home", "ctrl+end")
_PAIRS = {
    "Up, down": ("scroll_up", "scroll_down", "cursor_up", "cursor_down"),
    "Left, right": ("scroll_left", "scroll_right", "cursor_left", "cursor_right"),
    "To the start, to the end": ("scroll_home", "scroll_end", "scroll_top", "scroll_bottom", "first", "last"),
    "A page up, a page down": ("page_up", "page_down"),
}
"""What every list has, two keys a line."""
_PAIR_OF = {action: pair for pair, actions in _PAIRS.items() for action in actions}
_KEY, _TITLE = "bold $footer-key-foreground", "bold"
_GROUPS = {
    "Run": ("pause", "go_on", "stop", "resume", "queue", "log", "resources", "choose", "overlay", "train", "mark"),
    "Chart": ("zoom", "whole", "cursor", "sideways", "smoothing", "axis", "log_axis", "other_chart", "layers"),
    "Images": ("ascii", "invert", "means", "augmented", "histogram", "shuffle", "in_order", "other_part"),
    "Navigate": ("turn", "jump", "classes", "back", "view", "next_view", "next_gallery", "show_view"),
}
_GROUP_OF = {action: group for group, actions in _GROUPS.items() for action in actions}


class HelpDialog(Dialog[None]):
    """Tables of keys, a group each; any of the usual keys closes it."""

    BINDINGS = [Binding("question_mark,q,enter", "dismiss", "Back")]

    def __init__(self, bindings: list[ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings
        self._width = 0

    def compose(self) -> ComposeResult:
        """The tables, scrollable."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Keys"
            yield Static(self._text())

    def on_resize(self) -> None:
        """Wraps the text again."""
        if self.app.size.width != self._width:
            self.query_one(Static).update(self._text())

    def _text(self) -> Content:
        """Wrapped to the dialog's width: a Rich table does that, too, but takes longer than a key press may."""
        rows = _rows(self._keys, self.app)
        width = self._width = self.app.size.width
        if width < _WIDE + 2:
            return Content("\n").join(_column(rows, min(_WIDTH, width) - _FRAME))
        return Content("\n").join(_two_columns(rows, _WIDE - _FRAME))


_Rows = dict[str, list[tuple[str, str]]]
"""Keys and what they do, by group."""


def _rows(bindings: Iterable[ActiveBinding], app: App[Any]) -> _Rows:
    """One row for each action, with all its keys."""
    actions: dict[tuple[str, str], list[ActiveBinding]] = {}
    for item in bindings:
        if item.binding.description and item.binding.key not in _LEFT_OUT:
            action = _PAIR_OF.get(item.binding.action, item.binding.action)
            actions.setdefault((_group_of(item), action), []).append(item)
    rows: _Rows = {group: [] for group in sorted({group for group, _ in actions}, key=_rank)}
    for (group, action), items in actions.items():
        keys = " ".join(dict.fromkeys(app.get_key_display(item.binding) for item in items))
        text = action if action in _PAIRS else items[0].tooltip or items[0].binding.description
        rows[group].append((keys, text))
    return rows


def _group_of(item: ActiveBinding) -> str:
    """What every list or field has belongs to "Navigate"; the screen's own group, by its name, has what is left."""
    if isinstance(item.node, App):
        return "App"
    if not isinstance(item.node, Screen):
        return "Navigate"
    return _GROUP_OF.get(item.binding.action.partition("(")[0], type(item.node).__name__.removesuffix("Screen"))


def _rank(group: str) -> int:
    order = ("Run", "Chart", "Images", "Navigate", "App")
    return order.index(group) if group in order else -1


def _column(rows: _Rows, width: int) -> list[Content]:
    """The lines of a column of groups, all keys equally wide, without a line at its end."""
    if not rows:
        return []
    indent = max(cells(keys) for group in rows.values() for keys, _ in group) + _GAP
    lines: list[Content] = []
    for group, entries in rows.items():
        lines += [Content("")] * bool(lines) + [Content.styled(group, _TITLE)]
        for keys, text in entries:
            first, *rest = textwrap.wrap(text, max(_LEAST, width - indent))
            lines.append(Content.assemble((pad(keys, indent), _KEY), first))
            lines += [Content(" " * indent + line) for line in rest]
    return lines


def _two_columns(rows: _Rows, width: int) -> list[Content]:
    """The groups in two columns that differ least in height."""
    names, room = list(rows), (width - _BETWEEN) // 2
    splits = [(_column(_of(rows, names[:at]), room), _column(_of(rows, names[at:]), room)) for at in range(len(names))]
    left, right = min(splits, key=lambda pair: max(map(len, pair)))
    blank = Content("")
    count = max(len(left), len(right))
    pairs = zip(left + [blank] * (count - len(left)), right + [blank] * (count - len(right)), strict=True)
    return [Content.assemble(one, " " * (room + _BETWEEN - one.cell_length), other) for one, other in pairs]


def _of(rows: _Rows, names: Sequence[str]) -> _Rows:
    return {name: rows[name] for name in names}
