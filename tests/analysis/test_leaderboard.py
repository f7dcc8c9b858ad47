from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.leaderboard import (
    MAX_ENTRIES,
    Entry,
    EpochTime,
    Reached,
    Training,
    file_of,
    merged,
    ranked,
    read_entries,
    save_entry,
)
from fmnist_tui.errors import RunError

TARGETS = (0.9, 0.92)


def training(*accuracies: float, seconds: float = 10.0, complete: bool = False, seed: int = 0) -> Training:
    return Training(seed, tuple(EpochTime(seconds, 1.0, accuracy) for accuracy in accuracies), complete)


def entry(*trainings: Training, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "machine": "here",
        "date": "2026-01-01T00:00:00+00:00",
        "model": "v0",
        "recipe": "tuned",
        "data": "Fashion-MNIST",
        "data_fingerprint": "f",
        "device": "cpu",
        "device_name": "2 CPUs, Abacus",
        "threads": 2,
        "trainings": trainings or (training(0.9),),
    }
    return Entry(**values | changes)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "fmnist-tui"


def test_the_first_epoch_that_reaches_the_target_counts_and_validation_is_included() -> None:
    one = training(0.85, 0.91, 0.9, 0.93)
    assert one.reached(0.91) == Reached(2, 20.0, 2.0)
    assert one.reached(0.92) == Reached(4, 40.0, 4.0)
    assert one.reached(0.94) is None


def test_a_result_is_the_median_over_seeds_and_a_seed_that_misses_the_target_takes_forever() -> None:
    fast, slow, never = training(0.9, complete=True), training(0.8, 0.9, complete=True), training(0.7, complete=True)
    result = entry(fast, slow, never).result(0.9)
    assert (result.measured, result.reached) == (True, 2)
    assert (result.seconds, result.validation_seconds, result.epoch) == (20.0, 2.0, 2)
    missed = entry(fast, never, never).result(0.9)
    assert (missed.measured, missed.reached, missed.seconds, missed.best_accuracy) == (True, 1, None, 0.7)


def test_a_training_that_ended_at_its_target_says_nothing_about_higher_ones() -> None:
    ended_early = entry(training(0.91))
    assert ended_early.result(0.91).measured
    assert not ended_early.result(0.92).measured
    assert entry(training(0.91, complete=True)).result(0.92).measured


def test_a_new_entry_replaces_older_ones_of_its_key_unless_they_reach_further() -> None:
    low, high = entry(training(0.9)), entry(training(0.9, 0.95))
    newer = entry(training(0.9, seconds=8.0), date="2026-02-01T00:00:00+00:00", versions={"numpy": "3"})
    assert merged([low, high], newer) == [high, newer]
    other = entry(training(0.95), threads=1)
    assert merged([other], newer) == [other, newer]
    assert merged([newer], low) == [newer, low]  # of runs trained before
    assert merged([low], low) == [low]
    many = [entry(threads=number) for number in range(MAX_ENTRIES)]
    assert merged(many, entry(model="v1"))[0] == many[1]


def test_the_table_has_the_fastest_first_and_for_each_key_the_newest_that_covers_all_targets() -> None:
    both = entry(training(0.9, 0.93))
    newer = entry(training(0.9, seconds=1.0), date="2026-02-01T00:00:00+00:00")
    newest = entry(training(0.93, seconds=30.0), date="2026-03-01T00:00:00+00:00")
    elsewhere = entry(training(0.93, seconds=5.0), machine="there")
    missed = entry(training(0.8, complete=True), model="v1")
    others = entry(data_fingerprint="digits")
    found = ranked([missed, newest, both, others, newer, elsewhere], TARGETS, "f")
    assert found == [elsewhere, newest, missed]
    assert ranked([newer, both], TARGETS, "f") == [both]


def test_each_machine_has_a_file_and_files_of_others_are_read_as_well(data_folder: Path) -> None:
    mine = entry(training(0.9), settings={"dropout": 0.2, "hidden": [30, 20]}, versions={"torch": None})
    other = entry(training(0.8), machine="../gpu box")
    assert save_entry(mine) == data_folder / "time-to-accuracy" / "here.json"
    assert save_entry(other) == data_folder / "time-to-accuracy" / ".._gpu_box.json"
    (data_folder / "time-to-accuracy" / "broken.json").write_text('{"entries": [{"model": "v0"}, 3]}')
    assert sorted(read_entries(), key=lambda one: one.machine) == [other, mine]
    save_entry(mine)
    assert read_entries().count(mine) == 1
    assert mine.title == "v0 dropout=0.2 hidden=[30, 20]"


def test_a_damaged_file_is_not_overwritten() -> None:
    file = file_of("here")
    assert file
    assert read_entries() == []
    file.parent.mkdir(parents=True)
    file.write_text("{")
    with pytest.raises(RunError, match=r"here.json is damaged; move it away"):
        save_entry(entry())
    assert file.read_text() == "{"
