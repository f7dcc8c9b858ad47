from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.report.sentences import MARK_NOTE, notes
from fmnist_tui.runs.run import read_runs
from fmnist_tui.training.recipes import hyperparameters

from .builders import make_run

IMAGES = np.arange(100)


def told(runs: Path, recipe: str = "tuned", *, everything: bool = False) -> list[str]:
    return notes(compare(read_runs(runs), recipe, everything=everything))


def test_where_nothing_is_compared_there_is_nothing_to_note(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_single_seeds_are_told_and_the_training_that_would_say_more(tmp_path: Path) -> None:
    for version in BUILT_IN:
        make_run(tmp_path, version, seed=3, right=IMAGES > 9)
    over_images, advice = told(tmp_path)
    assert "over the test images alone, each by itself: how far seeds differ is not in them" in over_images
    assert advice == "One seed of v0, v1, v2 and v3; train more: fmnist-tui train v0 v1 v2 v3 --seed 4 --seeds 2"


def test_runs_that_went_on_elsewhere_are_noted_and_eligible(tmp_path: Path) -> None:
    make_run(tmp_path, "v0", seed=0, result={"device": "cpu", "exact": True})
    make_run(tmp_path, "v0", seed=1, config={"device": "cuda:0"}, result={"device": "cpu", "exact": False})
    (summary,) = compare(read_runs(tmp_path)).versions
    assert (summary.runs, summary.inexact, summary.device) == (2, 1, "cpu, cuda:0")
    line = "v0: 1 run of 2 went on under other conditions than at first: not bit for bit (see `show`)."
    assert line in told(tmp_path)


def test_several_seeds_of_all_versions_leave_nothing_to_be_done(tmp_path: Path) -> None:
    for version in BUILT_IN:
        for seed in range(2):
            make_run(tmp_path, version, seed=seed, result={"test_accuracy": 0.9 + seed / 100})
    plus_minus, over_runs = told(tmp_path)
    assert plus_minus == "± is the standard deviation of single runs."
    assert over_runs.startswith(
        "95 % intervals of several seeds (Student's t, Welch's for a delta) are of the mean over seeds"
    )


def test_versions_without_a_run_are_told_with_the_recipe(tmp_path: Path) -> None:
    for seed in range(2):
        make_run(tmp_path, "v2", seed=seed, config={"recipe": "origin", "modified": True})
    make_run(tmp_path, "v0", seed=0, config={"modified": True})
    assert told(tmp_path, everything=True)[0] == MARK_NOTE
    assert told(tmp_path, everything=True)[-1] == "No scored run of v1, v2 and v3 yet"
    make_run(tmp_path, "v1", seed=8)
    assert told(tmp_path)[-2:] == [
        "One seed of v1; train more: fmnist-tui train v1 --seed 9 --seeds 2",
        "No run that counts of v0, v2 and v3 yet; train: fmnist-tui train v0 v2 v3",
    ]


def test_the_other_recipe_is_trained_by_its_name(tmp_path: Path) -> None:
    settings = {"recipe": "origin", "hyperparameters": asdict(hyperparameters("v1", "origin"))}
    make_run(tmp_path, "v1", config=settings)
    assert told(tmp_path, "origin")[-2:] == [
        "One seed of v1; train more: fmnist-tui train v1 --seed 1 --seeds 2 --recipe origin",
        "No run that counts of v0, v2 and v3 yet; train: fmnist-tui train v0 v2 v3 --recipe origin",
    ]


def test_seeds_that_agree_by_accident_are_not_called_a_single_one(tmp_path: Path) -> None:
    for seed in range(2):
        make_run(tmp_path, "v0", seed=seed)
    assert told(tmp_path)[1].startswith("95 % intervals of a single seed, or of equal accuracies (Wilson's")


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((5, 5), "2 runs of 1 seed; repeats tell nothing of other seeds."),
        ((5, 5, 6), "3 runs of 2 seeds; repeats make intervals too narrow."),
    ],
)
def test_a_seed_trained_twice_is_told(tmp_path: Path, seeds: tuple[int, ...], words: str) -> None:
    for place, seed in enumerate(seeds):
        make_run(tmp_path, "v0", seed=place, config={"seed": seed})
    assert f"v0: {words}" in told(tmp_path)
