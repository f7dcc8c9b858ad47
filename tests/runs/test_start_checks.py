from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_tui.data import DataError
from fmnist_tui.runs import start_checks as starting
from fmnist_tui.runs.start_checks import check_startable
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipes import configure

V0, V1 = (configure(version, "tuned", {}) for version in ("v0", "v1"))


@pytest.mark.parametrize("data", [None, "demo"])
def test_what_can_be_trained_here_is_passed_without_asking_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str | None
) -> None:
    monkeypatch.setattr(starting, "_ASK_DEVICE", ("false",))
    check_startable([V0, V1, replace(V1, device="cpu")], data, tmp_path)


def test_a_folder_without_data_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"contains neither .*; give another folder, or none to use the default sources$"
    ):
        check_startable([V0], str(tmp_path), tmp_path)


def test_a_missing_device_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^device cuda:99 is not available here .*; use --device auto$"):
        check_startable([V0, replace(V1, device="cuda:99")], None, tmp_path)


def test_a_pytorch_that_crashes_when_it_looks_for_a_device_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_ASK_DEVICE", (sys.executable, "-c", "import os; os.abort()"))
    with pytest.raises(ConfigError, match=r"^PyTorch can't look for device mps; run `fmnist-tui doctor`"):
        check_startable([replace(V1, device="mps")], None, tmp_path)
