"""Looks inside real runs, as the process that holds the networks answers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sharing import three_short_epochs

from fmnist_tui.data import load
from fmnist_tui.errors import RunError
from fmnist_tui.inspection.handlers import inspect
from fmnist_tui.inspection.requests import (
    Answer,
    ClassEvidence,
    ClassMaps,
    Inspect,
    LayerImages,
    OcclusionRow,
    Packed,
    UnitImages,
    Views,
)
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.scored_model import Predictor, load_scored_model

Ask = Callable[[Predictor, str], list[Answer]]
V1 = Path(__file__).parents[2] / "assets/reference/runs/v1-20261126-152705-06f6"


@pytest.fixture(scope="module")
def v0(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load_scored_model(three_short_epochs(tmp_path_factory), "cpu", 1)


@pytest.fixture(scope="module")
def v1() -> Predictor:
    return load_scored_model(RunDirectory(V1), "cpu", 1)


@pytest.fixture
def answers(tmp_path: Path) -> Ask:
    images = load("demo", tmp_path).test.images

    def ask(network: Predictor, view: str) -> list[Answer]:
        request = Inspect(
            run="", number=3, view=view, image=Packed.of(images[0]), labels=[2, 5], samples=Packed.of(images[:8])
        )
        found = list(inspect(request, network))
        if any(isinstance(one, Views) for one in found):
            assert found.pop(0) == Views(number=3, views=["filters", "maps", "saliency", "grad_cam"])
        return found

    return ask


def test_a_dense_network_shows_its_units_and_its_evidence(v0: Predictor, answers: Ask) -> None:
    (units,) = answers(v0, "units")
    assert isinstance(units, UnitImages)
    assert units.number == 3
    contributions = units.contributions.array()
    assert (np.diff(contributions) <= 0).all()
    assert units.weights.array().shape == (len(contributions), 1, 28, 28)
    (evidence,) = answers(v0, "evidence")
    assert isinstance(evidence, ClassEvidence)
    assert (units.label, evidence.layer) == (2, 2)
    logits = evidence.logits.array()
    np.testing.assert_allclose(evidence.contributions.array().sum(1) + evidence.bias.array(), logits, rtol=1e-4)
    assert logits[2] == pytest.approx(units.logit)
    with pytest.raises(RunError, match="no grad-cam: it has no convolutions"):
        answers(v0, "grad_cam")


def test_a_convolutional_network_shows_its_filters_and_maps(v1: Predictor, answers: Ask) -> None:
    (filters,) = answers(v1, "filters")
    assert isinstance(filters, LayerImages)
    assert (filters.layer, filters.values.array().shape) == ("conv1", (64, 1, 3, 3))
    layers = answers(v1, "maps")
    assert [one.layer for one in layers if isinstance(one, LayerImages)] == ["conv1", "norm1", "conv2", "norm2"]
    (cam,) = answers(v1, "grad_cam")
    assert isinstance(cam, ClassMaps)
    assert (cam.layer, cam.values.array().shape) == ("conv2", (2, 1, 12, 12))
    with pytest.raises(RunError, match="only a dense network"):
        answers(v1, "units")


def test_both_show_saliency_and_occlusion(v0: Predictor, v1: Predictor, answers: Ask) -> None:
    for network in (v0, v1):
        (saliency,) = answers(network, "saliency")
        assert isinstance(saliency, ClassMaps)
        assert saliency.values.array().shape == (2, 1, 28, 28)
        rows = [row for row in answers(network, "occlusion") if isinstance(row, OcclusionRow)]
        assert [row.row for row in rows] == list(range(13))
        assert rows[0].drops.array().shape == (2, 13)
