"""How fast versions train, as it was measured, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Quartiles:
    """Repeated measurements of one thing.

    Attributes:
        median: Half of them are larger.
        low: The first quartile.
        high: The third.
        n: How many there were.
    """

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Quartiles:
        """The spread of at least one value."""
        low, median, high = (float(value) for value in np.quantile(values, (0.25, 0.5, 0.75)))
        return cls(median, low, high, len(values))


@dataclass(frozen=True)
class Peak:
    """What a device reaches in float32 matrix products.

    Attributes:
        device: "cpu", "cuda:0", "mps".
        gflops: Thousand million floating-point operations a second.
    """

    device: str
    gflops: Quartiles


@dataclass(frozen=True)
class Speed:
    """How fast one version trains on one device.

    Attributes:
        version: The model's name.
        device: "cpu", "cuda:0", "mps".
        batch_size: Images a step.
        images_per_second: Over the repeats.
        milliseconds_per_step: The median.
        fraction_of_peak: Of the device's peak in the same repeat, 0 to 1, the median. The MACs of
            the layers are counted, forward and backward, as two operations each. It may be high on NVIDIA's GPUs, where
            PyTorch lets convolutions round to TF32 but matrix products not.
        graph: Whether steps were replayed as a CUDA graph; None on other devices.
        busy_fraction: Of a step's time in which an NVIDIA GPU computes, 0 to 1; None on other devices, or if the
            profiler may not see the GPU.
    """

    version: str
    device: str
    batch_size: int
    images_per_second: Quartiles
    milliseconds_per_step: float
    fraction_of_peak: float
    graph: bool | None = None
    busy_fraction: float | None = None


@dataclass(frozen=True)
class Benchmark:
    """All of one machine.

    Attributes:
        machine: What its devices are called, by their names here.
        threads: CPU threads.
        data: What was trained on.
        peaks: One a device.
        speeds: By device and version.
        skipped: Models that couldn't be measured, and why.
    """

    machine: Mapping[str, str]
    threads: int
    data: str
    peaks: tuple[Peak, ...]
    speeds: tuple[Speed, ...]
    skipped: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; the attributes are the keys."""
        return asdict(self)
