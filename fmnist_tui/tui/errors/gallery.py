"""Galleries of test images: an image at a time, with its class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.theme import Theme
from textual.widget import Widget

from fmnist_tui.analysis.error_report import ErrorReport
from fmnist_tui.analysis.errors import Indices, SharedError, images_of
from fmnist_tui.data import ImageSet
from fmnist_tui.models.looks import look_of
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.cells import cells, distinct, pad, wrap
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.themes import model_colour, theme_colour
from fmnist_tui.tui.widgets.bars import bar
from fmnist_tui.tui.widgets.images import Drawing, Picture, picture

_NUMBERS = 9
_NARROWEST, _WIDEST = 3, 40
_NAME = 11
"""The width in cells that a class's name may have at least."""
_BESIDE_NAME = 18
"""The cells of "predicted " and a confidence."""
_NAME_IN_NOTE = 24
_ONE_LINE = 45
"""The width in cells from which the true and the predicted class share a line."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """One test image.

    Attributes:
        image: As drawn, (height, width) or (height, width, 3), or None if it isn't available.
        missing: Why it isn't available, or "".
        heading: Its position in the gallery.
        note: A further line, or "".
        names: The names of the classes.
        label: The true class.
        probabilities: (classes,), 0 to 1.
        compared: What each compared run predicts: its model, the class, and the confidence.
    """

    image: NDArray[np.uint8] | None
    missing: str
    heading: str
    note: str
    names: Sequence[str]
    label: int
    probabilities: NDArray[np.float32]
    compared: tuple[tuple[str, int, float], ...] = ()


class _Facts(Widget):
    """The text beside the picture."""

    DEFAULT_CSS = "_Facts { width: 1fr; height: 1fr; }"

    specimen: reactive[Specimen | None] = reactive(None)
    empty: reactive[str] = reactive("")

    def render(self) -> Text:
        """The text in the available width."""
        if self.specimen is None:
            return Text(self.empty)
        return specimen_text(self.specimen, self.size, self.app.current_theme)


class GalleryView(Remappable, Horizontal, can_focus=True):
    """Shows one image; posts a message when a key asks for another."""

    BINDINGS = [
        Binding("right,n", "turn(1)", "Next", tooltip="The next image"),
        Binding("left,b", "turn(-1)", "Previous", tooltip="The previous image", show=False),
        Binding("pagedown", "turn(10)", "Ten forward", show=False),
        Binding("pageup", "turn(-10)", "Ten back", show=False),
        Binding("home", "turn(-1000000)", "First", show=False),
        Binding("end", "turn(1000000)", "Last", show=False),
    ]

    class Turned(Message):
        """The image `by` positions further is wanted."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def compose(self) -> ComposeResult:
        """The picture, and the text beside it."""
        yield Picture()
        yield _Facts()

    def draw_with(self, drawing: Drawing) -> None:
        """Changes how the picture is drawn."""
        self.query_one(Picture).draw = drawing

    def show(self, specimen: Specimen | None, empty: str) -> None:
        """Shows an image, or the text `empty` if there is none."""
        picture, facts = self.query_one(Picture), self.query_one(_Facts)
        picture.image = specimen.image if specimen else None
        picture.display = picture.image is not None
        facts.empty, facts.specimen = empty, specimen

    def action_turn(self, by: int) -> None:
        """Requests the image `by` positions further."""
        self.post_message(self.Turned(by))


def specimen_text(shown: Specimen, size: Size, theme: Theme) -> Text:
    """The image's classes, what every model predicts, and the probabilities, in the given space."""
    width = size.width
    shown = replace(shown, names=distinct(tuple(shown.names), max(_NAME, width - _BESIDE_NAME)))
    lines = [Text(line, style="dim") for line in wrap(shown.missing, width) if line]
    predicted = int(shown.probabilities.argmax())
    confidence = percent(float(shown.probabilities[predicted]), 1)
    true = f"true {shown.names[shown.label]}"
    prediction = f"predicted {shown.names[predicted]} ({confidence})"
    classes = [f"{true}, {prediction}"] if width >= _ONE_LINE else [true, prediction]
    for sentence in filter(None, (shown.heading, *classes, shown.note)):
        lines += map(Text, wrap(sentence, width))
    room = size.height - len(lines) - len(shown.names)
    if room > len(shown.compared):
        lines += [*(_prediction(shown, one, theme) for one in shown.compared), Text()]
    elif len(shown.compared) > 1:
        lines += _packed([_prediction(shown, one, theme, brief=True) for one in shown.compared], width)
    lines += _bars(shown, predicted, width, theme, size.height - len(lines))
    return Text("\n").join(lines)


