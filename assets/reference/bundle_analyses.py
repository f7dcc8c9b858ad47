"""Writes the analyses of the committed reference runs into the package: `python assets/reference/bundle_analyses.py`.

`make.py` does it as well. The screen "Why CNNs" shows them until the user has runs of their own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.analysis.probes.claims import section
from fmnist_tui.analysis.probes.reference import ANALYSES, bundled
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.training.recipes import RECIPES


def write_analyses(records: Sequence[Run]) -> None:
    """Of the best run of each version and recipe."""
    content = bundled({recipe: section(records, recipe).found for recipe in RECIPES})
    ANALYSES.write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write_analyses(read_runs(Path(__file__).parent / "runs"))
