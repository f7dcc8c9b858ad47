"""Where runs, data and caches lie: the option, else the environment, else the XDG folders."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_APP = "fmnist-tui"


def runs_folder(option: str | None) -> Path:
    """The folder of runs: --runs, FMNIST_TUI_RUNS, or the user's data folder."""
    chosen = option or os.environ.get("FMNIST_TUI_RUNS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path(_APP) / "runs"


def data_folder(option: str | None) -> str | None:
    """The folder that data must come from: --data, FMNIST_TUI_DATA, or None for the usual places; "demo" stays so."""
    chosen = option or os.environ.get("FMNIST_TUI_DATA")
    if not chosen or chosen == "demo":
        return chosen or None
    return str(Path(chosen).expanduser().absolute())


def cache_folder() -> Path:
    """Where fetched and decoded data is kept."""
    return platformdirs.user_cache_path(_APP)
