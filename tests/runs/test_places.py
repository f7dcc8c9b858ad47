from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunError
from fmnist_tui.runs.places import cache_folder, config_folder, data_folder, runs_folder, state_folder


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working directory, a home, and no settings."""
    for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_lie_where_the_option_says_else_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FMNIST_TUI_RUNS", "/from/environment")
    assert runs_folder("/from/option") == Path("/from/option")
    assert runs_folder(None) == Path("/from/environment")
    monkeypatch.setenv("FMNIST_TUI_RUNS", "")
    assert runs_folder(None).is_relative_to(tmp_path / "home")


def test_runs_and_cache_lie_in_folders_of_the_user_that_bear_the_programs_name(tmp_path: Path) -> None:
    assert runs_folder(None).name == "runs"
    for folder in (runs_folder(None), cache_folder()):
        assert folder.is_relative_to(tmp_path / "home")
        assert "fmnist-tui" in folder.parts


def test_a_folder_may_be_relative_or_begin_with_the_home(tmp_path: Path) -> None:
    assert runs_folder("some/runs") == tmp_path / "some" / "runs"
    assert runs_folder("~/runs") == tmp_path / "home" / "runs"
    assert data_folder("some/data") == str(tmp_path / "some" / "data")
    assert data_folder("~/data") == str(tmp_path / "home" / "data")


def test_data_comes_from_the_option_else_from_the_environment_else_from_the_usual_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert data_folder(None) is None
    monkeypatch.setenv("FMNIST_TUI_DATA", "/from/environment")
    assert data_folder(None) == "/from/environment"
    assert data_folder("/from/option") == "/from/option"
    monkeypatch.setenv("FMNIST_TUI_DATA", "")
    assert data_folder(None) is None


def test_the_demo_set_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder("demo") == "demo"
    monkeypatch.setenv("FMNIST_TUI_DATA", "demo")
    assert data_folder(None) == "demo"


def test_a_home_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=r"^can't tell which folder ~nobody-here/x is: there is no such home folder; "):
        runs_folder("~nobody-here/x")


def no_home(name: str) -> str:
    raise RuntimeError(name)


@pytest.mark.parametrize("answer", [no_home, lambda name: f"~/.local/share/{name}", lambda name: f"relative/{name}"])
def test_without_a_home_runs_need_a_folder_and_the_rest_is_temporary(
    answer: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for kind in ("data", "cache", "config", "state"):
        monkeypatch.setattr(f"platformdirs.user_{kind}_dir", answer)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    private = tmp_path / f"fmnist-tui-{os.getuid()}"
    with pytest.raises(RunError, match=r"^there is no home folder .*; export HOME, or name a folder with --runs DIR$"):
        runs_folder(None)
    assert runs_folder("/named") == Path("/named")
    assert config_folder() is None
    assert cache_folder() == private / "cache"
    assert state_folder() == private
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_current_folder_that_was_removed_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(RunError, match=r"^the folder that you are in was removed; cd to another one$"):
        data_folder("here")
    assert runs_folder("/elsewhere") == Path("/elsewhere")
