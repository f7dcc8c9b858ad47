from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.eligibility import scored_runs
from fmnist_tui.analysis.paired import Difference, cached_reader, difference
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.formats import to_csv, to_markdown
from fmnist_tui.report.sentences import difference_cell, step_sentence
from fmnist_tui.runs.run import read_runs

from .builders import LABELS, make_run, npz, probabilities

IMAGES = np.arange(100)


def between(runs: Path, first: str = "v1", second: str = "v2") -> Difference:
    records = read_runs(runs)
    return difference(scored_runs(records, first), scored_runs(records, second), cached_reader())


def scored(runs: Path, version: str, seed: int, wrong: int) -> None:
    """A run that gets the first `wrong` of 100 images wrong, as its result says."""
    make_run(runs, version, seed=seed, result={"test_accuracy": 1 - wrong / 100}, right=wrong <= IMAGES)


def test_two_seeds_of_both_give_welchs_interval_over_the_runs(tmp_path: Path) -> None:
    accuracies = {"v1": [0.90, 0.91, 0.905], "v2": [0.92, 0.93]}
    for version, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            make_run(tmp_path, version, seed=seed, result={"test_accuracy": accuracy})
    found = between(tmp_path)
    theirs = scipy.stats.ttest_ind(accuracies["v2"], accuracies["v1"], equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(0.02)
    assert found.interval is not None
    assert [found.interval.low, found.interval.high] == pytest.approx([theirs.low, theirs.high])
    assert (found.method, found.runs, found.significant) == ("welch", (3, 2), False)
    assert step_sentence(found).text.endswith(": not significant (Welch's t, 3 and 2 runs)")


def test_seeds_that_are_close_make_a_difference_significant(tmp_path: Path) -> None:
    for seed in range(3):
        make_run(tmp_path, "v1", seed=seed, result={"test_accuracy": 0.90 + seed / 1000})
        make_run(tmp_path, "v2", seed=seed, result={"test_accuracy": 0.92 + seed / 1000})
    found = between(tmp_path)
    # variance 1e-6 in both, of 3: sqrt(2e-6 / 3) = 0.00081650, t of 4 degrees of freedom is 2.776445
    assert difference_cell(found).text == "+2.00 (+1.77 to +2.23)"
    assert step_sentence(found).text == (
        "v1 to v2: +2.00 points (95% CI +1.77 to +2.23): significant (Welch's t, 3 runs each)"
    )


def test_one_seed_each_is_paired_over_the_images_and_says_that_seeds_are_not_in_it(tmp_path: Path) -> None:
    scored(tmp_path, "v1", 0, wrong=20)
    scored(tmp_path, "v2", 0, wrong=10)
    found = between(tmp_path)
    # 10 / 102 = 0.098039 -+ 1.959964 sqrt((11 / 102 - 0.098039^2) / 102) = 0.060824
    assert found.interval == intervals.of_paired(np.repeat([1.0, 0.0], [10, 90]))
    assert (found.method, found.runs, found.images) == ("paired", (1, 1), 100)
    assert difference_cell(found).text == "+10.00 (+3.72 to +15.89), one seed"
    assert step_sentence(found).text == (
        "v1 to v2: +10.00 points (95% CI +3.72 to +15.89): significant between these runs "
        "(paired over 100 test images, 1 run each; test-set sampling error only; seed variance not included)"
    )


def test_a_single_test_image_is_one_image(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        scored(tmp_path, version, 0, wrong=10)
    found = replace(between(tmp_path), images=1)
    assert "(paired over 1 test image, 1 run each;" in step_sentence(found).text


def test_one_seed_against_several_pairs_all_of_their_answers_around_the_difference_of_the_means(tmp_path: Path) -> None:
    for seed, wrong in enumerate((20, 10)):
        scored(tmp_path, "v1", seed, wrong)
    scored(tmp_path, "v2", 0, wrong=12)
    found = between(tmp_path)
    assert found.value == pytest.approx(0.03)
    # 0 to 9: both versions wrong; 10 and 11: half of v1's runs right, v2's wrong; 12 to 19: half of v1's, v2's right
    assert found.interval == intervals.of_paired(np.repeat([0.0, -0.5, 0.5, 0.0], [10, 2, 8, 80]))
    assert (found.method, found.significant) == ("paired", False)


def test_a_seed_trained_twice_does_not_pass_for_two(tmp_path: Path) -> None:
    for version, wrong in (("v1", 20), ("v2", 12)):
        for place in (0, 1):
            make_run(
                tmp_path,
                version,
                seed=place,
                config={"seed": 7},
                result={"test_accuracy": 1 - wrong / 100},
                right=wrong <= IMAGES,
            )
    assert between(tmp_path).method == "paired"


def test_nothing_is_reported_of_a_difference_without_evidence(tmp_path: Path) -> None:
    scored(tmp_path, "v1", 0, wrong=20)
    make_run(tmp_path, "v2", result={"test_accuracy": 0.9})
    found = between(tmp_path)
    assert (found.interval, found.method, found.significant) == (None, None, None)
    assert difference_cell(found).text == "+10.00, no CI"
    assert "no CI: needs two seeds of both versions, or the test predictions" in step_sentence(found).text


def test_predictions_of_other_images_or_of_another_accuracy_are_not_paired(tmp_path: Path) -> None:
    scored(tmp_path, "v1", 0, wrong=20)
    make_run(tmp_path, "v2", result={"test_accuracy": 0.95}, right=IMAGES >= 10)
    run = make_run(tmp_path, "v3", result={"test_accuracy": 0.9})
    run.predictions.write_bytes(npz(probabilities=probabilities(IMAGES < 10), labels=LABELS[::-1]))
    assert between(tmp_path, "v1", "v2").interval is None
    assert between(tmp_path, "v1", "v3").interval is None


def test_the_total_gain_is_the_difference_of_first_and_last(tmp_path: Path) -> None:
    for version, wrong in (("v0", 20), ("v1", 16), ("v3", 8)):
        scored(tmp_path, version, 0, wrong)
    found = compare(read_runs(tmp_path))
    assert found.gain == between(tmp_path, "v0", "v3")
    assert [one.step for one in found.versions] == [None, between(tmp_path, "v0", "v1"), between(tmp_path, "v1", "v3")]


@pytest.mark.parametrize("accuracy", [1e299, -1e299, 1e-160, 5e-324])
def test_a_result_that_somebody_edited_to_what_cannot_be_is_no_error(tmp_path: Path, accuracy: float) -> None:
    for version in ("v1", "v2"):
        for seed in range(2):
            reported = dict.fromkeys(("test_accuracy", "test_nll", "test_brier", "test_ece"), accuracy * seed)
            make_run(tmp_path, version, seed=seed, result=reported, right=IMAGES > 9)
    found = compare(read_runs(tmp_path))
    assert found.gain is not None
    report = comparison_report(found)
    assert to_markdown(report)
    assert to_csv(report)
