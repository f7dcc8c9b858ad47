from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fmnist_tui
from fmnist_tui.host import processes as python
from fmnist_tui.host.processes import python_command, python_environment

FOLDER = str(Path(fmnist_tui.__file__).parents[1])
SAY = "import sys, fmnist_tui; print(fmnist_tui.__file__)"


def test_a_module_is_run_by_this_python() -> None:
    assert python_command("fmnist_tui.host.gpus", "a", "b") == [sys.executable, "-m", "fmnist_tui.host.gpus", "a", "b"]


def test_a_python_without_this_package_finds_it_from_a_checkout() -> None:
    bare = [sys.executable, "-S", "-c", SAY]  # without site-packages
    done = subprocess.run(bare, cwd="/", env=python_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == fmnist_tui.__file__


def test_what_is_installed_is_not_put_before_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "_FOLDER", Path("/usr/lib/python3/dist-packages"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert "PYTHONPATH" not in python_environment()


def test_relative_entries_mean_the_same_in_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([".", "mine", "/yours", FOLDER]))
    entries = [str(tmp_path), str(tmp_path / "mine"), "/yours", FOLDER]
    assert python_environment()["PYTHONPATH"].split(os.pathsep) == entries


def test_a_working_folder_that_was_removed_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("PYTHONPATH", "mine")
    gone.rmdir()
    assert "mine" in python_environment()["PYTHONPATH"].split(os.pathsep)
