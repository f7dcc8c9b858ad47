from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.paths import AppPaths
from fmnist_tui.sweeps import jobs
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.start import SweepRequest, request_sweep

from .fake_trainers import FakeTrainers

MakeSweep = Callable[..., SweepDirectory]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of their own for the trainers that the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def folders(tmp_path: Path) -> AppPaths:
    return AppPaths(tmp_path / "runs", "demo", tmp_path / "cache")


@pytest.fixture
def make_sweep(folders: AppPaths) -> MakeSweep:
    """Creates a sweep of v0 on the demo set: halving over 9 epochs, 9 trials, unless asked otherwise."""

    def make(epochs: int | None = 9, limit: int | None = 100, **asked: Any) -> SweepDirectory:
        given = {"lr": "log:1e-3:1", "momentum": "0:0.9"}
        request = SweepRequest(**{"model": "v0", "given": given, "trials": 9, "halving": True, "workers": 1, **asked})
        config: dict[str, Any] = {"recipe": "tuned", "changes": {"epochs": epochs}, "limit": limit, "threads": 1}
        return request_sweep(request, folders, **config)[0]

    return make


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> FakeTrainers:
    fake = FakeTrainers()
    monkeypatch.setattr(jobs, "submit", fake.submit)
    return fake
