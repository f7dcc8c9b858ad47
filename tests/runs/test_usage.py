from __future__ import annotations

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import beat_once
from fmnist_tui.runs.usage import UsageProbe

from .trainers import change


def test_of_a_trainer_on_this_machine_its_memory_is_known(run: RunDirectory) -> None:
    beat_once(run)
    usage = UsageProbe(run).look()
    assert usage
    assert usage.memory > 1_000_000


def test_of_a_trainer_on_another_machine_nothing_is_known(run: RunDirectory) -> None:
    beat_once(run)
    change(run.heartbeat, lambda beat: beat.update(host="another"))
    assert UsageProbe(run).look() is None


def test_of_a_run_without_a_trainer_nothing_is_known(run: RunDirectory) -> None:
    assert UsageProbe(run).look() is None
