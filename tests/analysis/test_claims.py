from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.analysis.probes.cache import Findings, basis_of, save
from fmnist_tui.analysis.probes.claims import claims, section, sections
from fmnist_tui.analysis.probes.common import Claim, Verdict
from fmnist_tui.analysis.probes.convergence import Convergence
from fmnist_tui.analysis.probes.efficiency import Efficiency, measure_efficiency, small_network_claim
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.runs.run import read_run, read_runs
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

from .builders import make_run

TITLES = [
    "Spatial awareness",
    "Parameter efficiency",
    "Translation invariance",
    "Feature hierarchy",
    "Normalisation",
    "Regularisation",
    "Regularisation, no augmentation",
    "Rapid in the first 500 steps",
    "Validation loss below training loss",
    "No overfitting",
    "Final validation loss about 0.20",
    "Total gain +5.71 points",
    "An eighth of v3's parameters",
]


def found(folder: Path, recipe: str = "tuned", /, **results: dict[str, Any]) -> dict[str, Findings]:
    """The findings of a run of each named model."""
    records = {}
    for version in results:
        config = {
            "recipe": recipe,
            "hyperparameters": asdict(settle_for_fashion_mnist(hyperparameters(version, recipe))),
        }
        records[version] = read_run(make_run(folder, version, seed=int(version[1]), config=config))
    return {version: Findings(records[version], **known) for version, known in results.items()}


def of(title: str, claims: tuple[Claim, ...]) -> Claim:
    return next(claim for claim in claims if claim.title == title)


def permuted(plain: float, moved: float) -> dict[str, Any]:
    return {"permuted": Permuted(5, 10_000, 10_000, 0, plain, plain, moved, moved)}


def shifts(*mean: float) -> dict[str, Any]:
    return {"shifts": Shifts(10_000, mean, mean, mean, mean)}


def test_without_runs_every_claim_has_the_command_that_trains_them() -> None:
    found = claims("origin", {}, None)
    assert [claim.title for claim in found] == TITLES
    for claim in found:
        assert claim.statement
        assert claim.method
        assert claim.verdict is Verdict.NOT_MEASURED
        assert claim.missing
        assert all(
            re.fullmatch(r"fmnist-tui train( v\d)+ --recipe origin( --seeds 3( --set \S+=\S+)?)?", command)
            for command in claim.missing
        )


def test_a_claim_that_is_not_measured_has_the_command_for_the_runs_that_lack_the_analysis(tmp_path: Path) -> None:
    checked = claims("tuned", found(tmp_path, v0=permuted(0.8, 0.8), v1={}), None)
    spatial = of("Spatial awareness", checked)
    assert spatial.verdict is Verdict.NOT_MEASURED
    assert spatial.missing == ("fmnist-tui analyse v1-20260102-000001-00ff --only permuted",)
    assert of("Regularisation", checked).missing == ("fmnist-tui train v2 v3",)


@pytest.mark.parametrize(
    ("dense", "cnn", "verdict"),
    [
        ((0.84, 0.84), (0.88, 0.80), Verdict.SUPPORTED),
        ((0.84, 0.76), (0.88, 0.88), Verdict.NOT_SUPPORTED),
        ((0.84, 0.84), (0.88, 0.875), Verdict.INCONCLUSIVE),
    ],
)
def test_spatial_awareness_compares_the_accuracy_lost_to_the_permutation(
    tmp_path: Path, dense: tuple[float, float], cnn: tuple[float, float], verdict: Verdict
) -> None:
    claim = of("Spatial awareness", claims("tuned", found(tmp_path, v0=permuted(*dense), v1=permuted(*cnn)), None))
    assert claim.verdict is verdict
    assert f"v1 {percent(cnn[0])}, permuted {percent(cnn[1])} ({100 * (cnn[1] - cnn[0]):+.2f} points)" in claim.measured
    assert f"5 epochs on {grouped(10_000)} images" in claim.measured
    assert not claim.missing


@pytest.mark.parametrize("other", [{"epochs": 3}, {"limit": 500}, {"test_images": 20}])
def test_spatial_awareness_is_inconclusive_for_trainings_with_different_budgets(
    tmp_path: Path, other: dict[str, int]
) -> None:
    dense, cnn = permuted(0.84, 0.84), permuted(0.88, 0.80)
    cnn["permuted"] = msgspec.structs.replace(cnn["permuted"], **other)
    claim = of("Spatial awareness", claims("tuned", found(tmp_path, v0=dense, v1=cnn), None))
    assert claim.verdict is Verdict.INCONCLUSIVE
    assert claim.measured.endswith("; v0 and v1 were trained or scored on different numbers of epochs or images")
    runs = "v0-20260102-000000-00ff v1-20260102-000001-00ff"
    assert claim.missing == (f"fmnist-tui analyse {runs} --only permuted --again",)


@pytest.mark.parametrize(
    ("cnn", "verdict"),
    [(0.91, Verdict.SUPPORTED), (0.905, Verdict.INCONCLUSIVE), (0.89, Verdict.NOT_SUPPORTED)],
)
def test_efficiency_is_a_higher_accuracy_with_fewer_parameters(tmp_path: Path, cnn: float, verdict: Verdict) -> None:
    known: dict[str, dict[str, Efficiency]] = {
        version: {"efficiency": measure_efficiency(version, accuracy)}
        for version, accuracy in (("v0", 0.9), ("v1", cnn))
    }
    claim = of("Parameter efficiency", claims("tuned", found(tmp_path, **known), None))
    assert claim.verdict is verdict
    assert f"v0 {percent(0.9)} with {grouped(266_610)} parameters, 0.3 M MACs" in claim.measured


