from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import scipy

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.paired import Correctness, PairedTest, cached_reader, holm, mcnemar, paired_tests
from fmnist_tui.report.sentences import paired_sentence
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run

from .builders import LABELS, make_run, npz, probabilities

IMAGES = np.arange(100)


def correctness(*runs: RunDirectory) -> list[Correctness]:
    read = cached_reader()
    return [known for run in runs if (known := read(read_run(run)))]


def paired(only_first: int, only_second: int, p: float, tests: int = 1, p_holm: float | None = None) -> PairedTest:
    adjusted = p if p_holm is None else p_holm
    return PairedTest("v2", "v3", "a", "b", only_first, only_second, p, 10_000, Interval(-1, 1), tests, adjusted)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 * 1/2
        (0, 5, 2 / 32),
        (1, 3, 2 * (1 + 4) / 16),
        (3, 1, 2 * (1 + 4) / 16),
        (4, 4, 1.0),  # twice the tail is more than one
    ],
)
def test_the_p_value_of_cases_worked_by_hand(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(only_first, only_second) == p


def test_the_p_value_is_scipys() -> None:
    chance = random.Random(0)  # noqa: S311 - no secret
    cases = [(chance.randrange(300), chance.randrange(300)) for _ in range(100)]
    for first, second in [*cases, (51, 84), (4000, 4300), (0, 1000), (5000, 5000)]:
        expected = scipy.stats.binomtest(first, first + second).pvalue if first + second else 1.0
        assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_a_pair_is_tested_on_the_images_that_one_alone_gets_right(tmp_path: Path) -> None:
    first = make_run(tmp_path, "v2", right=IMAGES >= 10)  # 0 to 9 wrong
    second = make_run(tmp_path, "v3", right=(IMAGES < 7) | (IMAGES > 8) & (IMAGES != 50))  # 7, 8 and 50 wrong
    (test,) = paired_tests(correctness(first, second))
    assert (test.first_run, test.second_run) == (first.run_id, second.run_id)
    assert (test.only_first_correct, test.only_second_correct) == (1, 8)
    assert test.p_value == test.p_holm == 2 * (1 + 9) / 2**9
    assert (test.images, test.difference, test.tests) == (100, 0.07, 1)
    assert test.interval == intervals.of_paired(np.repeat([-1.0, 1.0, 0.0], [1, 8, 91]))
    assert paired_sentence(test).text == ("v3 is better than v2 (p = 0.039): 8 images only v3 gets right, 1 only v2")


@pytest.mark.parametrize(
    ("only_first", "only_second", "p", "words"),
    [
        (51, 84, 0.006, "v3 is better than v2 (p = 0.006): 84 images only v3 gets right, 51 only v2"),
        (2584, 301, 1e-9, "v2 is better than v3 (p < 0.001): 2,584 images only v2 gets right, 301 only v3"),
        (0, 1, 1.0, "v3 and v2 don't differ significantly (p = 1.000): 1 image only v3 gets right, 0 only v2"),
        (0, 99, 1e-9, "v3 is better than v2 (p < 0.001): 99 images only v3 gets right, 0 only v2"),
    ],
)
def test_the_sentence_says_which_is_better_if_that_is_significant(
    only_first: int, only_second: int, p: float, words: str
) -> None:
    test = paired(only_first, only_second, p)
    assert paired_sentence(test).text == words
    assert paired_sentence(test).certain == test.significant == ("better" in words)


def test_of_several_tests_the_adjusted_p_value_decides() -> None:
    test = paired(60, 84, 0.03, tests=6, p_holm=0.18)
    assert "v3 and v2 don't differ significantly (p = 0.030, 0.180 adjusted for 6 tests)" in paired_sentence(test).text
    assert not test.significant
    sure = paired(51, 151, 1e-9, tests=6, p_holm=6e-9)
    assert "v3 is better than v2 (p < 0.001): " in paired_sentence(sure).text
    near = paired(51, 90, 0.0005, tests=6, p_holm=0.003)
    assert "v3 is better than v2 (p < 0.001, 0.003 adjusted for 6 tests)" in paired_sentence(near).text


def test_holms_adjustment_worked_by_hand() -> None:
    # sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2, and 0.6 * 1; the third is no less than the second
    assert holm([0.03, 0.01, 0.6, 0.02]) == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert holm([0.5, 0.5]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_two_runs_of_one_version_are_distinguished_by_their_ids(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, "v3", seed=seed, right=seed < IMAGES) for seed in (1, 2)]
    (test,) = paired_tests(correctness(*runs))
    first, second = (run.run_id for run in runs)
    assert paired_sentence(test).text == (
        f"{first} and {second} don't differ significantly (p = 1.000): 1 image only {first} gets right, 0 only {second}"
    )


def test_every_pair_is_tested_but_those_without_predictions(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"v{number}", right=number < IMAGES) for number in range(4)]
    runs[1].predictions.write_bytes(b"PK")
    runs[2].predictions.unlink()
    assert [(test.first, test.second) for test in paired_tests(correctness(*runs))] == [("v0", "v3")]
    assert paired_tests([]) == ()


def test_runs_on_other_images_are_not_paired(tmp_path: Path) -> None:
    ours, permuted = make_run(tmp_path, "v0", right=IMAGES > 3), make_run(tmp_path, "v1")
    permuted.predictions.write_bytes(npz(probabilities=probabilities(IMAGES > 3), labels=LABELS[::-1]))
    elsewhere = make_run(tmp_path, "v2", right=IMAGES > 3, config={"data": {"test_fingerprint": "x"}})
    assert paired_tests(correctness(ours, permuted, elsewhere)) == ()
