from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fmnist_tui.host.machine import Machine

from .machines import machine

Make = Callable[..., Machine]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Puts a machine together; see `machine`."""
    return partial(machine, tmp_path / "root")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "home" / "runs"
