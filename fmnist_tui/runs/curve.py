"""A growing curve that readers may hold on to: appending never moves what was handed out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from fmnist_tui.training.events import StepMetrics

_COLUMNS = (*StepMetrics.__struct_fields__, "time")
_MAX_NEW = 1024 * len(_COLUMNS)


@dataclass(frozen=True, eq=False)
class Curve:
    """Read-only columns of equal length (float64), one row a window: what `StepMetrics` says, and when (unix seconds)."""

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
    """Rows in a buffer that doubles; what `view` returned stays as it was when more rows come or some are dropped."""

    def __init__(self) -> None:
        self._rows = np.empty((len(_COLUMNS), 256))
        self._length = 0
        self._new: list[float] = []
        """Rows, one after the other, that are not yet in the buffer: many at once are far cheaper to copy there."""
        self._viewed = 0
        """The length of the longest view of this buffer."""

    def append(self, step: StepMetrics, time: float) -> None:
        """Adds a window."""
        self._new += astuple(step)
        self._new.append(time)
        if len(self._new) >= _MAX_NEW:
            self._flush()

    def drop_after(self, step: int) -> None:
        """Forgets windows past `step`; views handed out before keep theirs."""
        self._flush()
        self._length = int(np.searchsorted(self._rows[0, : self._length], step, side="right"))
        if self._viewed > self._length:
            self._rows = self._rows.copy()
            self._viewed = 0

    def view(self) -> Curve:
        """The rows so far; costs no more the longer they are."""
        self._flush()
        self._viewed = max(self._viewed, self._length)
        columns = self._rows[:, : self._length]
        columns.flags.writeable = False
        return Curve(*columns)

    def _flush(self) -> None:
        if not self._new:
            return
        rows = np.array(self._new, dtype=np.float64).reshape(-1, len(_COLUMNS))
        length = self._length + len(rows)
        while length > self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
            self._viewed = 0
        self._rows[:, self._length : length] = rows.T
        self._length = length
        self._new.clear()
