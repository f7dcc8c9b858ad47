"""Which images of a run can be looked at one by one, and what is said of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fmnist_tui.analysis.across import SharedMistake
from fmnist_tui.analysis.diagnosis import Diagnosis
from fmnist_tui.analysis.errors import Indices, images_of
from fmnist_tui.data import ImageSet
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.widgets.gallery_view import Specimen

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
