from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runs.trainers import request
from sharing import made_once

from fmnist_tui.runs.directory import RunDirectory, list_runs

from .nodes import LONG, Node, compile_library, end_all, make_node

MakeNode = Callable[..., Node]


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's is read or written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def whatever_runs_is_ended(tmp_path: Path) -> Iterator[None]:
    yield
    end_all(tmp_path)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The shared folder of runs, which doesn't exist yet."""
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes a process believe that it runs on another machine."""
    if shutil.which("gcc") is None and shutil.which("cc") is None:
        pytest.skip("another machine is simulated by a library in C, and there is no compiler")
    return made_once(tmp_path_factory, "node-library", compile_library) / "node.so"


@pytest.fixture
def node(library: Path, tmp_path: Path) -> MakeNode:
    """Makes machines that share this test's folder of runs."""

    def make(name: str, **differences: int | str) -> Node:
        return make_node(name, library, tmp_path, **differences)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, surroundings: None) -> RunDirectory:
    """LONG, trained to its end by one trainer."""
    from runs.trainers import finish

    def train(runs: Path) -> None:
        assert finish(request(runs, LONG)) == 0

    (run,) = list_runs(made_once(tmp_path_factory, "undisturbed-long", train))
    return run