@pytest.mark.parametrize(
    ("recipe", "cnn", "verdict"),
    [
        ("origin", (0.9, 0.88, 0.8, 0.7, 0.6), Verdict.SUPPORTED),
        ("origin", (0.9, 0.88, 0.8, 0.7, 0.4), Verdict.NOT_SUPPORTED),
        ("tuned", (0.9, 0.88, 0.8, 0.7, 0.6), Verdict.INCONCLUSIVE),
        ("tuned", (0.9, 0.88, 0.8, 0.7, 0.4), Verdict.NOT_SUPPORTED),
    ],
)
def test_translation_invariance_compares_the_fraction_of_accuracy_retained(
    tmp_path: Path, recipe: str, cnn: tuple[float, ...], verdict: Verdict
) -> None:
    known = found(tmp_path, recipe, v0=shifts(0.8, 0.7, 0.6, 0.5, 0.4), v1=shifts(*cnn))
    claim = of("Translation invariance", claims(recipe, known, None))
    assert claim.verdict is verdict
    assert "v0 80.0 70.0 60.0 50.0 40.0%" in claim.measured
    moved = "trained on images randomly shifted by up to 1 pixel: v1"
    assert (moved in claim.measured) is (recipe == "tuned")
    assert claim.measured.endswith("which may be the reason") is (verdict is Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [(0.2, Verdict.SUPPORTED), (0.28, Verdict.INCONCLUSIVE), (0.4, Verdict.NOT_SUPPORTED)],
)
def test_regularisation_is_a_smaller_generalisation_gap(tmp_path: Path, after: float, verdict: Verdict) -> None:
    known = {
        version: {"fit": Fit(900, 100, 0.1, loss, 0.9, 0.8, nll_gap_error=0.02)}
        for version, loss in (("v2", 0.3), ("v3", after))
    }
    claim = of("Regularisation", claims("tuned", found(tmp_path, **known), None))
    assert claim.verdict is verdict
    assert "v2 NLL gap +0.2000 (training 0.1000, validation 0.3000), accuracy gap +10.00 points" in claim.measured


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [(0.0571, Verdict.SUPPORTED), (0.0612, Verdict.SUPPORTED), (0.04, Verdict.NOT_SUPPORTED)],
)
def test_the_total_gain(gain: float, verdict: Verdict) -> None:
    claim = of("Total gain +5.71 points", claims("tuned", {}, gain))
    assert (claim.verdict, claim.measured) == (verdict, f"{100 * gain:+.2f} points")


@pytest.mark.parametrize(
    ("parameters", "low", "high", "verdict"),
    [
        (700_000, -0.004, 0.004, Verdict.SUPPORTED),
        (700_000, -0.004, None, Verdict.INCONCLUSIVE),
        (700_000, -0.006, 0.004, Verdict.INCONCLUSIVE),
        (700_000, -0.016, -0.006, Verdict.NOT_SUPPORTED),
        (800_000, -0.004, 0.004, Verdict.NOT_SUPPORTED),
    ],
)
def test_a_small_network_is_as_accurate_if_the_interval_says_so_and_it_is_small(
    parameters: int, low: float, high: float | None, verdict: Verdict
) -> None:
    known = {"v3": Efficiency(0.937, 5_858_442, 16_000_000), "v4": Efficiency(0.938, parameters, 16_000_000)}
    interval = None if high is None else Interval(low, high)
    claim = small_network_claim(known, Difference("v3", "v4", 0.001, interval, None, (3, 3)), "v4", "v3")
    assert claim.verdict is verdict
    assert claim.measured.startswith("+0.10 points")
    assert small_network_claim(known, None, "v4", "v3").verdict is Verdict.NOT_MEASURED


def test_the_total_gain_is_v3s_whatever_comes_after_it(tmp_path: Path) -> None:
    for version, accuracy in (("v0", 0.88), ("v3", 0.93), ("v4", 0.95)):
        make_run(tmp_path, version, result={"test_accuracy": accuracy})
    (only,) = sections(read_runs(tmp_path))
    assert only.gain == pytest.approx(0.05)
    assert only.small
    assert only.small.value == pytest.approx(0.02)


def test_the_page_uses_the_best_eligible_runs_and_their_saved_analyses(tmp_path: Path) -> None:
    for version, accuracy in (("v0", 0.88), ("v3", 0.93)):
        make_run(tmp_path, version, seed=1, validation=(0.5, 0.5), result={"test_accuracy": accuracy})
        best = make_run(tmp_path, version, seed=2, validation=(0.5, 0.9), result={"test_accuracy": accuracy})
        best.model.write_bytes(b"weights")
        basis = basis_of(read_run(best))
        assert basis
        save(best, "convergence", basis, Convergence(1000, 2.0, 1.0, 0.5, 2, 2, 0.2, 2, 0.2, 0.2))
    make_run(tmp_path, "v1", seed=3, config={"limit": 100})
    records = read_runs(tmp_path)
    (only,) = sections(records)
    assert only.recipe == "tuned"
    assert only.gain == pytest.approx(0.05)
    assert {version: one.record.run_id for version, one in only.found.items()} == {
        "v0": "v0-20260102-000002-00ff",
        "v3": "v3-20260102-000002-00ff",
    }
    assert of("Validation loss below training loss", only.claims).verdict is Verdict.SUPPORTED
    assert section(records, "origin").found == {}


def test_a_recipe_with_runs_has_a_section_of_its_own(tmp_path: Path) -> None:
    settings = {
        "recipe": "origin",
        "hyperparameters": asdict(hyperparameters("v3", "origin")),
    }
    make_run(tmp_path, "v3", config=settings)
    make_run(tmp_path, "v0", seed=1)
    assert [(one.recipe, list(one.found)) for one in sections(read_runs(tmp_path))] == [
        ("tuned", ["v0"]),
        ("origin", ["v3"]),
    ]
