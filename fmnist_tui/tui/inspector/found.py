"""What the Inspector knows of an image in one run's network, and the messages that bring it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from textual.message import Message

from fmnist_tui.inspection.requests import Answer
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.snapshots import NetworkSnapshots


@dataclass
class Found:
    """What is known of the image in one run's network.

    Attributes:
        probabilities: (classes,), or None until they are known.
        predicted: The likeliest class, or None until it is known.
        compared: A class that it is compared with, or None.
        contrasted: Whether the units' contributions are those to the compared class.
        views: Which of the views the network has; None until it is known.
        answers: What was answered for each view.
        faults: Why a view can't be shown; of the prediction under "".
        numbers: Of the newest request for each view.
        page: The page of the view that is shown.
        pages: How many it has.
        layer: The layer whose feature maps are shown.
        layers: How many there are.
        snapshots: The run's, or None where there are none.
        epoch: Which of them is shown; None for the trained network.
    """

    probabilities: NDArray[np.float32] | None = None
    predicted: int | None = None
    compared: int | None = None
    contrasted: bool = False
    views: tuple[str, ...] | None = None
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    page: int = 0
    pages: int = 1
    layer: int = 0
    layers: int = 1
    snapshots: NetworkSnapshots | None = None
    epoch: int | None = None

    @property
    def labels(self) -> list[int]:
        """The classes whose maps are shown."""
        return [label for label in (self.predicted, self.compared) if label is not None]

    @property
    def toward(self) -> list[int]:
        """The class to which the units contribute."""
        return self.labels[-1:] if self.contrasted else self.labels[:1]

    @property
    def last(self) -> int:
        """The place of the trained network on the slider: after all snapshots."""
        return 0 if self.snapshots is None else len(self.snapshots)

    @property
    def at(self) -> int:
        """The chosen place on the slider."""
        return self.last if self.epoch is None else self.epoch

    @property
    def is_deleted(self) -> bool:
        """Whether the run has been deleted."""
        return self.faults.get("") == DELETED


class Answered(Message):
    """The process that holds the networks has answered a request for a view, or for the prediction ("")."""

    def __init__(self, view: str, answer: Answer) -> None:
        super().__init__()
        self.view = view
        self.answer = answer


DELETED = "This run has been deleted"


class Deleted(Message):
    """The run has been deleted."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


class SnapshotsRead(Message):
    """A run's snapshots are read."""

    def __init__(self, run: Run, snapshots: NetworkSnapshots) -> None:
        super().__init__()
        self.run = run
        self.snapshots = snapshots
