from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.comparison import Comparison, ExcludedRun, compare, compare_on, other_data
from fmnist_tui.models.registry import get_model
from fmnist_tui.models.spec import Reported
from fmnist_tui.report.sentences import step_sentence
from fmnist_tui.runs.run import read_run, read_runs
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

from .builders import epoch, make_run, write_log


def comparison(runs: Path, *, all_runs: bool = False) -> Comparison:
    return compare(read_runs(runs), all_runs=all_runs)


def test_a_version_is_summed_up_over_its_runs(tmp_path: Path) -> None:
    for seed, (accuracy, nll) in enumerate([(0.88, 0.4), (0.9, 0.2)]):
        make_run(tmp_path, "v1", seed=seed, result={"test_accuracy": accuracy, "test_nll": nll})
    (summary,) = comparison(tmp_path).versions
    assert (summary.version, summary.runs, summary.ineligible) == ("v1", 2, 0)
    assert summary.test_accuracy.mean == pytest.approx(0.89)
    assert summary.test_accuracy.sd == pytest.approx(0.02 / 2**0.5)
    assert summary.test_nll.mean == pytest.approx(0.3)
    assert [(one.mean, one.sd, one.n) for one in (summary.test_brier, summary.test_ece)] == [(0.15, 0, 2), (0.02, 0, 2)]
    assert (summary.seeds, summary.n_seeds) == ((0, 1), 2)
    assert (summary.parameters, summary.device) == (120_970, "cpu")
    assert summary.what_changed == get_model("v1").what_changed
    assert summary.reported == Reported(0.9173, 0.2783)


def test_steps_go_from_each_version_to_the_one_before_that_has_runs(tmp_path: Path) -> None:
    for name, accuracy in (("v0", 0.88), ("v2", 0.93), ("v3", 0.92)):
        make_run(tmp_path, name, result={"test_accuracy": accuracy})
    found = comparison(tmp_path)
    assert [summary.version for summary in found.versions] == ["v0", "v2", "v3"]
    assert [summary.delta for summary in found.versions] == [None, pytest.approx(0.05), pytest.approx(-0.01)]
    assert found.total_gain == pytest.approx(0.04)


def test_every_measure_of_several_seeds_has_its_interval(tmp_path: Path) -> None:
    for seed in range(3):
        reported = {"accuracy": 0.93, "nll": 0.20, "brier": 0.10, "ece": 0.010}
        make_run(tmp_path, "v1", seed=seed, result={f"test_{name}": at + seed / 1000 for name, at in reported.items()})
    (summary,) = comparison(tmp_path).versions
    for spread in (summary.test_accuracy, summary.test_nll, summary.test_brier, summary.test_ece):
        assert spread.method == "student_t"
        assert spread.interval is not None
        half = 4.302653 * 0.001 / 3**0.5  # t of 2 degrees of freedom
        assert spread.interval.low == pytest.approx(spread.mean - half, abs=1e-8)
        assert spread.interval.high == pytest.approx(spread.mean + half, abs=1e-8)


def test_one_seed_has_an_interval_of_its_accuracy_over_the_scored_images(tmp_path: Path) -> None:
    make_run(tmp_path, "v1", result={"test_images": 9000})
    make_run(tmp_path, "v2")
    first, second = comparison(tmp_path).versions
    assert first.test_accuracy.interval == intervals.of_fraction(0.9, 9000)
    assert second.test_accuracy.interval == intervals.of_fraction(0.9, 10_000)
    assert (first.test_accuracy.method, first.test_nll.interval) == ("wilson", None)


def test_the_best_run_is_chosen_by_validation_never_by_the_test_set(tmp_path: Path) -> None:
    make_run(tmp_path, seed=0, validation=[0.90, 0.91], result={"test_accuracy": 0.95})
    chosen = make_run(tmp_path, seed=1, validation=[0.93, 0.90], result={"test_accuracy": 0.80})
    make_run(tmp_path, seed=2, validation=[0.93], result={"test_accuracy": 0.99})
    (summary,) = comparison(tmp_path).versions
    assert summary.best_run == chosen.run_id


def test_an_epoch_without_a_finite_accuracy_is_not_the_best(tmp_path: Path) -> None:
    make_run(tmp_path, seed=0, validation=[0.93])
    chosen = make_run(tmp_path, seed=1, validation=[math.nan, 0.95])
    make_run(tmp_path, seed=2, validation=[7.0])
    (summary,) = comparison(tmp_path).versions
    assert summary.best_run == chosen.run_id


def test_seconds_an_epoch_are_the_median_over_all_epochs(tmp_path: Path) -> None:
    for seed, seconds in enumerate([(1.0, 2.0), (3.0, 50.0, 4.0)]):
        run = make_run(tmp_path, seed=seed, config={"device": ("cpu", "cuda:0")[seed]})
        ended = run.events.read_bytes().splitlines(keepends=True)[-1]
        write_log(run, [epoch(number, 0.9, taken) for number, taken in enumerate(seconds, start=1)])
        with run.events.open("ab") as log:
            log.write(ended)
    (summary,) = comparison(tmp_path).versions
    assert summary.seconds_per_epoch == 3.0
    assert summary.device == "cpu, cuda:0"


