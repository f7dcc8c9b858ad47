from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from leftovers import nothing_left_behind
from sharing import made_once

from fmnist_tui.cli import main
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.directory import RunDirectory

from .commands import SHORT, TINY, Outcome, call, newest

Fmnist = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Separate folders for all that the commands save; nothing of the user's is read or written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, surroundings: None) -> Iterator[None]:
    """Fails a test that leaves a process or a thread; a trainer that has released its run exits after a moment."""
    with nothing_left_behind(tmp_path, patience=5):
        yield


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "runs"


def _here(*arguments: object) -> int:
    """Calls the command line's entry point in this process; returns the exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fmnist-tui", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def fmnist(capsys: pytest.CaptureFixture[str]) -> Fmnist:
    """Calls a command in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        return Outcome(_here(*arguments), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, surroundings: None) -> tuple[Outcome, RunDirectory]:
    """`train v0 --json` through SHORT, undisturbed: what it printed and the run."""

    def train(folder: Path) -> None:
        outcome = call("train", *SHORT, "--json", "--runs", folder / "runs")
        assert outcome.status == 0, outcome
        write_json(folder / "outcome.json", asdict(outcome))

    folder = made_once(tmp_path_factory, "trained-by-the-command", train)
    return Outcome(**(read_json(folder / "outcome.json") or {})), newest(folder / "runs")


@pytest.fixture(scope="session")
def finished(trained: tuple[Outcome, RunDirectory]) -> RunDirectory:
    """A finished run of v0 that no test changes."""
    return trained[1]


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory, surroundings: None) -> Path:
    """The runs folder of `train all --in-app`, in this process: PyTorch is imported once."""

    def train(runs: Path) -> None:
        assert _here("train", "all", *TINY, "--in-app", "--runs", runs) == 0

    return made_once(tmp_path_factory, "one-run-of-each", train)
