"""Where runs, data and caches lie: the option, else the environment, else the XDG folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_APP = "fmnist-tui"


@dataclass(frozen=True)
class Folders:
    """Where things lie.

    Attributes:
        runs: The runs.
        data: The data, "demo", or None for the usual places.
        cache: Fetched and decoded data.
        config: What a person chose; None for nothing that is kept.
    """

    runs: Path
    data: str | None
    cache: Path
    config: Path | None = None


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


def config_folder() -> Path:
    """Where a person's choices are kept."""
    return platformdirs.user_config_path(_APP)


def cache_folder() -> Path:
    """Where fetched and decoded data is kept."""
    return platformdirs.user_cache_path(_APP)


def usual_folders(runs: str | None, data: str | None) -> Folders:
    """All of them, from the options --runs and --data."""
    return Folders(runs_folder(runs), data_folder(data), cache_folder(), config_folder())
