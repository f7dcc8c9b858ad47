from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.estimate import Estimate, estimate, matrix_peak
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import Manifest, Result, lenient
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.recipes import configure

HERE = "this-machine"
CONFIG = configure("v1", "tuned", {"epochs": 4})
IMAGES = 1000


def record(seconds: float = 60.0, result: dict[str, Any] | None = None, **config: Any) -> Run:
    """A run of two epochs on 3,000 images in batches of 128."""
    known = {"version": "v1", "host": HERE, "device": "cpu", "train_images": 3000}
    hyperparameters = {"batch_size": config.pop("batch_size", 128)}
    ended = {"seconds": seconds, "epochs": 2} if result is None else result
    content = {**known, "hyperparameters": hyperparameters, **config}
    manifest, reached = lenient(content, Manifest), lenient(ended, Result)
    return Run(RunDirectory(Path("v1-20260101-000000-0000")), Status.FINISHED, manifest, reached)


def seconds(records: list[Run], device: str = "cpu") -> Estimate | None:
    return estimate(CONFIG, IMAGES, device, records, HERE, peak=1e11)


def test_an_earlier_run_gives_the_estimate_by_its_images_per_second() -> None:
    assert seconds([record(60.0)]) == Estimate(60 / 6000 * 4000, measured=True)


def test_the_median_of_the_newest_runs_is_used() -> None:
    newest_first = [record(value) for value in (60.0, 60.0, 600.0, 60.0, 6.0, 9999.0, 9999.0, 9999.0)]
    assert seconds(newest_first) == Estimate(40.0, measured=True)


OTHERS = {
    "another version": record(version="v2"),
    "other images": record(data={"shape": [3, 32, 32]}),
    "another machine": record(host="elsewhere"),
    "another device": record(device="cuda:0"),
    "much larger batches": record(batch_size=512),
    "much smaller batches": record(batch_size=32),
    "a run without a result": record(result={}),
    "a run that took no time": record(0.0),
    "nonsense": record(result={"seconds": "a while", "epochs": -1}, train_images="many"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_runs_that_are_not_alike_give_no_estimate(other: Run) -> None:
    guess = seconds([other])
    assert guess is not None
    assert not guess.measured
    assert guess == seconds([])


def test_without_a_run_the_network_and_the_machine_are_the_guess() -> None:
    guess = seconds([])
    assert guess is not None
    assert guess.seconds == pytest.approx(4000 * 11_114_496 * (3 + 1 / 9) / 7e10)


def test_nothing_is_guessed_of_a_gpu() -> None:
    assert seconds([], "cuda:0") is None
    assert seconds([record(device="cuda:0")], "cuda:0") == Estimate(40.0, measured=True)


def test_a_matrix_product_is_timed() -> None:
    assert 1e8 < matrix_peak() < 1e15
