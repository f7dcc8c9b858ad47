from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.convergence import Gaps, measure_gaps
from fmnist_tui.analysis.probes.efficiency import measure_efficiency

from .builders import epoch


def test_gaps_are_what_validation_is_worse_by() -> None:
    epochs = [
        replace(epoch(1, 0.75), train_loss=0.5, validation_loss=0.25, train_accuracy=0.5),
        replace(epoch(2, 0.75), train_loss=0.25, validation_loss=0.5, train_accuracy=1.0),
    ]
    found = measure_gaps(epochs)
    assert found == Gaps((0.5, 0.25), (0.25, 0.5), (0.5, 1.0), (0.75, 0.75))
    assert found.loss == (-0.25, 0.25)
    assert found.accuracy == (-0.25, 0.25)


def test_without_epochs_there_is_no_gap() -> None:
    with pytest.raises(AnalysisError, match="no epochs"):
        measure_gaps([])


def test_a_loss_that_is_not_finite_is_told() -> None:
    with pytest.raises(AnalysisError, match="not finite"):
        measure_gaps([epoch(1, 0.8), replace(epoch(2, 0.8), validation_loss=math.nan)])


@pytest.mark.parametrize(
    ("version", "parameters", "macs"),
    [
        ("v0", 266_610, 266_200),
        ("v1", 120_970, 11_114_496),
        ("v2", 5_858_442, 16_845_824),
        ("v3", 5_858_442, 16_845_824),
    ],
)
def test_efficiency_is_accuracy_over_what_the_layer_table_counts(version: str, parameters: int, macs: int) -> None:
    found = measure_efficiency(version, 0.9)
    assert (found.accuracy, found.parameters, found.macs) == (0.9, parameters, macs)
    assert found.points_per_million_parameters == pytest.approx(90 / (parameters / 1e6))
    assert found.points_per_million_macs == pytest.approx(90 / (macs / 1e6))


def test_an_unknown_version_has_no_efficiency() -> None:
    with pytest.raises(AnalysisError, match="unknown model v9"):
        measure_efficiency("v9", 0.9)
