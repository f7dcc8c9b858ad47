"""Where runs, data and caches lie: the option, else the environment, else the XDG folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from fmnist_tui.runs.directory import RunError

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
    return _whole_path(chosen) if chosen else _whole_path(platformdirs.user_data_dir(_APP)) / "runs"


def data_folder(option: str | None) -> str | None:
    """The folder that data must come from: --data, FMNIST_TUI_DATA, or None for the usual places; "demo" stays so."""
    chosen = option or os.environ.get("FMNIST_TUI_DATA")
    if not chosen or chosen == "demo":
        return chosen or None
    return str(_whole_path(chosen))


def config_folder() -> Path:
    """Where a person's choices are kept."""
    return _whole_path(platformdirs.user_config_dir(_APP))


def cache_folder() -> Path:
    """Where fetched and decoded data is kept."""
    return _whole_path(platformdirs.user_cache_dir(_APP))


def usual_folders(runs: str | None, data: str | None) -> Folders:
    """All of them, from the options --runs and --data."""
    return Folders(runs_folder(runs), data_folder(data), cache_folder(), config_folder())


def _whole_path(folder: str) -> Path:
    """The folder as a path from the root.

    Raises:
        RunError: It begins with a home folder, or lies in the current one, and there is none.
    """
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError:
        raise RunError(f"can't tell which folder {folder} is: there is no such home folder; export HOME") from None
    except FileNotFoundError:
        raise RunError("the folder that you are in was removed; cd to another one") from None
