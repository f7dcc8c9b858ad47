from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import space_for

from fmnist_tui.errors import RunError
from fmnist_tui.paths import (
    cache_folder,
    config_folder,
    data_folder,
    private_temporary_folder,
    runs_folder,
    state_folder,
    used_state_folders,
    writing_fault,
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working directory, a home, and no settings."""
    for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_are_where_the_option_says_else_where_the_environment_says(
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
    with pytest.raises(RunError, match=r"^can't resolve ~nobody-here/x: there is no such home folder; "):
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
    with pytest.raises(RunError, match=r"^the working directory was removed; cd to another one$"):
        data_folder("here")
    assert runs_folder("/elsewhere") == Path("/elsewhere")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the private temporary folder would be made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"fmnist-tui-{os.getuid()}"


def test_state_is_in_the_home_and_is_found_again_without_being_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temporary: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert used_state_folders() == []
    assert not temporary.exists()
    assert state_folder() == tmp_path / "state" / "fmnist-tui"
    private_temporary_folder()
    assert used_state_folders() == [tmp_path / "state" / "fmnist-tui", temporary]


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_home_that_cannot_be_written_leaves_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, temporary: Path, home: str
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home)
    assert state_folder() == temporary
    assert cache_folder() == temporary / "cache"
    assert writing_fault(Path(home) / "x")


def test_a_full_home_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temporary: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with space_for(100):
        assert writing_fault(tmp_path / "state") == "file too large"
        assert state_folder() == temporary
    assert not (tmp_path / "state").exists()


def test_root_makes_nothing_in_the_home_of_another_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temporary: Path
) -> None:
    """What root made there, once, that user could never change again."""
    (tmp_path / "home").mkdir()
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("fmnist_tui.paths._is_foreign", lambda folder: "home" in folder.parts)
    assert (state_folder(), cache_folder(), config_folder()) == (temporary, temporary / "cache", None)
    assert list((tmp_path / "home").iterdir()) == []


def test_a_cache_that_can_only_be_read_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "fmnist-tui" / "fashion-mnist").mkdir(parents=True)
    with space_for(100):
        assert cache_folder() == tmp_path / "fmnist-tui"


def planted_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize("plant", [planted_link, Path.touch, lambda folder: folder.mkdir(mode=0o755)])
def test_a_temporary_folder_that_others_could_use_is_refused(temporary: Path, plant: Callable[[Path], None]) -> None:
    plant(temporary)
    with pytest.raises(RunError, match=r"is not a private folder of yours; remove it, or export HOME or TMPDIR$"):
        private_temporary_folder()


def test_a_private_folder_is_private_under_any_umask(temporary: Path) -> None:
    before = os.umask(0o777)
    try:
        assert private_temporary_folder() == temporary
    finally:
        os.umask(before)
    assert private_temporary_folder() == temporary
