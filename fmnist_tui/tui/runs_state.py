"""The runs folder as it was last read: what screens and the app know about runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from textual.message import Message

from fmnist_tui.runs.run_status import Status

if TYPE_CHECKING:  # the first paint waits for none of them
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.runs.run import Run


@dataclass(frozen=True)
class RunState:
    """A run as it was last read.

    Attributes:
        record: The run.
        has_steps: Whether it has a curve.
    """

    record: Run
    has_steps: bool

    @property
    def run(self) -> RunDirectory:
        """Its directory."""
        return self.record.directory

    @property
    def status(self) -> Status:
        """Its status when it was read."""
        return self.record.status

    @property
    def is_interrupted(self) -> bool:
        """Whether it lost its trainer and can be resumed."""
        return self.status is Status.INTERRUPTED and not self.record.damage

    @property
    def epochs(self) -> int | None:
        """Epochs asked for."""
        return self.record.manifest.epochs

    @property
    def text(self) -> str:
        """What the run is doing, or how it ended, and how far it got."""
        return self.record.progress


@dataclass(frozen=True)
class RunsState:
    """The runs folder as it was last read.

    Attributes:
        runs: Those that were read, newest first.
        found: How many there are.
        complete: Whether all were read at least once; before that, nothing is known of what is missing here.
        fault: Why the folder can't be read now, or ""; the runs are then those of the time before.
    """

    runs: tuple[RunState, ...] = ()
    found: int = 0
    complete: bool = False
    fault: str = ""

    @cached_property
    def by_run(self) -> dict[RunDirectory, RunState]:
        """The runs by their directories."""
        return {one.run: one for one in self.runs}

    @cached_property
    def running(self) -> tuple[RunState, ...]:
        """Those that have a trainer, or wait for one."""
        return tuple(one for one in self.runs if one.status.has_trainer)

    @property
    def records(self) -> list[Run]:
        """All of them, newest first."""
        return [one.record for one in self.runs]

    @property
    def loading(self) -> str:
        """A line on how much is read at first; "" once everything is."""
        if self.complete:
            return ""
        return f"Reading runs: {len(self.runs)} of {self.found} ..." if self.found else "Looking for runs ..."

    def differs_from(self, other: RunsState) -> bool:
        """Whether a comparison of the runs would be another one: progress within a training changes nothing."""
        return self.complete != other.complete or self._compared != other._compared

    @cached_property
    def _compared(self) -> tuple[object, ...]:
        return tuple((one.run, one.status) if one.status.has_trainer else one.record for one in self.runs)


class RunsChanged(Message):
    """Something has changed in the runs folder."""

    def __init__(self, state: RunsState) -> None:
        super().__init__()
        self.state = state
