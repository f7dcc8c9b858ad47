from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_tui.runs.cluster.jobs import forget_jobs


class Programs:
    """Programs that stand for a cluster's; what they were called with is in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, body: str) -> None:
        """A shell script of that name, first in PATH; its arguments and input are recorded."""
        path = self.folder / name
        path.write_text(
            f'#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done > "$0.words"\n{body}\n', encoding="utf-8"
        )
        path.chmod(0o755)

    def words(self, name: str) -> list[str]:
        """The arguments of the last call."""
        return (self.folder / f"{name}.words").read_text().splitlines()

    def called(self, name: str) -> bool:
        return (self.folder / f"{name}.words").exists()

    def squeue(self, *lines: str) -> None:
        """Jobs as `squeue` lists them: id|state|reason|node|name."""
        (self.folder / "jobs").write_text("".join(f"{line}\n" for line in lines))
        self.write("squeue", 'cat "${0%/*}/jobs"')
        forget_jobs()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{Path(sys.executable).parent}:/usr/bin:/bin")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    forget_jobs()
    yield Programs(folder)
    forget_jobs()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"
