"""The app's own two themes, and the colours that a theme doesn't have: models and statuses."""

from __future__ import annotations

from typing import TypedDict

from textual.color import Color
from textual.theme import Theme

from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.run_status import Status

DARK, LIGHT = "lab-dark", "lab-light"

THEMES = (
    Theme(
        name=DARK,
        primary="#9D8CFF",
        secondary="#6E7BD9",
        accent="#9D8CFF",
        foreground="#DDE1EA",
        background="#0E1016",
        surface="#141721",
        panel="#1C202C",
        success="#4CC38A",
        warning="#E5B454",
        error="#F2727F",
        dark=True,
        variables={
            "border": "#9D8CFF",
            "border-blurred": "#3A4052",
            "footer-key-foreground": "#9D8CFF",
            "footer-description-foreground": "#8B93A7",
            "footer-background": "#0E1016",
            "block-cursor-background": "#312B57",
            "block-cursor-foreground": "#F2F0FF",
            "block-cursor-blurred-background": "#1F2231",
            "input-selection-background": "#9D8CFF 35%",
            "scrollbar": "#3A4052",
            "scrollbar-hover": "#565E76",
            "scrollbar-active": "#9D8CFF",
            "scrollbar-background": "#0E1016",
            "scrollbar-background-hover": "#0E1016",
            "scrollbar-background-active": "#0E1016",
            "scrollbar-corner-color": "#0E1016",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#5A3FD6",
        secondary="#4655B5",
        accent="#5A3FD6",
        foreground="#22252E",
        background="#FBFAF7",
        surface="#FFFFFF",
        panel="#F0EEE8",
        success="#1C7A4B",
        warning="#8A5A00",
        error="#B3261E",
        dark=False,
        variables={
            "border": "#5A3FD6",
            "border-blurred": "#C9C6BC",
            "footer-key-foreground": "#5A3FD6",
            "footer-description-foreground": "#636672",
            "footer-background": "#FBFAF7",
            "block-cursor-background": "#DAD3FA",
            "block-cursor-foreground": "#1E1547",
            "block-cursor-blurred-background": "#ECEAE2",
            "input-selection-background": "#5A3FD6 25%",
            "scrollbar": "#C9C6BC",
            "scrollbar-hover": "#A9A598",
            "scrollbar-active": "#5A3FD6",
            "scrollbar-background": "#FBFAF7",
            "scrollbar-background-hover": "#FBFAF7",
            "scrollbar-background-active": "#FBFAF7",
            "scrollbar-corner-color": "#FBFAF7",
        },
    ),
)

_STATUS_COLOURS = {
    Status.RUNNING: "success",
    Status.UNRESPONSIVE: "warning",
    Status.QUEUED: "warning",
    Status.PENDING: "warning",
    Status.PAUSED: "secondary",
    Status.STOPPED: "secondary",
    Status.INTERRUPTED: "error",
    Status.FAILED: "error",
    Status.UNREADABLE: "error",
}
_STATUS_MARKS = {
    Status.RUNNING: "●",
    Status.UNRESPONSIVE: "●",
    Status.UNREADABLE: "?",
    Status.QUEUED: "◷",
    Status.PENDING: "◷",
    Status.PAUSED: "‖",
    Status.STOPPED: "■",
    Status.INTERRUPTED: "!",
    Status.FAILED: "✗",
    Status.FINISHED: "✓",
}


def model_colour(model: str, theme: Theme) -> str:
    """The model's colour on this theme's background, `#RRGGBB`."""
    return look_of(model).colour(dark=theme.dark)


def faded(colour: str, theme: Theme, fraction: float) -> str:
    """A colour, of which `fraction` is left over the theme's background, `#RRGGBB`."""
    ground = Color.parse(theme.background or "ansi_default")
    if ground.ansi is not None:  # the terminal's own, which is unknown
        ground = Color.parse("#000000" if theme.dark else "#FFFFFF")
    return ground.blend(Color.parse(colour), fraction).hex6


class ChartColours(TypedDict):
    """Keyword arguments of a chart's `Axes`: `#RRGGBB`."""

    grid: str
    ticks: str


def chart_colours(theme: Theme) -> ChartColours:
    """The colours of a chart's grid, just visible, and of its axes."""
    return {"grid": faded("#808890", theme, 0.35), "ticks": faded("#808890" if theme.dark else "#59616B", theme, 0.9)}


def theme_colour(name: str, theme: Theme) -> str:
    """The theme's colour of that name, for example "success", `#RRGGBB`.

    Ours where the theme has none, or leaves it to the terminal: Rich doesn't know Textual's names of those.
    """
    colour = getattr(theme, name)
    if colour is None or Color.parse(colour).ansi is not None:
        colour = getattr(THEMES[0] if theme.dark else THEMES[1], name)
    return Color.parse(colour).hex6


def status_colour(status: Status | None, theme: Theme) -> str:
    """The colour of a status on this theme, or "" for those that are drawn muted."""
    name = _STATUS_COLOURS.get(status) if status else None
    return theme_colour(name, theme) if name else ""


def status_mark(status: Status | None) -> str:
    """One character for a status; never without the word beside it."""
    return _STATUS_MARKS.get(status, "·") if status else "·"
