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
from textual.widgets import Static

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


class GalleryView(Horizontal, can_focus=True):
    """Shows one of `specimens`; asks for it by its place, so that a gallery of thousands costs nothing."""

    BINDINGS = [
        Binding("right,n", "turn(1)", "Next", tooltip="The next image"),
        Binding("left,b", "turn(-1)", "Before", tooltip="The image before"),
        Binding("pagedown", "turn(10)", "Ten on", show=False),
        Binding("pageup", "turn(-10)", "Ten back", show=False),
        Binding("home", "turn(-1000000)", "First", show=False),
        Binding("end", "turn(1000000)", "Last", show=False),
    ]

    specimen: reactive[Specimen | None] = reactive(None)
    empty_words: reactive[str] = reactive("")

    class Turned(Message):
        """Another image is wanted, so many places on."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Picture()
        yield Static(id="specimen")

    def draw_with(self, drawing: Drawing) -> None:
        """Another way to draw."""
        self.query_one(Picture).draw = drawing

    def on_resize(self) -> None:
        """Bars take the room that there is."""
        self.call_after_refresh(self._tell)

    def action_turn(self, by: int) -> None:
        """Asks for another image."""
        self.post_message(self.Turned(by))

    def watch_specimen(self) -> None:
        """Another image."""
        self._tell()

    def watch_empty_words(self) -> None:
        """Why there is none."""
        self._tell()

    def _tell(self) -> None:
        picture, words = self.query_one(Picture), self.query_one("#specimen", Static)
        picture.image = self.specimen.image if self.specimen else None
        picture.display = picture.image is not None
        width = self.size.width - (picture.outer_size.width if picture.display else 0) - words.gutter.width
        words.update(_told(self.specimen, width) if self.specimen else Text(self.empty_words))


def _told(shown: Specimen, width: int) -> Text:
    """All that is known of the image, in lines of `width` cells."""
    lines = [Text(shown.missing, style="dim")] if shown.missing else []
    predicted = int(shown.probabilities.argmax())
    truth = f"truth  {shown.names[shown.label]}"
    said = f"said   {shown.names[predicted]}, {shown.probabilities[predicted]:.1%} sure"
    if width >= _SIDE_BY_SIDE:
        joined = f"{shown.heading}; {shown.note}" if shown.note else shown.heading
        lines += [Text(joined), Text(f"{truth}   {said}")]
    else:
        lines += [Text(line) for line in (shown.heading, truth, said, shown.note) if line]
    lines += _bars(shown, predicted, width)
    return Text("\n").join(lines)


def _bars(shown: Specimen, predicted: int, width: int) -> list[Text]:
    """A line a class; what was said and what is true are marked by letters, and by colour."""
    longest = max(map(len, shown.names))
    room = min(_WIDEST, max(_NARROWEST, width - longest - _NUMBERS - 2))
    lines = []
    for label, (name, share) in enumerate(zip(shown.names, shown.probabilities.tolist(), strict=True)):
        mark = "=" if label == shown.label == predicted else "*" if label == shown.label else ">"
        marked = label in (shown.label, predicted)
        words = f"{mark if marked else ' '} {name:<{longest}} {share:6.1%} "
        line = Text(no_wrap=True, overflow="crop")
        line.append(words, style="bold" if marked else "")
        line.append(bar(share, room), style="#0072B2" if label == shown.label else "#D55E00" if marked else "")
        lines.append(line)
    return lines
