"""The screens by name, imported after the first paint, and the notices at the start."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from textual.binding import ActiveBinding
from textual.screen import Screen

from fmnist_tui.paths import AppPaths
from fmnist_tui.text import counted
from fmnist_tui.tui.messages import Inspect, Post, StepByStep
from fmnist_tui.tui.runs_state import RunsState, RunState

if TYPE_CHECKING:
    from fmnist_tui.data import Dataset


def _dataset() -> Screen[Any]:
    from fmnist_tui.tui.dataset.screen import DatasetScreen

    return DatasetScreen()


def _models() -> Screen[Any]:
    from fmnist_tui.tui.models.screen import ModelsScreen

    return ModelsScreen()


def _training() -> Screen[Any]:
    from fmnist_tui.tui.training.screen import TrainingScreen

    return TrainingScreen()


def _results() -> Screen[Any]:
    from fmnist_tui.tui.results.screen import ResultsScreen

    return ResultsScreen()


def _why() -> Screen[Any]:
    from fmnist_tui.tui.why.screen import WhyScreen

    return WhyScreen()


def _playground() -> Screen[Any]:
    from fmnist_tui.tui.playground.screen import PlaygroundScreen

    return PlaygroundScreen()


def _workspace() -> Screen[Any]:
    from fmnist_tui.tui.workspace.screen import WorkspaceScreen

    return WorkspaceScreen()


def _sweeps() -> Screen[Any]:
    from fmnist_tui.tui.sweeps.screen import SweepsScreen

    return SweepsScreen()


MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    "dataset": _dataset,
    "models": _models,
    "training": _training,
    "results": _results,
    "why": _why,
    "playground": _playground,
    "runs": _workspace,
    "sweeps": _sweeps,
}


def inspector(message: Inspect, state: RunsState, dataset: Dataset | None) -> Screen[Any] | str:
    """The Inspector on what the message asks for, or why it can't be opened."""
    from fmnist_tui.tui.inspector.choosing import NO_RUN, runs_for
    from fmnist_tui.tui.inspector.screen import InspectorScreen

    runs = runs_for(message.run, state.records, dataset)
    return InspectorScreen(runs, message.image, message.label, message.title) if runs else NO_RUN


def step_by_step(message: StepByStep) -> Screen[Any]:
    """The page on backpropagation."""
    from fmnist_tui.tui.backprop.screen import BackpropScreen

    return BackpropScreen(message.run, message.image, message.label, message.title)


def help_dialog(bindings: list[ActiveBinding]) -> Screen[Any]:
    """All of these keys."""
    from fmnist_tui.tui.dialogs.help import HelpDialog

    return HelpDialog(bindings)


def quit_dialog(run_ids: list[str], *, ends_some: bool) -> Screen[str | None]:
    """What to do about running runs."""
    from fmnist_tui.tui.dialogs.choice import QuitDialog

    return QuitDialog(run_ids, ends_some=ends_some)


_importing = Lock()
"""Held while a thread imports: several at once would leave less of the interpreter to the screen's own thread."""
_LATER = (
    *("dataset.large_image", "dialogs.choice", "dialogs.help", "dialogs.queue", "palette", "run_actions"),
    *(f"{name}.screen" for name in ("models", "training", "results", "errors", "inspector", "playground", "sweeps")),
    *("why.screen", "workspace.screen"),
)


def load_images(folders: AppPaths, post: Post, stop: Event) -> None:
    """Loads the images, fetching them where needed; in a thread, as the imports that it needs."""
    with _importing:
        from fmnist_tui.tui.dataset.loading import load_dataset

    load_dataset(folders.data, folders.cache, post, stop)


def import_monitor() -> None:
    """Imports what reads the runs, from a thread."""
    with _importing:
        import fmnist_tui.tui.run_monitor  # noqa: F401


def import_all() -> None:
    """Imports what is not there yet, from a thread, so that a screen opens at once.

    The form asks whether PyTorch is installed; that is found out here, too.
    """
    for name in _LATER:
        with _importing:
            import_module(f"fmnist_tui.tui.{name}")
    from fmnist_tui.training.config import has_pytorch

    has_pytorch()


def startup_notices(state: RunsState, *, with_running: bool) -> list[str]:
    """A line for each running run, if wanted, and one for those that can be resumed; or why none can be read."""
    if state.fault:
        return [state.fault]
    lines = [_running_line(one) for one in state.running[:3]] if with_running else []
    if interrupted := sum(one.is_interrupted for one in state.runs):
        choose = "o to choose one and " if state.running else ""
        lines.append(f"{counted(interrupted, 'interrupted run')}: press 3, then {choose}r to resume")
    return lines


def _running_line(one: RunState) -> str:
    epoch = f", epoch {min(one.record.epochs_done + 1, one.epochs)} of {one.epochs}" if one.epochs else ""
    return f"{one.record.version} is {one.status}{epoch}: press 3"
