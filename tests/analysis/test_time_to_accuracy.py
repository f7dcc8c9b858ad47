from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.leaderboard import Entry, EpochTime
from fmnist_tui.analysis.time_to_accuracy import measure, times_of_runs, undisturbed_epochs
from fmnist_tui.data import demo, official
from fmnist_tui.host.node import host_name
from fmnist_tui.runs.run import read_runs
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Alert, Event, Paused, Resumed, RunFinished, RunStarted
from fmnist_tui.training.recipes import configure

from .builders import epoch, make_run, training

DONE = RunFinished("completed", scored=True)
HERE = {"host": host_name(), "device_name": "2 CPUs, Abacus", "threads": 2}
OFFICIAL = official.FASHION_MNIST.fingerprints


def test_the_epochs_of_a_log_have_their_seconds() -> None:
    epochs, reason = undisturbed_epochs([*training("v0", (0.8, 0.9)), DONE])
    assert reason == ""
    assert epochs == [EpochTime(2.0, 0.25, 0.8), EpochTime(2.0, 0.25, 0.9)]


@pytest.mark.parametrize(
    ("disturbance", "reason"),
    [
        ([Resumed(10, 1)], "interrupted"),
        ([RunStarted("v0", 20, 10, 2, 1, 1)], "interrupted"),
        ([Paused(15)], "paused"),
        ([Alert("gpu_shared", "by others")], "shared its GPU with others"),
        ([epoch(4, 0.9)], "its log is incomplete"),
        ([Alert("plateau", "it's flat")], ""),
    ],
)
def test_a_run_that_was_disturbed_says_nothing(disturbance: list[Event], reason: str) -> None:
    epochs, why = undisturbed_epochs([*training("v0", (0.8,)), *disturbance, DONE])
    assert why == reason
    assert bool(epochs) == (not reason)


def test_runs_made_here_are_read_the_newest_of_each_seed_and_others_have_a_reason(tmp_path: Path) -> None:
    def run(age: int, version: str = "v0", validation: tuple[float, ...] = (0.8, 0.91), **config: Any) -> str:
        return make_run(tmp_path, version, seed=age, config={**HERE, **config}, validation=validation).run_id

    old = run(0, versions={"numpy": "1"})
    older = run(1, versions={"numpy": "2"})
    newer = run(2, versions={"numpy": "2"}, seed=1, validation=(0.92,))
    last = run(3, versions={"numpy": "2"})
    elsewhere = run(4, host="elsewhere")
    modified = run(5, modified=True)
    gpu = run(6, "v1", device="cuda:0", device_name="Abacus X")
    unscored = make_run(tmp_path, "v2", config=HERE, result={"test_accuracy": None})
    times = times_of_runs(read_runs(tmp_path), OFFICIAL)
    assert times.excluded == {
        old: "made with other versions of the libraries than the newest run",
        older: "there is a newer run of its seed",
        elsewhere: "made on elsewhere",
        modified: "recipe modified",
    }
    by_model = {entry.model: entry for entry in times.entries}
    assert set(by_model) == {"v0", "v1", "v2"}
    v0 = by_model["v0"]
    assert [(one.seed, one.run, one.complete) for one in v0.trainings] == [(1, newer, True), (3, last, True)]
    assert (v0.machine, v0.device, v0.threads, v0.data) == (host_name(), "cpu", 2, official.NAME)
    assert v0.result(0.9).seconds == 3.0  # the median of one and two epochs
    assert by_model["v1"].trainings[0].run == gpu
    assert by_model["v2"].trainings[0].run == unscored.run_id
    assert times_of_runs(read_runs(tmp_path), ("other", "data")).entries == []


def tiny(seed: int, epochs: int = 4) -> TrainingConfig:
    return configure("v0", "tuned", {"epochs": epochs}, seed=seed, device="cpu", threads=1, score_test=False)


def test_training_ends_when_all_targets_are_reached() -> None:
    kept: list[Entry] = []
    shown: list[str] = []
    configs = [tiny(0), tiny(1)]
    measure(configs, demo.draw(), (0.2, 0.5), lambda what, detail: shown.append(what), kept.append)
    (entry,) = kept
    assert [one.seed for one in entry.trainings] == [0, 1]
    for one in entry.trainings:
        assert not one.complete
        assert one.best_accuracy == one.epochs[-1].validation_accuracy >= 0.5
        assert all(0 < epoch.validation_seconds < epoch.seconds for epoch in one.epochs)
    assert entry.settings == {"epochs": 4}
    assert (entry.machine, entry.device, entry.threads, entry.data) == (host_name(), "cpu", 1, "demo")
    assert entry.versions["numpy"]
    assert shown[0] == "v0, seed 0"
    assert {"v0, seed 0: epoch 1 of 4", "v0, seed 1: epoch 1 of 4"} <= set(shown)


def test_training_ends_with_its_last_epoch_if_a_target_is_not_reached() -> None:
    kept: list[Entry] = []
    measure([tiny(0, epochs=1)], demo.draw(), (1.0,), lambda *news: None, kept.append)
    assert kept[0].trainings[0].complete
    assert len(kept[0].trainings[0].epochs) == 1


def test_ctrl_c_leaves_the_trainings_that_have_ended_or_reached_a_target() -> None:
    kept: list[Entry] = []

    def interrupt_at(when: str) -> None:
        def report(what: str, detail: str) -> None:
            if what.startswith(when):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            measure([tiny(0), tiny(1)], demo.draw(), (0.01, 1.0), report, kept.append)

    interrupt_at("v0, seed 0: epoch 1")
    assert kept == []
    interrupt_at("v0, seed 0: epoch 2")
    interrupt_at("v0, seed 1: epoch 1")
    partial, whole = kept
    assert [(one.complete, len(one.epochs)) for one in partial.trainings] == [(False, 1)]
    assert [(one.complete, len(one.epochs)) for one in whole.trainings] == [(True, 4)]
    assert [partial.result(target).measured for target in (0.01, 1.0)] == [True, False]
