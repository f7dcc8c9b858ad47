"""The line with the views of the Results screen and their keys."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

VIEWS = {
    "overview": ("escape", "esc", "Overview"),
    "table": ("a", "a", "Table"),
    "summary": ("m", "m", "Summary"),
    "curves": ("u", "u", "Curves"),
    "runs": ("r", "r", "Runs"),
    "calibration": ("b", "b", "Calibration"),
}
"""The views in the order of `v`: key, how it is written, title."""


_GAP = 2
"""Cells between two views where there is room."""


class ViewLine(Widget):
    """Key and title of each view, the current one highlighted; a click opens a view."""

    COMPONENT_CLASSES = {"view-line--key", "view-line--title", "view-line--current"}
    DEFAULT_CSS = """
    ViewLine {
        height: 1;
        .view-line--key { color: $footer-key-foreground; text-style: bold; }
        .view-line--title { color: $text-muted; }
        .view-line--current { color: $foreground; background: $block-cursor-background; text-style: bold; }
    }
    """
    ALLOW_SELECT = False

    current: reactive[str] = reactive("overview")

    class Opened(Message):
        """A view was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 - Textual's names
        """The same whichever view is open."""
        return sum(len(key) + len(title) + _GAP + 1 for _, key, title in VIEWS.values())

    def on_click(self, event: Click) -> None:
        """Opens the view under the mouse."""
        if view := event.style.meta.get("view"):
            self.post_message(self.Opened(view))

    def render(self) -> Text:
        """The line; a little closer where it is narrow."""
        names = ("key", "title", "current")
        key_style, title_style, current_style = (self.get_component_rich_style(f"view-line--{name}") for name in names)
        gap = " " * (_GAP if self.size.width >= self.get_content_width(self.size, self.size) else 1)
        line = Text(no_wrap=True, end="", overflow="crop")
        for view, (_, key, title) in VIEWS.items():
            opened = Style.from_meta({"view": view})
            if view == self.current:
                line.append(gap[1:]).append(f" {title} ", current_style + opened)
            else:
                line.append(gap if line.cell_len and line.plain[-1] != " " else gap[1:] or " ")
                line.append(key, key_style + opened)
                line.append(f" {title}", title_style + opened)
        return line
