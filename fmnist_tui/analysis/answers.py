"""Which of the test images each run gets right, read once for all questions that are asked of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.predictions import NoPredictionsError, read_predictions
from fmnist_tui.analysis.record import RunRecord


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run made of the test images.

    Attributes:
        record: The run.
        labels: uint8, (n,), 0 to 9.
        right: bool, (n,).
    """

    record: RunRecord
    labels: NDArray[np.uint8]
    right: NDArray[np.bool_]

    def on_the_images_of(self, other: Answers) -> bool:
        """Whether both are of the same images."""
        same = self.record.test_fingerprint == other.record.test_fingerprint
        return same and np.array_equal(self.labels, other.labels)


Reader = Callable[[RunRecord], Answers | None]


def answers_of(record: RunRecord) -> Answers:
    """The run's answers.

    Raises:
        NoPredictionsError: There are none that can be used.
    """
    predictions = read_predictions(record.run)
    return Answers(record, predictions.labels, predictions.right)


def remembering() -> Reader:
    """A reader that opens each run's file once, and gives None where it can't be used."""
    seen: dict[str, Answers | None] = {}

    def read(record: RunRecord) -> Answers | None:
        if record.run_id not in seen:
            try:
                seen[record.run_id] = answers_of(record)
            except NoPredictionsError:
                seen[record.run_id] = None
        return seen[record.run_id]

    return read
