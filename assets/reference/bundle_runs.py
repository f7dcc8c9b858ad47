"""Puts what the Results screen shows of these runs into the package: `python assets/reference/bundle_runs.py`.

Reads `runs/` beside it; takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.analysis.reference import RUNS, bundled
from fmnist_tui.runs.run import Run, read_runs


def bundle(records: Sequence[Run]) -> None:
    """Writes the package's file."""
    RUNS.write_bytes(bundled(records))


if __name__ == "__main__":
    bundle(read_runs(Path(__file__).parent / "runs"))
