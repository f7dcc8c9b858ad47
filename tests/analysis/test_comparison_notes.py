from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from builtin_names import all_but, spelt

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.reference import reference_line
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.report.comparison import INELIGIBLE_NOTE, comparison_report
from fmnist_tui.runs.run import read_runs
from fmnist_tui.training.recipes import hyperparameters

from .builders import make_run

IMAGES = np.arange(100)


def notes(runs: Path, recipe: str = "tuned", *, all_runs: bool = False) -> list[str]:
    """The notes but those on the reference and the reported figures, which always come last."""
    report = comparison_report(compare(read_runs(runs), recipe, all_runs=all_runs))
    (section,) = [section for section in report.sections if section.title == "Notes"]
    lines = [line.text for line in section.lines]
    return lines[: lines.index(reference_line(recipe))]


def test_without_an_eligible_run_the_note_is_how_to_train_some(tmp_path: Path) -> None:
    assert notes(tmp_path) == ["Train all built-in models with: fmnist-tui train all"]
    assert notes(tmp_path, "origin") == ["Train all built-in models with: fmnist-tui train all --recipe origin"]
    make_run(tmp_path, config={"modified": True})
    assert notes(tmp_path)[1:] == ["Compare excluded runs with: fmnist-tui results --all"]


def test_single_seeds_are_reported_with_the_training_that_would_help(tmp_path: Path) -> None:
    for version in BUILT_IN:
        make_run(tmp_path, version, seed=3, right=IMAGES > 9)
    over_images, advice = notes(tmp_path)
    assert "cover test-set sampling error only; seed variance not included" in over_images
    assert (
        advice
        == f"Only one seed of {spelt(all_but())}; train more: fmnist-tui train {' '.join(BUILT_IN)} --seed 4 --seeds 2"
    )


def test_runs_that_went_on_elsewhere_are_noted_and_eligible(tmp_path: Path) -> None:
    make_run(tmp_path, "v0", seed=0, result={"device": "cpu", "exact": True})
    make_run(tmp_path, "v0", seed=1, config={"device": "cuda:0"}, result={"device": "cpu", "exact": False})
    (summary,) = compare(read_runs(tmp_path)).versions
    assert (summary.runs, summary.inexact, summary.device) == (2, 1, "cpu, cuda:0")
    line = "v0: 1 run of 2 continued under other conditions, so not bit for bit (see `show`)."
    assert line in notes(tmp_path)


def test_several_seeds_of_all_versions_leave_nothing_to_be_done(tmp_path: Path) -> None:
    for version in BUILT_IN:
        for seed in range(2):
            make_run(tmp_path, version, seed=seed, result={"test_accuracy": 0.9 + seed / 100})
    plus_minus, over_runs = notes(tmp_path)
    assert plus_minus == "Mean ± standard deviation over runs."
    assert over_runs.startswith(
        "The 95% CIs of several seeds (Student's t; Welch's t for a delta) are CIs of the mean over seeds"
    )


def test_versions_without_a_run_are_reported_with_the_recipe(tmp_path: Path) -> None:
    for seed in range(2):
        make_run(tmp_path, "v2", seed=seed, config={"recipe": "origin", "modified": True})
    make_run(tmp_path, "v0", seed=0, config={"modified": True})
    assert notes(tmp_path, all_runs=True)[0] == INELIGIBLE_NOTE
    assert notes(tmp_path, all_runs=True)[-1] == f"No scored run of {spelt(all_but('v0'))} yet"
    make_run(tmp_path, "v1", seed=8)
    rest = all_but("v1")
    assert notes(tmp_path)[-2:] == [
        "Only one seed of v1; train more: fmnist-tui train v1 --seed 9 --seeds 2",
        f"No eligible run of {spelt(rest)} yet; train: fmnist-tui train {' '.join(rest)}",
    ]


def test_the_other_recipe_is_trained_by_its_name(tmp_path: Path) -> None:
    settings = {"recipe": "origin", "hyperparameters": asdict(hyperparameters("v1", "origin"))}
    make_run(tmp_path, "v1", config=settings)
    rest = all_but("v1")
    assert notes(tmp_path, "origin")[-2:] == [
        "Only one seed of v1; train more: fmnist-tui train v1 --seed 1 --seeds 2 --recipe origin",
        f"No eligible run of {spelt(rest)} yet; train: fmnist-tui train {' '.join(rest)} --recipe origin",
    ]


def test_seeds_that_agree_by_accident_are_not_called_a_single_one(tmp_path: Path) -> None:
    for seed in range(2):
        make_run(tmp_path, "v0", seed=seed)
    assert notes(tmp_path)[1].startswith("The 95% CIs of a single seed, or of equal accuracies (Wilson's")


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((5, 5), "2 runs of 1 seed; repeated seeds say nothing about seed variance."),
        ((5, 5, 6), "3 runs of 2 seeds; repeated seeds make intervals too narrow."),
    ],
)
def test_a_seed_trained_twice_is_notes(tmp_path: Path, seeds: tuple[int, ...], words: str) -> None:
    for place, seed in enumerate(seeds):
        make_run(tmp_path, "v0", seed=place, config={"seed": seed})
    assert f"v0: {words}" in notes(tmp_path)
