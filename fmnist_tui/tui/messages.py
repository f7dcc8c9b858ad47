"""What happened, as screens and worker threads tell the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.message import Message
from textual.notifications import SeverityLevel

from fmnist_tui.data import Dataset, Progress
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.commands import Command
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.tui.choices import Choices

Post = Callable[[Message], object]
"""How a worker thread tells: the `post_message` of the app, or of a screen."""


class DatasetLoaded(Message):
    """The images are there."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.dataset = dataset


class DatasetProgressed(Message):
    """The images are on their way."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress


class DatasetStopped(Message):
    """There are no images: somebody stopped their loading."""


class DatasetUnwanted(Message):
    """Their loading shall stop."""


class DatasetWanted(Message):
    """The images shall be loaded after all: again from where they were to come from, or the demo set."""

    def __init__(self, *, demo: bool) -> None:
        super().__init__()
        self.demo = demo


class Failed(Message):
    """Something went wrong that a person should know."""

    def __init__(self, reason: str, *, severity: SeverityLevel = "error") -> None:
        super().__init__()
        self.reason = reason
        self.severity: SeverityLevel = severity


class Written(Message):
    """Something lies in a file or folder now."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class DatasetFailed(Failed):
    """There are no images, and why."""


class ChoicesRead(Message):
    """What a person chose at an earlier start is known now: the app didn't wait for it."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self.choices = choices


class TrainingRequested(Message):
    """Somebody filled in the form and pressed the button."""

    def __init__(self, configs: list[TrainingConfig], *, in_app: bool) -> None:
        super().__init__()
        self.configs = configs
        self.in_app = in_app


class Chosen(Message):
    """Somebody chose something that is kept: fields of `Choices` and their values."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes


class RunsLaunched(Message):
    """Trainers hold these runs now."""

    def __init__(self, runs: list[RunDirectory]) -> None:
        super().__init__()
        self.runs = runs


class RunEnded(Message):
    """A trainer that this app started has ended."""


class RunChanged(Message):
    """A run has another label, or is gone."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run


class RunChosen(Message):
    """The training screen shall show this run."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run


class CommandGiven(Message):
    """Somebody told the run on the screen to do something."""

    def __init__(self, run: RunDirectory, command: Command) -> None:
        super().__init__()
        self.run = run
        self.command = command


class CommandSent(Message):
    """A command was passed on; `busy` is what the trainer does first, in which it hears nothing, or ""."""

    def __init__(self, busy: str) -> None:
        super().__init__()
        self.busy = busy


class ResumeRequested(Message):
    """A run without a trainer is to be resumed; `data` is the folder of its images, None for where they were."""

    def __init__(self, run: RunDirectory, data: str | None = None) -> None:
        super().__init__()
        self.run = run
        self.data = data


class DataMissed(Message):
    """A run can't be resumed since its images aren't where they were, and why."""

    def __init__(self, run: RunDirectory, reason: str) -> None:
        super().__init__()
        self.run = run
        self.reason = reason
