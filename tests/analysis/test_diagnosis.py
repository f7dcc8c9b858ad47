from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.error_report import best_of_last, best_of_others, diagnose
from fmnist_tui.runs.predictions import NoPredictionsError
from fmnist_tui.runs.run import read_run, read_runs

from .builders import make_run

PLACES = np.arange(100)


def test_a_run_is_looked_into_beside_the_others(tmp_path: Path) -> None:
    first = read_run(make_run(tmp_path, "v0", seed=0, right=PLACES >= 20))
    last = read_run(make_run(tmp_path, "v3", seed=1, right=PLACES >= 5))
    found = diagnose(last, [first])
    assert found.versions == ("v3", "v0")
    assert [mistake.index for mistake in found.shared] == [0, 1, 2, 3, 4]
    assert found.alone.tolist() == list(range(5, 20))
    assert found.mistakes.tolist() == [0, 1, 2, 3, 4]
    assert [(pair.true, pair.predicted, pair.count) for pair in found.confused] == [(i, i + 1, 1) for i in range(5)]
    assert found.matrix.sum() == 100
    assert found.ece == pytest.approx(0.95 - 0.82, abs=1e-6)


def test_others_that_saw_other_images_or_left_nothing_are_passed_over(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path, "v3", seed=1, right=PLACES >= 5))
    elsewhere = make_run(tmp_path, "v0", seed=2, config={"data": {"test_fingerprint": "ab"}}, right=PLACES >= 5)
    unscored = make_run(tmp_path, "v1", seed=3)
    found = diagnose(run, [read_run(elsewhere), read_run(unscored)])
    assert found.versions == ("v3",)
    assert found.shared == ()
    assert found.alone.tolist() == []


def test_a_run_without_predictions_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoPredictionsError, match="no predictions"):
        diagnose(read_run(make_run(tmp_path)), [])


def test_the_best_runs_of_the_other_versions_stand_beside_it(tmp_path: Path) -> None:
    for seed, (version, accuracy) in enumerate((("v0", 0.8), ("v0", 0.9), ("v1", 0.9), ("v3", 0.9), ("v3", 0.8))):
        make_run(tmp_path, version, seed=seed, validation=[accuracy], right=PLACES >= 5)
    records = read_runs(tmp_path)
    comparison = compare(records)
    last = best_of_last(comparison, records)
    assert last
    assert last.run_id == "v3-20260102-000003-00ff"
    ids = [other.run_id for other in best_of_others(last, comparison, records)]
    assert ids == ["v0-20260102-000001-00ff", "v1-20260102-000002-00ff"]
    assert best_of_last(compare([]), []) is None