def test_excluded_runs_are_listed_with_the_reason(tmp_path: Path) -> None:
    make_run(tmp_path, seed=1)
    modified = make_run(tmp_path, seed=2, config={"modified": True}, result={"test_accuracy": 0.1})
    unscored = make_run(tmp_path, seed=3, result={"test_accuracy": None})
    found = comparison(tmp_path)
    assert (found.versions[0].runs, found.versions[0].test_accuracy.mean) == (1, 0.9)
    assert found.excluded == (
        ExcludedRun(unscored.run_id, "not scored"),
        ExcludedRun(modified.run_id, "recipe modified"),
    )


def test_all_scored_runs_can_be_compared_and_ineligible_ones_are_marked(tmp_path: Path) -> None:
    make_run(tmp_path, seed=1)
    make_run(tmp_path, seed=2, config={"modified": True}, result={"test_accuracy": 0.8})
    make_run(tmp_path, seed=3, result={"test_accuracy": None})
    make_run(tmp_path, "v1", seed=4, config={"recipe": "origin"})
    make_run(tmp_path, "v2", seed=5, config={"modified": True})
    found = comparison(tmp_path, all_runs=True)
    assert [(summary.version, summary.runs, summary.ineligible) for summary in found.versions] == [
        ("v0", 2, 1),
        ("v2", 1, 1),
    ]
    assert found.versions[0].test_accuracy.mean == pytest.approx(0.85)
    assert len(found.excluded) == 4


def test_runs_on_other_images_are_never_part_of_one_mean(tmp_path: Path) -> None:
    digits = {"data": {"name": "MNIST", "train_fingerprint": "1", "test_fingerprint": "2"}}
    make_run(tmp_path, "v0", seed=9, config=digits, result={"test_accuracy": 0.99})
    (alone,) = comparison(tmp_path, all_runs=True).versions
    assert (alone.test_accuracy.mean, alone.test_accuracy.n) == (0.99, 1)
    official_one = make_run(tmp_path, "v0", seed=1)
    compared = comparison(tmp_path, all_runs=True)
    assert compared.compared == {official_one.run_id}
    assert (compared.versions[0].test_accuracy.mean, compared.versions[0].runs) == (0.9, 1)


def test_the_best_runs_are_tested_in_pairs(tmp_path: Path) -> None:
    images = np.arange(100)
    worse = make_run(tmp_path, "v0", seed=1, validation=[0.5], right=images > 50)
    better = make_run(tmp_path, "v0", seed=2, validation=[0.9], right=images > 5)
    other = make_run(tmp_path, "v1", right=images > 1)
    (test,) = comparison(tmp_path).paired
    assert (test.first_run, test.second_run) == (better.run_id, other.run_id)
    assert (test.only_first_correct, test.only_second_correct) == (0, 4)
    assert worse.run_id not in (test.first_run, test.second_run)


def test_no_runs_and_logs_without_information_are_no_error(tmp_path: Path) -> None:
    assert comparison(tmp_path) == Comparison(
        "tuned",
        all_runs=False,
        compared=frozenset(),
        versions=(),
        gain=None,
        paired=(),
        unpaired=(),
        excluded=(),
        n_comparable=0,
    )
    assert comparison(tmp_path).total_gain is None
    run = make_run(tmp_path, validation=[])
    (summary,) = comparison(tmp_path).versions
    assert (summary.best_run, summary.seconds_per_epoch) == (run.run_id, None)


def test_runs_that_were_not_trained_alike_have_no_interval_and_no_verdict(tmp_path: Path) -> None:
    for seed in range(2):
        for name, accuracy, n_train in (
            ("v0", 0.90, 5400 * (seed + 1)),
            ("v1", 0.92, 5400),
            ("v2", 0.94, 5400),
        ):
            result = {"test_accuracy": accuracy + seed / 1000}
            make_run(tmp_path, name, seed=seed, config={"train_images": n_train}, result=result)
    dense, cnn, deep = comparison(tmp_path).versions
    assert dense.test_accuracy.interval is None
    assert cnn.step is not None
    assert (cnn.step.interval, cnn.step.significant) == (None, None)
    assert step_sentence(cnn.step).text.endswith("these runs differ in training images or settings")
    assert cnn.test_accuracy.method == "student_t"
    assert deep.step is not None
    assert deep.step.method == "welch"


