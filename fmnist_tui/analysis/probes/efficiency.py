"""Parameter efficiency: what a run reached, over what it took."""

from __future__ import annotations

from dataclasses import dataclass

from fmnist_tui.analysis.probes.telling import AnalysisError
from fmnist_tui.models.catalogue import find_version


@dataclass(frozen=True)
class Efficiency:
    """Accuracy, and its cost.

    Attributes:
        accuracy: On the test images, 0 to 1.
        parameters: Trained parameters.
        multiply_adds: Of one image's forward pass.
    """

    accuracy: float
    parameters: int
    multiply_adds: int

    def __post_init__(self) -> None:
        if self.parameters < 1 or self.multiply_adds < 1:
            raise ValueError("a network has parameters and multiply-adds")

    @property
    def points_per_million_parameters(self) -> float:
        """Accuracy in percentage points for each million parameters."""
        return 1e8 * self.accuracy / self.parameters

    @property
    def points_per_million_multiply_adds(self) -> float:
        """Accuracy in percentage points for each million multiply-adds."""
        return 1e8 * self.accuracy / self.multiply_adds


def measure_efficiency(name: str, accuracy: float) -> Efficiency:
    """Of the version called `name` ("v0" to "v3") and its test accuracy (0 to 1).

    Raises:
        AnalysisError: This program doesn't know the version.
    """
    known = find_version(name)
    if known is None:
        raise AnalysisError(f"{name} is no version that this program knows")
    return Efficiency(accuracy, known.parameters, known.multiply_adds)
