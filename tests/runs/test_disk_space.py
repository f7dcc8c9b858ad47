from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.start_checks import bytes_needed, disk_space_warning
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure

V0, V3 = (configure(version, "tuned", {}) for version in ("v0", "v3"))
Disk = namedtuple("Disk", "free")


def free_space(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(free))


@pytest.mark.parametrize(("configs", "line"), [([V3], "1 run"), ([V0, V3], "2 runs")])
def test_too_little_space_is_reported_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, runs: Path, configs: list[TrainingConfig], line: str
) -> None:
    free_space(monkeypatch, bytes_needed(configs) - 1)
    assert f"free in {runs}, but {line} will take about 2" in disk_space_warning(runs, configs)
    free_space(monkeypatch, bytes_needed(configs))
    assert disk_space_warning(runs, configs) == ""


def test_the_estimated_space_is_enough_for_a_run_that_replaces_its_checkpoints(finished_v0: RunDirectory) -> None:
    checkpoint = max(sum(file.stat().st_size for file in one.iterdir()) for one in finished_v0.checkpoints.iterdir())
    largest = 3 * checkpoint + finished_v0.model.stat().st_size + finished_v0.predictions.stat().st_size
    assert largest < bytes_needed([V0]) < 2 * largest


def test_a_disk_of_unknown_free_space_is_no_reason_for_a_warning(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    def refuse(_: Path) -> Disk:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert disk_space_warning(runs, [V3]) == ""
