from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cli.commands import Outcome

from fmnist_tui.cli import main
from fmnist_tui.host.machine import Machine

from .machines import machine

Make = Callable[..., Machine]
Doctor = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home with nothing in it; what the user set for a terminal or a job is out of sight."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA", "NO_COLOR", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Puts a machine together; see `machine`."""
    return partial(machine, tmp_path / "root")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "home" / "runs"


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Calls the command in this process, on a machine that is put together as `machine` does it."""

    def call(*arguments: object, **changes: object) -> Outcome:
        made: Callable[..., Machine] = machine
        with monkeypatch.context() as patch:
            patch.setattr("fmnist_tui.cli.doctor.this_machine", lambda: made(tmp_path / "root", **changes))
            patch.setattr(sys, "argv", ["fmnist-tui", "doctor", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def fake_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a module of these lines in PyTorch's place, for processes that are started."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def put(lines: str) -> None:
        (folder / "torch.py").write_text(lines)

    return put
