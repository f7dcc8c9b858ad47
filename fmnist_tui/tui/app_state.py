"""What the screens may expect of their app: what it knows, as reactive attributes, and its threads."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from textual.app import App
from textual.reactive import var

from fmnist_tui.paths import AppPaths
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.messages import ClassMeans, Failed
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.settings import Settings
from fmnist_tui.tui.threads import Threads

if TYPE_CHECKING:  # the first paint waits for none of them
    from fmnist_tui.data import Dataset, Progress
    from fmnist_tui.inspection.client import InspectionClient
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.runs.follower import Follower
    from fmnist_tui.tui.run_monitor import RunMonitor
    from fmnist_tui.tui.terminal_answers import Graphics

_LOOK_SECONDS = 2.0


class LabApp(Remappable, App[None]):
    """The app as its screens, dialogs and widgets know it: they read its state and send it messages.

    Attributes:
        folders: Runs, data, cache and configuration.
        runs: The folder of runs.
        pace: Seconds between two paints, as a multiple of the usual.
        in_app: Whether the Models form proposes to train in the app itself.
        ending: Set when the app ends.
        is_leaving: Whether it was asked to end.
        is_touched: Whether a key was pressed or the mouse was used; until then the app may choose the screen.
        threads: Where everything happens that may wait for a file system; they belong to the app, never to a screen,
            so that no run ends with the screen that shows it.
        dataset: The images, or None until they are loaded.
        class_means: Their mean images by class, or None until they are computed.
        dataset_progress: How far they are loaded, where that is known.
        dataset_fault: Why they can't be loaded; empty while they are loading, and after.
        settings: What the user chose, now or at an earlier start.
        late_settings: The settings of earlier starts, where they were read only after the first paint.
        ascii_images: Whether images are drawn in ASCII: chosen, or all that this terminal can show.
        graphics: How the terminal shows images in full resolution, or None if it doesn't.
        followed: The run on the Training screen.
        overlaid: Other runs whose curves are drawn there, in the order in which they were added.
        runs_state: The runs folder as it was last read.
        running_runs: The runs that have a trainer or wait for one, wherever they were started, newest first.
        logout_note: What a logout does to them, or "".
    """

    # `var`: a change of a reactive attribute would paint the whole screen.
    dataset: var[Dataset | None] = var(None)
    class_means: var[ClassMeans | None] = var(None)
    dataset_progress: var[Progress | None] = var(None)
    dataset_fault: var[str] = var("")
    late_settings: var[Settings | None] = var(None)
    graphics: var[Graphics | None] = var(None)
    followed: var[Follower | None] = var(None)
    overlaid: var[tuple[Follower, ...]] = var(())
    runs_state: var[RunsState] = var(RunsState())
    running_runs: var[tuple[RunDirectory, ...]] = var(())
    logout_note: var[str] = var("")

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__()
        self.folders = folders
        self.runs = folders.runs
        self.pace = pace
        self.in_app = in_app
        self.ending = threading.Event()
        self.is_leaving = False
        self.is_touched = False
        self.threads = Threads(self._report_fault)
        self.settings = Settings()
        self.ascii_images = False

    @cached_property
    def monitor(self) -> RunMonitor:
        """Keeps `runs_state` up to date."""
        from fmnist_tui.tui.run_monitor import RunMonitor

        return RunMonitor(self.runs, _LOOK_SECONDS * self.pace)

    @cached_property
    def inspection(self) -> InspectionClient:
        """Asks the process that holds trained networks; nothing is started before the first request."""
        from fmnist_tui.inspection.client import InspectionClient

        return InspectionClient(self.threads.start)

    def _report_fault(self, error: Exception) -> None:
        """A thread ended with an unexpected error: it is shown, not hidden; the app carries on."""
        self.post_message(Failed(f"{type(error).__name__}: {error}"))
