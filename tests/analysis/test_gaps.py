from __future__ import annotations

import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from fmnist_tui.analysis.probes.analyses import AnalysisOptions, Datasets, analyse
from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.convergence import Gaps, measure_gaps
from fmnist_tui.analysis.probes.efficiency import Efficiency, measure_efficiency
from fmnist_tui.runs.run import read_run

from .builders import epoch, make_run


def test_gaps_are_the_differences_between_training_and_validation() -> None:
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


def test_a_loss_that_is_not_finite_is_an_error() -> None:
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
def test_efficiency_is_accuracy_over_parameters_and_macs(version: str, parameters: int, macs: int) -> None:
    found = measure_efficiency(version, 0.9)
    assert (found.accuracy, found.parameters, found.macs) == (0.9, parameters, macs)
    assert found.points_per_million_parameters == pytest.approx(90 / (parameters / 1e6))
    assert found.points_per_million_macs == pytest.approx(90 / (macs / 1e6))


def test_efficiency_is_that_of_the_network_that_was_trained(tmp_path: Path) -> None:
    own = {"model_options": {"hidden": [20]}, "data": {"shape": [3, 32, 32], "classes": [*"abcde"]}}
    record = read_run(make_run(tmp_path, "v0", config=own))
    found = analyse(record, "efficiency", AnalysisOptions(Datasets(None, tmp_path))).result
    assert isinstance(found, Efficiency)
    assert (found.parameters, found.macs) == (3072 * 20 + 20 + 20 * 5 + 5, 3072 * 20 + 20 * 5)


def test_a_network_that_cannot_be_built_has_no_efficiency() -> None:
    with pytest.raises(AnalysisError, match=r"the layers of v1 can't be measured: .*small"):
        measure_efficiency("v1", 0.9, image_shape=(1, 4, 4))


def test_an_unknown_model_has_no_efficiency() -> None:
    with pytest.raises(AnalysisError, match="unknown model v9"):
        measure_efficiency("v9", 0.9)
