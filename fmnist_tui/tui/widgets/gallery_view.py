"""Test images one by one: the picture, what it is, what it was taken for, and the ten probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from fmnist_tui.text import percent
from fmnist_tui.tui.cells import cells, pad
from fmnist_tui.tui.widgets.histogram import bar
from fmnist_tui.tui.widgets.picture import Picture
from fmnist_tui.tui.widgets.pixels import Drawing

_NUMBERS = 9
_NARROWEST, _WIDEST = 3, 40
_SIDE_BY_SIDE = 45
"""Cells from which truth and prediction share a line."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """One test image.

    Attributes:
        image: (28, 28) uint8, or None where it isn't there.
        missing: Why it isn't, or "".
        heading: Which of how many it is.
        note: What is said besides, or "".
        names: Of the classes.
        label: The true class.
        probabilities: (10,), 0 to 1.
    """

    image: NDArray[np.uint8] | None
    missing: str
    heading: str
    note: str
    names: Sequence[str]
    label: int
    probabilities: NDArray[np.float32]


class _Facts(Widget):
    """All but the picture."""

    DEFAULT_CSS = "_Facts { width: 1fr; height: 1fr; }"

    specimen: reactive[Specimen | None] = reactive(None)
    empty: reactive[str] = reactive("")

    def render(self) -> Text:
        """Lines as wide as there is room."""
        return _told(self.specimen, self.size.width) if self.specimen else Text(self.empty)


class GalleryView(Horizontal, can_focus=True):
    """Shows one image; asks for another when a key is pressed."""

    BINDINGS = [
        Binding("right,n", "turn(1)", "Next", tooltip="The next image"),
        Binding("left,b", "turn(-1)", "Before", tooltip="The image before", show=False),
        Binding("pagedown", "turn(10)", "Ten on", show=False),
        Binding("pageup", "turn(-10)", "Ten back", show=False),
        Binding("home", "turn(-1000000)", "First", show=False),
        Binding("end", "turn(1000000)", "Last", show=False),
    ]

    class Turned(Message):
        """Another image is wanted, so many places on."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Picture()
        yield _Facts()

    def draw_with(self, drawing: Drawing) -> None:
        """Another way to draw."""
        self.query_one(Picture).draw = drawing

    def show(self, specimen: Specimen | None, empty: str) -> None:
        """Shows an image, or says why there is none."""
        picture, facts = self.query_one(Picture), self.query_one(_Facts)
        picture.image = specimen.image if specimen else None
        picture.display = picture.image is not None
        facts.empty, facts.specimen = empty, specimen

    def action_turn(self, by: int) -> None:
        """Asks for another image."""
        self.post_message(self.Turned(by))


def _told(shown: Specimen, width: int) -> Text:
    """All that is known of the image, in lines of `width` cells."""
    lines = [Text(shown.missing, style="dim")] if shown.missing else []
    predicted = int(shown.probabilities.argmax())
    sure = percent(float(shown.probabilities[predicted]), 1)
    truth, said = shown.names[shown.label], f"{shown.names[predicted]}, {sure} sure"
    apart = [f"truth  {truth}", f"said   {said}"]
    words = [f"truth {truth}, said {said}"] if width >= _SIDE_BY_SIDE else apart
    lines += [Text(line) for line in (shown.heading, *words, shown.note) if line]
    lines += _bars(shown, predicted, width)
    return Text("\n").join(lines)


def _bars(shown: Specimen, predicted: int, width: int) -> list[Text]:
    """A line a class; what was said and what is true are marked by letters, and by colour."""
    longest = max(map(cells, shown.names))
    room = min(_WIDEST, max(_NARROWEST, width - longest - _NUMBERS - 2))
    lines = []
    for label, (name, share) in enumerate(zip(shown.names, shown.probabilities.tolist(), strict=True)):
        mark = "=" if label == shown.label == predicted else "*" if label == shown.label else ">"
        marked = label in (shown.label, predicted)
        words = f"{mark if marked else ' '} {pad(name, longest)} {share:6.1%} "
        line = Text(no_wrap=True, overflow="crop")
        line.append(words, style="bold" if marked else "")
        line.append(bar(share, room), style="#0072B2" if label == shown.label else "#D55E00" if marked else "")
        lines.append(line)
    return lines
