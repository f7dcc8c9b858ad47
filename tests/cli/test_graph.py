"""--no-graph reaches the trainer, and what it used is recorded; an engine that claims to have a graph stands in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.runs import worker
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.training.engine import GraphUse
from fmnist_tui.training.events import Stage
from fmnist_tui.training.task import make_engine

from .commands import newest
from .conftest import Fmnist

V0 = ("v0", "--data", "demo", "--threads", "1", "--epochs", "1", "--no-test", "--in-app")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What trainers asked for."""
    found: list[bool] = []

    def made(task: Any, *, graph: bool) -> Any:
        found.append(graph)
        engine = make_engine(task)
        engine.graph = GraphUse(used=graph, reason="" if graph else "switched off")  # type: ignore[misc]
        return engine

    monkeypatch.setattr(worker, "make_engine", made)
    return found


def recorded(run: RunDirectory) -> tuple[dict[str, Any], str]:
    """What run.json and the log say."""
    stages = [one.event.name for one in LogReader(run.events).read() if isinstance(one.event, Stage)]
    (line,) = [name for name in stages if name.startswith("CUDA graph")]
    return json.loads(run.run_json.read_text())["cuda_graph"], line


def test_a_run_uses_a_graph_unless_it_is_switched_off_at_its_start_or_later(
    fmnist: Fmnist, runs: Path, asked: list[bool]
) -> None:
    assert fmnist("train", *V0, "--runs", runs, "--no-graph").status == 0
    first = newest(runs)
    assert asked == [False]
    assert recorded(first) == ({"used": False, "reason": "switched off"}, "CUDA graph: not used, switched off")
    for option, use in (("--graph", True), ("--no-graph", False), (None, False)):
        run = RunDirectory(runs / f"v0-20260101-120000-000{len(asked)}")
        run.path.mkdir()
        shutil.copy(first.request, run.request)
        if option is None:
            shutil.copy(first.graph_json, run.graph_json)
        assert fmnist("resume", run.run_id, "--in-app", "--runs", runs, *([option] if option else [])).status == 0
        assert asked[-1] is use
    assert run.graph_json.exists()
    assert fmnist("train", *V0, "--runs", runs).status == 0
    assert recorded(newest(runs)) == ({"used": True, "reason": ""}, "CUDA graph: used")
    assert not newest(runs).graph_json.exists()