def test_a_run_older_than_a_hyper_parameter_was_trained_like_one_that_has_its_default(tmp_path: Path) -> None:
    settings = asdict(settle_for_fashion_mnist(hyperparameters("v1", "tuned")))
    assert settings.pop("label_smoothing") == 0.0
    make_run(tmp_path, "v1", seed=0, result={"test_accuracy": 0.92}, config={"hyperparameters": settings})
    make_run(tmp_path, "v1", seed=1, result={"test_accuracy": 0.93})
    (cnn,) = comparison(tmp_path).versions
    assert (cnn.runs, cnn.test_accuracy.method) == (2, "student_t")


def test_apart_runs_of_unlike_training_are_never_part_of_one_mean(tmp_path: Path) -> None:
    for seed, accuracy in enumerate([0.90, 0.92]):
        make_run(tmp_path, "v1", seed=seed, result={"test_accuracy": accuracy})
        make_run(tmp_path, "v0", seed=seed, result={"test_accuracy": accuracy - 0.05})
    faster = asdict(settle_for_fashion_mnist(hyperparameters("v1", "tuned"))) | {"learning_rate": 0.01, "epochs": 3}
    unlike: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"limit": 2000}, {"test_accuracy": 0.5}),
        ({"modified": True, "hyperparameters": faster}, {"test_accuracy": 0.6}),
        ({}, {"test_accuracy": 0.7, "reason": "stopped", "epochs": 1}),
        ({"data": {"name": "demo"}}, {"test_accuracy": 0.99}),
    ]
    for seed, (config, result) in enumerate(unlike, start=10):
        make_run(tmp_path, "v1", seed=seed, config=config, result=result)
    make_run(tmp_path, "v0", seed=20, config={"limit": 2000}, result={"test_accuracy": 0.4})
    found = compare(read_runs(tmp_path), apart=True)
    means = {one.name: round(one.test_accuracy.mean, 4) for one in found.versions}
    assert means == {
        "v0": 0.86,
        "v0 (2,000 images)": 0.4,
        "v1": 0.91,
        "v1 (2,000 images)": 0.5,
        "v1 (epochs 3, lr 0.01)": 0.6,
        "v1 (1 of 10 epochs)": 0.7,
        "v1 (demo data)": 0.99,
    }
    steps = {one.name: (one.step.first, round(one.step.value, 4)) for one in found.versions if one.step}
    assert steps == {"v1": ("v0", 0.05), "v1 (2,000 images)": ("v0", 0.1)}
    assert found.gain
    assert found.gain.value == pytest.approx(0.05)
    assert found.n_comparable == 5
    assert [one.conditions for one in compare(read_runs(tmp_path)).versions] == ["", ""]


def test_apart_and_without_an_eligible_run_like_runs_are_compared(tmp_path: Path) -> None:
    for version, accuracy in (("v0", 0.4), ("v1", 0.5)):
        make_run(tmp_path, version, config={"limit": 2000}, result={"test_accuracy": accuracy})
    found = compare(read_runs(tmp_path), apart=True)
    assert [one.name for one in found.versions] == ["v0 (2,000 images)", "v1 (2,000 images)"]
    assert found.gain
    assert found.gain.value == pytest.approx(0.1)
    assert compare([], apart=True).gain is None


def test_the_parameters_are_those_of_the_network_that_was_trained(tmp_path: Path) -> None:
    data = {"shape": [3, 32, 32]}
    wide = make_run(tmp_path, "v1", seed=1, config={"modified": True, "model_options": {"width": 8}})
    large = make_run(tmp_path / "colour", "v1", seed=2, config={"data": data})
    (parameters,) = {
        one.parameters for run in (wide, large) for one in compare([read_run(run)], all_runs=True).versions
    }
    assert parameters == 1  # as their logs say


def test_runs_on_other_data_are_compared_with_one_another(tmp_path: Path) -> None:
    mine = {"name": 'file "digits.npz"', "train_fingerprint": "a", "test_fingerprint": "b", "train_images": 900}
    make_run(tmp_path, "v0", seed=1)
    for seed, version in ((2, "v0"), (3, "v1"), (4, "v1")):
        make_run(tmp_path, version, seed=seed, config={"data": mine})
    make_run(tmp_path, "v2", seed=5, config={"data": mine, "modified": True})
    make_run(tmp_path, "v2", seed=6, config={"data": {**mine, "name": "demo", "train_fingerprint": "c"}})
    runs = read_runs(tmp_path)
    (data,) = other_data(runs)
    assert (data.name, data.fingerprints) == ('file "digits.npz"', ("a", "b"))
    compared = compare_on(data, runs)
    assert [(one.version, one.runs) for one in compared.versions] == [("v0", 1), ("v1", 2)]
    assert [(one.run[:2], one.reason) for one in compared.excluded] == [("v2", "recipe modified")]
    assert all(one.reported is None for one in compared.versions)
    assert [one.version for one in compare(runs).versions] == ["v0"]
    assert [one.version for one in compare_on(data, runs, all_runs=True).versions] == ["v0", "v1", "v2"]