def _prediction(shown: Specimen, compared: tuple[str, int, float], theme: Theme, *, brief: bool = False) -> Text:
    """For example `◆ v3 Shirt (87%) ✓`, in the model's colour; without the confidence if `brief`."""
    model, predicted, confidence = compared
    sure = "" if brief else f" ({percent(confidence, 0)})"
    text = f"{look_of(model).marker} {model} {shown.names[predicted]}{sure}"
    mark = "✓" if predicted == shown.label else "✗"
    return Text(f"{text} {mark}", style=model_colour(model, theme), no_wrap=True, overflow="ellipsis")


def _packed(texts: Sequence[Text], width: int) -> list[Text]:
    """The texts side by side, as many to a line as fit."""
    lines: list[Text] = []
    for text in texts:
        if lines and lines[-1].cell_len + 2 + text.cell_len <= width:
            lines[-1] = Text("  ").join([lines[-1], text])
        else:
            lines.append(text)
    return lines


def _bars(shown: Specimen, predicted: int, width: int, theme: Theme, most: int) -> list[Text]:
    """A line for each of the `most` likely classes; the predicted and the true one, marked, are always among them."""
    rank = [probability + (label in (shown.label, predicted)) for label, probability in enumerate(shown.probabilities)]
    chosen = sorted(np.argsort(-np.array(rank), kind="stable")[: max(2, most)].tolist())
    names = distinct(tuple(shown.names), max(_NAME, width // 2 - _NUMBERS))
    longest = max(cells(names[label]) for label in chosen)
    room = min(_WIDEST, max(_NARROWEST, width - longest - _NUMBERS - 2))
    lines = []
    for label in chosen:
        name, probability = names[label], float(shown.probabilities[label])
        mark = "✓" if label == shown.label else "✗"
        marked = label in (shown.label, predicted)
        text = f"{mark if marked else ' '} {pad(name, longest)} {probability:6.1%} "
        line = Text(no_wrap=True, overflow="crop")
        line.append(text, style="bold" if marked else "")
        colour = "success" if label == shown.label else "error" if marked else ""
        line.append(bar(probability, room), style=theme_colour(colour, theme) if colour else "dim")
        lines.append(line)
    return lines


_NO_OTHERS = "No run of another version is compared on these images: train one, or press f on the Results screen"


@dataclass(frozen=True, eq=False)
class Gallery:
    """A row of test images.

    Attributes:
        title: What the images have in common.
        indices: Their positions in the test set, (m,).
        notes: A further line for each, or nothing.
        empty: The text for an empty gallery.
    """

    title: str
    indices: Indices
    notes: tuple[str, ...] = ()
    empty: str = "No such images"

    def note(self, position: int) -> str:
        """The further line for the image at a position of the gallery, or ""."""
        return self.notes[position] if self.notes else ""


def galleries(report: ErrorReport) -> tuple[Gallery, ...]:
    """All mistakes, the errors that all versions share, and the images that only this one gets right."""
    version, count = report.record.version, len(report.versions)
    shared = np.array([error.index for error in report.shared], np.int64)
    names = distinct(tuple(report.names), _NAME_IN_NOTE)
    notes = tuple(_agreement(error, names) for error in report.shared)
    empty = _NO_OTHERS if count == 1 else "No such images"
    others = ", ".join(report.versions[1:])
    besides = f" (not {others})" if others else ""
    return (
        Gallery(f"{version}'s mistakes, the most confident first", report.mistakes, empty="No mistakes"),
        Gallery(
            f"Wrong in all {f'{count} ' if count > 1 else ''}versions, likeliest label errors first",
            shared,
            notes,
            empty,
        ),
        Gallery(f"Images only {version} gets right{besides}", report.only_correct, empty=empty),
    )


def cell_gallery(report: ErrorReport, true: int, predicted: int) -> Gallery:
    """The images of one cell of the confusion matrix."""
    return Gallery(cell_title(report.names, true, predicted), images_of(report.predictions, true, predicted))


def specimen(report: ErrorReport, gallery: Gallery, position: int, images: ImageSet | None, missing: str) -> Specimen:
    """The image at a position of the gallery; `missing` says why if there are no `images`."""
    index, predictions = int(gallery.indices[position]), report.predictions
    return Specimen(
        picture(images.images[index]) if images else None,
        "" if images else missing,
        f"{grouped(position + 1)} of {grouped(len(gallery.indices))}, image {index}",
        gallery.note(position),
        report.names,
        int(predictions.labels[index]),
        predictions.probabilities[index],
        tuple(
            (model, int(run.predicted[index]), float(run.confidence[index]))
            for model, run in sorted(report.compared, key=lambda one: one[0])
        ),
    )


def cell_title(names: Sequence[str], true: int, predicted: int) -> str:
    """A cell of the confusion matrix in words."""
    if true == predicted:
        return f"{names[true]}, correct"
    return f"true {names[true]}, predicted {names[predicted]}"


def _agreement(error: SharedError, names: Sequence[str]) -> str:
    predicted = f"{error.agreeing} of {error.runs} models predict {names[error.predicted]}"
    return f"{predicted} (mean confidence {percent(error.confidence, 0)})"
