"""The messages that screens and worker threads send to the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.message import Message
from textual.notifications import SeverityLevel

if TYPE_CHECKING:  # the first paint waits for none of them
    import numpy as np
    from numpy.typing import NDArray

    from fmnist_tui.data import Dataset, Progress
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.runs.run import Run
    from fmnist_tui.training.config import TrainingConfig
    from fmnist_tui.training.events import Command
    from fmnist_tui.tui.settings import Settings
    from fmnist_tui.tui.terminal_answers import Graphics

ClassMeans: TypeAlias = "Mapping[str, NDArray[np.uint8]]"
"""The mean image of each class, as drawn, black where it has none: uint8 (classes, height, width), or in colour
(classes, height, width, 3); of "train" and of "test"."""
Post = Callable[[Message], object]
"""How a worker thread sends a message: the `post_message` of the app, or of a screen."""


class Failed(Message):
    """Something went wrong that the user should know."""

    def __init__(self, reason: str, *, severity: SeverityLevel = "error") -> None:
        super().__init__()
        self.reason = reason
        self.severity: SeverityLevel = severity


class Written(Message):
    """Something was written to a file or folder; `text` says what and where."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class DatasetLoaded(Message):
    """The images are loaded."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self.dataset = dataset


class ClassMeansReady(Message):
    """The mean images of the classes are computed."""

    def __init__(self, means: ClassMeans) -> None:
        super().__init__()
        self.means = means


class DatasetProgressed(Message):
    """The loading of the images has advanced."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress


class DatasetFailed(Failed):
    """The images can't be loaded, and why."""


class DatasetCancelled(Message):
    """The loading of the images was cancelled."""


class DatasetCancelRequested(Message):
    """The user wants to cancel the loading of the images."""


class DatasetRequested(Message):
    """The user wants the images to be loaded after all: from the same place again, or the demo set."""

    def __init__(self, *, demo: bool) -> None:
        super().__init__()
        self.demo = demo


class StepByStep(Message):
    """The user wants to walk an image through one training step of a run of v0."""

    def __init__(self, run: Run, image: NDArray[np.uint8], label: int | None, title: str = "") -> None:
        """A request; the arguments are those of `Inspect`, with a run."""
        super().__init__()
        self.run = run
        self.image = image
        self.label = label
        self.title = title


class Inspect(Message):
    """The user wants to see what a run's network sees in an image."""

    def __init__(self, run: Run | None, image: NDArray[np.uint8], label: int | None, title: str = "") -> None:
        """A request.

        Args:
            run: The run; None for the best one that was trained on such images.
            image: uint8, (channels, height, width).
            label: Its class; None where it isn't known.
            title: Which image it is.
        """
        super().__init__()
        self.run = run
        self.image = image
        self.label = label
        self.title = title


class SettingsRead(Message):
    """The settings of earlier starts were read: the first paint didn't wait for them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


class SettingsChanged(Message):
    """The user changed settings that are saved: fields of `Settings` and their values."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes


class TrainingRequested(Message):
    """The user filled in the form and wants these runs to be started."""

    def __init__(self, configs: list[TrainingConfig], *, in_app: bool) -> None:
        super().__init__()
        self.configs = configs
        self.in_app = in_app


class ResumeRequested(Message):
    """A run without a trainer is to be resumed; `data` is the folder of its images, None for where they were."""

    def __init__(self, run: RunDirectory, data: str | None = None) -> None:
        super().__init__()
        self.run = run
        self.data = data


class DataNotFound(Message):
    """A run can't be resumed since its images aren't where they were, and why."""

    def __init__(self, run: RunDirectory, reason: str) -> None:
        super().__init__()
        self.run = run
        self.reason = reason


class RunsStarted(Message):
    """These runs have a trainer, or wait for their device."""

    def __init__(self, runs: list[RunDirectory]) -> None:
        super().__init__()
        self.runs = runs


class TrainerEnded(Message):
    """A trainer that this app started has ended."""


class RunChanged(Message):
    """A run has another label, or was deleted."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run


class RunSelected(Message):
    """The Training screen is to show this run."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run


class OverlayToggled(Message):
    """The Training screen is to draw this run's curves behind those of the run that it shows, or no longer."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run


class GraphicsFound(Message):
    """The terminal has answered that it shows images in full resolution, and how large its cells are."""

    def __init__(self, graphics: Graphics) -> None:
        super().__init__()
        self.graphics = graphics


class ShowQueue(Message):
    """The user wants to see the queue."""


class CommandRequested(Message):
    """A command is to be sent to a run's trainer."""

    def __init__(self, run: RunDirectory, command: Command) -> None:
        super().__init__()
        self.run = run
        self.command = command


class CommandSent(Message):
    """A command was sent; `busy` is the stage that the trainer finishes before it reads it, or ""."""

    def __init__(self, busy: str) -> None:
        super().__init__()
        self.busy = busy
