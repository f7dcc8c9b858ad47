"""Where and with what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

from benchmarks.bench import Bench
from fmnist_tui.doctor.devices import cpu_check
from fmnist_tui.host.machine import this_machine

_LIBRARIES = ("fmnist-tui", "numpy", "scipy", "torch", "scikit-learn", "textual", "plotext")


def describe(bench: Bench) -> dict[str, Any]:
    """As a JSON object."""
    return {
        "machine": cpu_check(this_machine()).message,
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "threads": bench.threads,
        "batch_size": bench.batch_size,
        "data": f"{bench.dataset.name}, {len(bench.dataset.train)} + {len(bench.dataset.test)} images",
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
