"""What a slow measurement tells while it works, or instead of a result."""

from __future__ import annotations

from collections.abc import Callable

from fmnist_tui.data import DataError
from fmnist_tui.errors import RunError
from fmnist_tui.training.config import ConfigError


class AnalysisError(Exception):
    """An analysis that can't be made of a run; its text is one line that says why, and what to do."""


EXPECTED = (AnalysisError, RunError, DataError, ConfigError)
"""What `analysing.analyse` raises where an analysis can't be made."""
Report = Callable[[float, str], None]
"""Takes the share that is done (0 to 1) and a few words; must not wait."""


def quiet(share: float, words: str) -> None:
    """Reports to nobody."""
