"""The libraries that the package needs, PyTorch left out: it is put to the test instead."""

from __future__ import annotations

import platform

from fmnist_tui.runs.machine.machine import Machine
from fmnist_tui.runs.machine.row import Row, State

_NEEDED = (
    *("numpy", "scipy", "textual", "plotext", "textual-plotext", "rich", "click"),
    *("matplotlib", "safetensors", "psutil", "threadpoolctl", "platformdirs"),
)


def libraries_row(machine: Machine) -> Row:
    """Their versions, and which are missing."""
    versions = {name: machine.version_of(name) for name in _NEEDED}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        advice = f"install {'them' if len(missing) > 1 else 'it'}: pip install {' '.join(missing)}"
        return Row("libraries", State.PROBLEM, f"{', '.join(missing)} missing", advice)
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Row("libraries", State.OK, f"Python {platform.python_version()}, {listed}")
