"""The four screens by name; those that the first paint doesn't show are imported after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from textual.screen import Screen

from fmnist_tui.training.config import NoPyTorchError, check_device
from fmnist_tui.tui.screens.dataset import DatasetScreen


def models() -> Screen[Any]:
    """Screen 2."""
    from fmnist_tui.tui.screens.models import ModelsScreen

    return ModelsScreen()


def training() -> Screen[Any]:
    """Screen 3."""
    from fmnist_tui.tui.screens.training import TrainingScreen

    return TrainingScreen()


def results() -> Screen[Any]:
    """Screen 4."""
    from fmnist_tui.tui.screens.results import ResultsScreen

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
    import fmnist_tui.tui.screens.models
    import fmnist_tui.tui.screens.results
    import fmnist_tui.tui.screens.training  # noqa: F401

    with suppress(NoPyTorchError):
        check_device("v1", "auto")
