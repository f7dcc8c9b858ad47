"""A growing curve that readers may hold on to: appending never moves what was handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.events import Step

_COLUMNS = ("step", "epoch", "loss", "accuracy", "learning_rate", "images_per_second", "time")


@dataclass(frozen=True, eq=False)
class Curve:
    """Read-only columns of equal length (float64), one row a window: what `Step` says, and when (unix seconds)."""

    step: NDArray[np.float64]
    epoch: NDArray[np.float64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    learning_rate: NDArray[np.float64]
    images_per_second: NDArray[np.float64]
    time: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.step)


class GrowingCurve:
    """Rows in a buffer that doubles; `view` is free, and stays as it was when more rows come or some are dropped."""

    def __init__(self) -> None:
        self._rows = np.empty((len(_COLUMNS), 256))
        self._length = 0

    def append(self, step: Step, time: float) -> None:
        """Adds a window."""
        if self._length == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        values: tuple[Any, ...] = (*(getattr(step, name) for name in _COLUMNS[:-1]), time)
        self._rows[:, self._length] = values
        self._length += 1

    def drop_after(self, step: int) -> None:
        """Forgets windows past `step`; views handed out before keep theirs."""
        self._length = int(np.searchsorted(self._rows[0, : self._length], step, side="right"))
        self._rows = self._rows.copy()

    def view(self) -> Curve:
        """The rows so far."""
        columns = self._rows[:, : self._length]
        columns.flags.writeable = False
        return Curve(*columns)
