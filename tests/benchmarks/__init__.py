"""Measurements of speed: `python -m tests.benchmarks`. Only that they run is tested, never how fast they are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # pytest puts it there too: helpers are `tui.terminal` for both
