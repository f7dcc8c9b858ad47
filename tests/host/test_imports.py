"""A small process waits for devices: what it needs of this machine may not load what is slow or large."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fmnist_tui.host
from fmnist_tui.host.processes import python_environment

HEAVY = ("numpy", "scipy", "torch", "psutil", "pynvml", "msgspec", "textual", "rich", "click")


def test_the_package_loads_nothing_slow_or_large() -> None:
    modules = [f"fmnist_tui.host.{path.stem}" for path in Path(fmnist_tui.host.__file__).parent.glob("[a-z]*.py")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=python_environment(), capture_output=True, text=True, check=True
    )
    assert "fmnist_tui.host.gpus" in done.stdout.split()
    assert set(HEAVY).isdisjoint(done.stdout.split())
