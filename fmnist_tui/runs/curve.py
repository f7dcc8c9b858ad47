"""Learning curves: growing ones, of which views stay valid when rows are added, and smoothed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from fmnist_tui.training.events import Epoch, Resources, StepMetrics

_COLUMNS = (*StepMetrics.__struct_fields__, "time")
_MAX_NEW = 1024
_LONGEST_WIDTH = 101
_WIDTHS_PER_CURVE = 50


@dataclass(frozen=True, eq=False)
class Curve:
    """Read-only columns of equal length (float64), a row for each log interval: `StepMetrics` and unix seconds."""

    step: NDArray[np.float64]
    epoch: NDArray[np.float64]
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    learning_rate: NDArray[np.float64]
    images_per_second: NDArray[np.float64]
    time: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, eq=False)
class EpochCurve:
    """Read-only columns of equal length (float64), one row per epoch that ended, in the units of `Epoch`."""

    epoch: NDArray[np.float64]
    step: NDArray[np.float64]
    train_loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    validation_accuracy: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, epochs: Sequence[Epoch]) -> EpochCurve:
        """The columns of these epochs."""
        columns = [[getattr(one, item.name) for one in epochs] for item in fields(cls)]
        arrays = np.array(columns, dtype=np.float64).reshape(len(columns), len(epochs))
        arrays.flags.writeable = False
        return cls(*arrays)


@dataclass(frozen=True, eq=False)
class ResourceCurve:
    """Read-only columns of equal length (float64), a row about every ten seconds, in the units of `Resources`.

    `time` is in unix seconds. What isn't known is NaN.
    """

    time: NDArray[np.float64]
    process_cpus: NDArray[np.float64]
    process_memory: NDArray[np.float64]
    machine_cpu: NDArray[np.float64]
    gpu: NDArray[np.float64]
    gpu_memory: NDArray[np.float64]
    gpu_memory_total: NDArray[np.float64]

    @classmethod
    def of(cls, samples: Sequence[tuple[float, Resources]]) -> ResourceCurve:
        """The columns of these samples, each with its time."""
        rows = [(time, *astuple(sample)) for time, sample in samples]
        arrays = np.array(rows, dtype=np.float64).reshape(len(rows), len(fields(cls))).T
        arrays.flags.writeable = False
        return cls(*arrays)

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, eq=False)
class Curves:
    """A run's learning curves.

    Attributes:
        steps: One row per log interval.
        epochs: One row per epoch.
        resources: What its trainers used of their machines; no rows in runs of earlier versions.
    """

    steps: Curve
    epochs: EpochCurve
    resources: ResourceCurve


class GrowingCurve:
    """Rows in a buffer that grows by halves; a view doesn't change when rows are added or dropped."""

    def __init__(self) -> None:
        self._rows = np.empty((len(_COLUMNS), 256))
        self._length = 0
        self._new: list[tuple[StepMetrics, float]] = []
        """Rows that are not in the buffer yet: copying many at once is far cheaper."""
        self._viewed = 0
        """The length of the longest view of the current buffer."""

    def append(self, step: StepMetrics, time: float) -> None:
        """Add a log interval."""
        self._new.append((step, time))
        if len(self._new) >= _MAX_NEW:
            self._flush()

    def drop_after(self, step: int) -> None:
        """Drop the log intervals past `step`; views handed out before keep theirs."""
        self._flush()
        self._length = int(np.searchsorted(self._rows[0, : self._length], step, side="right"))
        if self._viewed > self._length:
            self._rows = self._rows.copy()
            self._viewed = 0

    def view(self) -> Curve:
        """The rows so far, in constant time."""
        self._flush()
        self._viewed = max(self._viewed, self._length)
        columns = self._rows[:, : self._length]
        columns.flags.writeable = False
        return Curve(*columns)

    def _flush(self) -> None:
        if not self._new:
            return
        values = chain.from_iterable((*astuple(step), time) for step, time in self._new)
        rows = np.fromiter(values, np.float64, len(self._new) * len(_COLUMNS)).reshape(-1, len(_COLUMNS))
        length = self._length + len(rows)
        while length > self._rows.shape[1]:
            larger = np.empty((len(_COLUMNS), 3 * self._rows.shape[1] // 2))
            larger[:, : self._length] = self._rows[:, : self._length]  # the rest takes no memory until it is used
            self._rows, self._viewed = larger, 0
        self._rows[:, self._length : length] = rows.T
        self._length = length
        self._new.clear()


def width_for(count: int) -> int:
    """The width of the moving average for a curve of `count` points: about a fiftieth, odd, at most 101."""
    return min(_LONGEST_WIDTH, count // _WIDTHS_PER_CURVE | 1)


def smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The centred moving average over `width` points (odd), fewer at the ends; (n,) to (n,).

    Non-finite values are ignored; without a finite one in the window, the average is NaN.
    """
    if len(values) == 0:
        return values
    finite = np.isfinite(values)
    window = np.ones(width)
    sums = np.convolve(values if finite.all() else np.where(finite, values, 0.0), window)
    counts = np.convolve(finite.astype(np.float64), window)
    middle = slice(width // 2, width // 2 + len(values))
    means: NDArray[np.float64] = np.full(len(values), np.nan)
    np.divide(sums[middle], counts[middle], out=means, where=counts[middle] > 0.5)
    return means
