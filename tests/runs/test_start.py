from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import DataError
from fmnist_tui.runs import start
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.start import bytes_needed, check_startable, disk_space_warning
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipes import configure

V0, V1, V3 = (configure(version, "tuned", {}) for version in ("v0", "v1", "v3"))
Disk = namedtuple("Disk", "free")


@pytest.mark.parametrize("data", [None, "demo"])
def test_what_can_be_trained_here_is_passed_without_asking_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str | None
) -> None:
    monkeypatch.setattr(start, "_ASK_DEVICE", ("false",))
    check_startable([V0, V1, replace(V1, device="cpu")], data, tmp_path)


def test_a_folder_without_data_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"contains neither .*; give another folder, or none to use the default sources$"
    ):
        check_startable([V0], str(tmp_path), tmp_path)


@pytest.mark.parametrize(("side", "fits"), [(8, True), (7, False)])
def test_images_too_small_for_a_network_are_reported_by_their_header(tmp_path: Path, side: int, fits: bool) -> None:
    images = np.zeros((20, side, side), np.uint8)
    np.savez(tmp_path / "some.npz", x_train=images, y_train=np.arange(20) % 2)
    data = str(tmp_path / "some.npz")
    check_startable([V0], data, tmp_path)
    if fits:
        check_startable([V0, V1], data, tmp_path)
    else:
        with pytest.raises(ConfigError, match=r"^v1 can't be trained on this data: images of 7x7 pixels .*; try v0$"):
            check_startable([V0, V1], data, tmp_path)


def test_a_missing_device_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^device cuda:99 is not available here .*; use --device auto$"):
        check_startable([V0, replace(V1, device="cuda:99")], None, tmp_path)


def test_a_pytorch_that_crashes_when_it_looks_for_a_device_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_ASK_DEVICE", (sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(ConfigError, match=r"^PyTorch can't look for device mps; run `fmnist-tui doctor`"):
        check_startable([replace(V1, device="mps")], None, tmp_path)


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


def test_the_estimated_space_is_that_of_the_network_that_is_trained() -> None:
    wide = replace(V0, model_options={"hidden": (3000,)})
    for config, shape in ((V0, (3, 64, 64)), (wide, (1, 28, 28))):
        assert bytes_needed([config], shape, 300) > 3 * bytes_needed([V0])


def test_a_disk_of_unknown_free_space_is_no_reason_for_a_warning(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    def refuse(_: Path) -> Disk:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert disk_space_warning(runs, [V3]) == ""
