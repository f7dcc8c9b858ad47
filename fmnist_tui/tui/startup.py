"""The screens by name, imported after the first paint, and what to offer when the app starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from fmnist_tui.text import counted
from fmnist_tui.training.config import has_pytorch
from fmnist_tui.tui.dataset.screen import DatasetScreen
from fmnist_tui.tui.run_monitor import SeenRun, SeenRuns


def models() -> Screen[Any]:
    """Screen 2."""
    from fmnist_tui.tui.models.screen import ModelsScreen

    return ModelsScreen()


def training() -> Screen[Any]:
    """Screen 3."""
    from fmnist_tui.tui.training.screen import TrainingScreen

    return TrainingScreen()


def results() -> Screen[Any]:
    """Screen 4."""
    from fmnist_tui.tui.results.screen import ResultsScreen

    return ResultsScreen()


MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "dataset": DatasetScreen,
    "models": models,
    "training": training,
    "results": results,
}


def import_all() -> None:
    """Imports what is not there yet, from a thread, so that the first look at a screen needn't wait for it.

    The form asks whether PyTorch is there, which is looked for here, too.
    """
    import fmnist_tui.tui.models.screen
    import fmnist_tui.tui.results.screen
    import fmnist_tui.tui.training.screen  # noqa: F401

    has_pytorch()


def greeting(seen: SeenRuns) -> list[str]:
    """What waits, a line each; why the runs can't be read, if so."""
    if seen.fault:
        return [seen.fault]
    lines = [_running_line(one) for one in seen.running[:3]]
    if interrupted := sum(one.is_interrupted for one in seen.runs):
        choose = "o to choose one and " if seen.running else ""
        lines.append(f"{counted(interrupted, 'interrupted run')}: press 3, then {choose}r to resume")
    return lines


def _running_line(seen: SeenRun) -> str:
    epoch = f", epoch {min(seen.record.epochs_done + 1, seen.epochs)} of {seen.epochs}" if seen.epochs else ""
    return f"{seen.record.version} is {seen.status}{epoch}: press 3"
