from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from fmnist_tui.runs.cluster.jobs import forget_jobs

from .cluster import Cluster, why_not


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's is read or written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    if why := why_not():
        pytest.skip(f"no Slurm: {why}")
    folder = Path(mkdtemp(prefix="slurm-"))  # short: the name of a socket has 100 characters at most
    one = Cluster(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(one.configuration))
        try:
            one.start()
            yield one
        finally:
            one.stop()
    shutil.rmtree(folder)


@pytest.fixture
def cluster(running_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A real Slurm; skips the test where there can't be one."""
    monkeypatch.setattr("fmnist_tui.runs.cluster.jobs._SECONDS", 0.5)
    forget_jobs()
    yield running_cluster
    if "drain" in running_cluster.node_state():
        running_cluster.call("scontrol", "update", f"nodename={running_cluster.node}", "state=resume")
    for job in running_cluster.unfinished():
        running_cluster.call("scancel", job.id)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"
