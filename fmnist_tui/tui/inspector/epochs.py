"""The epochs of a run in the Inspector: a slider, and how filters and predictions form, from the run's snapshots."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from fmnist_tui.inspection.requests import Answer, UnitImages
from fmnist_tui.runs.snapshots import NetworkSnapshots
from fmnist_tui.text import counted
from fmnist_tui.tui.cells import cells, distinct, pad
from fmnist_tui.tui.inspector.views import Drawn, Look, Space, grid_view
from fmnist_tui.tui.widgets.value_maps import strongest

OF_EPOCHS = ("units", "filters", "predictions")
"""The views that change with the epoch."""
_LONGEST_NAME = 14
_NUMBERS = 8
_TRACK = re.compile("[─┼●]+")


class EpochLine(Static):
    """The slider; a click on it chooses an epoch."""

    ALLOW_SELECT = False

    class Chosen(Message):
        """An epoch was clicked.

        Attributes:
            at: Its index among the snapshots; their number for the trained network.
        """

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    _text = ""
    _last = 0

    def show(self, snapshots: NetworkSnapshots | None, at: int) -> None:
        """Draws the slider as wide as the screen; without snapshots there is none."""
        self.display = snapshots is not None
        if snapshots is None:
            return
        text = slider(snapshots, at, self.screen.size.width - 2)
        self._text, self._last = text.plain, len(snapshots)
        self.update(text)

    def on_click(self, event: Click) -> None:
        """Chooses the epoch under the mouse."""
        track = _TRACK.search(self._text)
        if track and track.start() <= event.x < track.end():
            self.post_message(self.Chosen(round((event.x - track.start()) * self._last / (len(track[0]) - 1))))


def slider(snapshots: NetworkSnapshots, at: int, width: int) -> Text:
    """For example `Epoch 3 of 10  ○──●────○  82 of 100 validation images correct`.

    Args:
        snapshots: The run's.
        at: The chosen one; their number for the trained network.
        width: Cells.
    """
    trained = at >= len(snapshots)
    epochs = snapshots.epochs.tolist()
    epoch = "Trained" if trained else f"Epoch {epochs[at]} of {epochs[-1]}"
    number = len(snapshots.images)
    correct = round(float(snapshots.accuracies[min(at, len(snapshots) - 1)]) * number)
    room = width - 4
    texts = [f"{correct} of {counted(number, 'validation image')} correct", f"{correct}/{number} correct", ""]
    after = next(text for text in texts if room - len(epoch) - len(text) >= len(snapshots) + 1 or not text)
    track = max(2, min(room - len(epoch) - len(after), 3 * len(snapshots) + 1))
    line = list("─" * track)
    for place in range(len(snapshots) + 1):
        line[place * (track - 1) // len(snapshots)] = "┼"
    line[min(at, len(snapshots)) * (track - 1) // len(snapshots)] = "●"
    return Text.assemble((epoch, "bold"), f"  {''.join(line)}  {after}", no_wrap=True, overflow="crop", end="")


def epoch_view(
    view: str, snapshots: NetworkSnapshots, at: int, answers: Sequence[Answer], look: Look, space: Space
) -> Drawn:
    """Weights or filters as they were after an epoch, or the predictions after it, of the trained network at the end.

    Args:
        view: One of `OF_EPOCHS`.
        snapshots: The run's.
        at: The chosen one; their number for the trained network.
        answers: Those of the trained network's view, for the order of the units.
        look: What is looked at.
        space: Where it is drawn.
    """
    if view == "predictions":
        return _predictions(snapshots, min(at, len(snapshots) - 1), look, space)
    images = first_layer(snapshots, at, (1, look.sweep.height, look.sweep.width))
    epoch = int(snapshots.epochs[at])
    if images is None:
        return Drawn(f"Epoch {epoch}", Text("The snapshots of this run have no weights that can be drawn."), (), Text())
    recorded = snapshots.units.tolist()
    order = [recorded.index(unit) for unit in _sorted_units(answers) if unit in recorded] or list(range(len(recorded)))
    what = "hidden unit" if view == "units" else "filter"
    of = f", of the {counted(len(order), what)} that are recorded" if len(order) <= max(recorded, default=0) else ""
    when = "before training, random" if epoch == 0 else f"after epoch {epoch}"
    sentences = (
        f"The weights {when}{of}: training changes them step by step, until patterns form that help to tell the "
        f"classes apart. The arrows show other epochs.",
    )
    captions = [str(recorded[place]) for place in order]
    return grid_view(
        f"{counted(len(order), what)}, epoch {epoch}", strongest(images[order]), captions, sentences, space
    )


def first_layer(snapshots: NetworkSnapshots, at: int, image_shape: tuple[int, int, int]) -> NDArray[np.float32] | None:
    """The recorded weights as images, (k, C, height, width); None if they are none.

    Args:
        snapshots: The run's.
        at: The chosen one.
        image_shape: Channels (any), height and width, for a dense layer's.
    """
    weights: NDArray[np.float32] = snapshots.weights[at].astype(np.float32)
    if not len(weights):
        return None
    if weights.ndim == 4:
        return weights
    _, height, width = image_shape
    if weights.ndim == 2 and weights.shape[1] % (height * width) == 0:
        return weights.reshape(len(weights), -1, height, width)
    return None


def _predictions(snapshots: NetworkSnapshots, at: int, look: Look, space: Space) -> Drawn:
    """A row for each class, with a mark for each of its images, always in the same place."""
    predicted, labels = snapshots.probabilities[at].argmax(axis=1), snapshots.labels
    names = distinct(tuple(look.names), _LONGEST_NAME)
    longest = max(map(cells, names))
    present = [label for label in range(len(look.names)) if (labels == label).any()]
    most = max(int((labels == label).sum()) for label in present)
    lines = []
    for label in present[: max(1, space.height)]:
        own = predicted[labels == label]
        marks = "".join("✓" if one == label else "✗" for one in own.tolist())
        wrong = Counter(own[own != label].tolist()).most_common(1)
        line = Text(f"{pad(names[label], longest)} ", no_wrap=True, overflow="crop")
        line.append(pad(marks, most)).append(f" {int((own == label).sum()):>3} of {len(own):<3}")
        if wrong and wrong[0][0] < len(look.names):
            line.append(f" {look.names[wrong[0][0]]}", "dim")
        line.truncate(space.width, overflow="ellipsis")
        lines.append(line)
    epoch = int(snapshots.epochs[at])
    when = "before training" if epoch == 0 else f"after epoch {epoch}"
    sentences = (
        f"Predictions for {counted(len(labels), 'validation image')} {when}, a mark for each: ✓ correct, ✗ wrong; "
        f"at the end the class most often predicted instead.",
    )
    return Drawn(f"Predictions, epoch {epoch}", Text("\n", no_wrap=True).join(lines), sentences, Text())


def _sorted_units(answers: Sequence[Answer]) -> list[int]:
    found = next((one for one in answers if isinstance(one, UnitImages)), None)
    units: list[int] = found.units.array().tolist() if found else []
    return units
