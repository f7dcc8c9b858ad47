from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.probes.cache import basis_of, save
from fmnist_tui.analysis.probes.common import Claim, Verdict
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.studies import StudyResult, study_results
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run, read_runs
from fmnist_tui.training.recipes import configure, settle_for_fashion_mnist

from .builders import make_run

HIERARCHY, NORMALISATION, UNAUGMENTED = 0, 1, 2


def trained(
    runs: Path, version: str, seed: int, accuracy: float | None = 0.9, /, reason: str = "completed", **changes: Any
) -> RunDirectory:
    """A run with changed settings, "model__norm" for "model.norm"; it diverged if it has no accuracy."""
    config = configure(version, "tuned", {name.replace("__", "."): value for name, value in changes.items()})
    content = {
        "modified": config.modified,
        "model_options": dict(config.model_options),
        "hyperparameters": asdict(settle_for_fashion_mnist(config.hyperparameters)),
    }
    scores = dict.fromkeys(("test_accuracy", "test_nll", "test_brier", "test_ece"))
    result = {"reason": "diverged", **scores} if accuracy is None else {"reason": reason, "test_accuracy": accuracy}
    return make_run(runs, version, seed=seed, config=content, result=result)


def result(runs: Path, number: int) -> StudyResult:
    return study_results(read_runs(runs), "tuned")[number]


def claim(runs: Path, number: int) -> Claim:
    return result(runs, number).claim


def test_without_runs_the_claims_have_the_commands_that_train_them() -> None:
    tuned, origin = (study_results((), recipe) for recipe in ("tuned", "origin"))
    assert [one.claim.missing for one in tuned] == [
        ("fmnist-tui train v1 --seeds 3 --set model.blocks=1", "fmnist-tui train v1 --seeds 3"),
        ("fmnist-tui train v2 --seeds 3 --set model.norm=none", "fmnist-tui train v2 --seeds 3"),
        (
            "fmnist-tui train v2 --seeds 3 --set flip=off --set shift=0",
            "fmnist-tui train v3 --seeds 3 --set flip=off --set shift=0",
        ),
    ]
    assert origin[UNAUGMENTED].claim.missing == (
        "fmnist-tui train v2 --recipe origin --seeds 3",
        "fmnist-tui train v3 --recipe origin --seeds 3",
    )


@pytest.mark.parametrize(
    ("one_block", "two_blocks", "verdict"),
    [
        ((0.88, 0.881), (0.92, 0.921), Verdict.SUPPORTED),
        ((0.92, 0.921), (0.88, 0.881), Verdict.NOT_SUPPORTED),
        ((0.918, 0.92), (0.92, 0.922), Verdict.INCONCLUSIVE),  # within the images' error
        ((0.86, 0.90), (0.88, 0.96), Verdict.INCONCLUSIVE),  # within the seeds' error
    ],
)
def test_a_difference_counts_if_it_exceeds_the_errors_of_images_and_seeds(
    tmp_path: Path, one_block: tuple[float, ...], two_blocks: tuple[float, ...], verdict: Verdict
) -> None:
    for seed, accuracy in enumerate(one_block):
        trained(tmp_path, "v1", seed, accuracy, model__blocks=1)
    for seed, accuracy in enumerate(two_blocks, start=10):
        trained(tmp_path, "v1", seed, accuracy)
    found = claim(tmp_path, HIERARCHY)
    assert found.verdict is verdict
    assert found.measured.startswith("one block: ")
    assert found.measured.endswith("(2 runs); 10 epochs each")
    assert found.missing == ()


def test_only_runs_that_differ_in_that_setting_alone_are_compared(tmp_path: Path) -> None:
    trained(tmp_path, "v1", 0, 0.5)
    assert claim(tmp_path, HIERARCHY).missing == ("fmnist-tui train v1 --seeds 3 --set model.blocks=1",)
    trained(tmp_path, "v1", 1, 0.9, model__blocks=1, ema=0.9)
    trained(tmp_path, "v1", 2, 0.9, model__blocks=1, model__width=32)
    trained(tmp_path, "v1", 3, 0.9, model__blocks=1, reason="stopped")
    trained(tmp_path, "v1", 4, 0.9, model__blocks=1, epochs=3)
    assert claim(tmp_path, HIERARCHY).verdict is Verdict.NOT_MEASURED
    trained(tmp_path, "v1", 5, 0.6, epochs=3)
    assert claim(tmp_path, HIERARCHY).measured == (
        "one block: 90.00% ± 0.30 (1 run); two blocks: 60.00% ± 0.49 (1 run); 3 epochs each"
    )


def test_runs_that_diverged_without_normalisation_support_it(tmp_path: Path) -> None:
    for seed in range(2):
        trained(tmp_path, "v2", seed, None, model__norm="none")
        trained(tmp_path, "v2", seed + 5, 0.92)
    found = claim(tmp_path, NORMALISATION)
    assert found.verdict is Verdict.SUPPORTED
    assert found.measured.startswith("no normalisation: all 2 runs diverged; normalised: 92.00% ±")


@pytest.mark.parametrize(("v3", "verdict"), [(0.05, Verdict.SUPPORTED), (0.2, Verdict.NOT_SUPPORTED)])
def test_without_augmentation_the_generalisation_gap_decides(tmp_path: Path, v3: float, verdict: Verdict) -> None:
    for version, gap in (("v2", 0.1), ("v3", v3)):
        run = trained(tmp_path, version, 0, 0.9, flip="off", shift=0)
        before = claim(tmp_path, UNAUGMENTED)
        assert before.verdict is Verdict.NOT_MEASURED
        record = read_run(run)
        save(run, "fit", basis_of(record), Fit(54_000, 6_000, 0.2, 0.2 + gap, 0.95, 0.92, 0.01))
    found = result(tmp_path, UNAUGMENTED)
    assert before.missing[0].startswith("fmnist-tui analyse v2-20260102-000000-00ff v3-")
    assert found.claim.verdict is verdict
    assert found.claim.measured.startswith("v2: NLL gap +0.1000 ± 0.0100 (1 run); v3")
