from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunError
from fmnist_tui.runs.places import cache_folder, data_folder, runs_folder


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
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: "~nobody-here/.cache")
    with pytest.raises(RunError, match=r"export HOME$"):
        cache_folder()


def test_a_current_folder_that_was_removed_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(RunError, match=r"^the folder that you are in was removed; cd to another one$"):
        data_folder("here")
    assert runs_folder("/elsewhere") == Path("/elsewhere")
