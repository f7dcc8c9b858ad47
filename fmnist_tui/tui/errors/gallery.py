"""Test images one by one: which galleries there are, and an image with its ten probabilities."""

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

from fmnist_tui.analysis.error_report import Diagnosis
from fmnist_tui.analysis.errors import Indices, SharedMistake, images_of
from fmnist_tui.data import ImageSet
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.cells import cells, pad
from fmnist_tui.tui.widgets.bars import bar
from fmnist_tui.tui.widgets.images import Drawing, Picture

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


_NO_OTHERS = "No run of another version is compared on these images: train one, or press f on the Results screen"


@dataclass(frozen=True, eq=False)
class Gallery:
    """A row of test images.

    Attributes:
        title: What they have in common.
        indices: Their places in the test set, (m,).
        notes: What is said of each besides, or nothing.
        empty: What is said where there is none.
    """

    title: str
    indices: Indices
    notes: tuple[str, ...] = ()
    empty: str = "There is none"

    def note(self, place: int) -> str:
        """What is said of the image at this place, or ""."""
        return self.notes[place] if self.notes else ""


def galleries(diagnosis: Diagnosis) -> tuple[Gallery, ...]:
    """All mistakes, what every version gets wrong, what only this one gets right."""
    version, count = diagnosis.record.version, len(diagnosis.versions)
    shared = np.array([mistake.index for mistake in diagnosis.shared], np.int64)
    notes = tuple(_agreement(mistake, diagnosis.names) for mistake in diagnosis.shared)
    empty = _NO_OTHERS if count == 1 else "There is none"
    others = ", ".join(diagnosis.versions[1:])
    beside = f" (not {others})" if others else ""
    return (
        Gallery(f"{version}'s mistakes, the most confident first", diagnosis.mistakes, empty="It makes no mistake"),
        Gallery(f"Wrong in all {count} versions, likeliest label errors first", shared, notes, empty),
        Gallery(f"What only {version} gets right{beside}", diagnosis.alone, empty=empty),
    )


def cell_gallery(diagnosis: Diagnosis, true: int, predicted: int) -> Gallery:
    """The images of one cell of the confusion matrix."""
    names = diagnosis.names
    title = f"{names[true]} taken for {names[predicted]}" if true != predicted else f"{names[true]}, and right"
    return Gallery(title, images_of(diagnosis.predictions, true, predicted))


def specimen(diagnosis: Diagnosis, gallery: Gallery, place: int, images: ImageSet | None, missing: str) -> Specimen:
    """The image at a place of the gallery; `missing` says why, where there are no `images`."""
    index, predictions = int(gallery.indices[place]), diagnosis.predictions
    return Specimen(
        images.images[index] if images else None,
        "" if images else missing,
        f"{grouped(place + 1)} of {grouped(len(gallery.indices))}, image {index}",
        gallery.note(place),
        diagnosis.names,
        int(predictions.labels[index]),
        predictions.probabilities[index],
    )


def _agreement(mistake: SharedMistake, names: tuple[str, ...]) -> str:
    return f"{mistake.agreeing} of {mistake.runs} say {names[mistake.taken_for]}, {percent(mistake.confidence, 0)} sure"
