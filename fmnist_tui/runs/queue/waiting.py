"""What a queued run waits for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.runs.queue.devices import Claim, claims_in_use
from fmnist_tui.runs.queue.store import Entry, existing_queues, is_same
from fmnist_tui.runs.usage import seconds_left


@dataclass(frozen=True)
class Waiting:
    """A place in the queue.

    Attributes:
        needs: The device: "cpu", "cuda", "cuda:1", "mps".
        ahead: How many queued runs come before it.
        behind: The id of the run that will free such a device first, or "" where that isn't known.
        seconds: How long that run will still take; None where that isn't known.
    """

    needs: str
    ahead: int
    behind: str = ""
    seconds: float | None = None


class WaitProbe:
    """Finds out what one run waits for; the logs of the runs before it are read only where they have grown."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._logs: dict[Path, tuple[LogReader, SnapshotFold]] = {}

    def look(self) -> Waiting | None:
        """What it waits for now; None if it isn't in a queue of this host."""
        for queue in existing_queues():
            entries = queue.read()
            for ahead, entry in enumerate(entries):
                if is_same(Path(entry.run), self._run.path):
                    return self._waiting(entry, ahead, list(claims_in_use(queue).values()))
        return None

    def _waiting(self, entry: Entry, ahead: int, claims: list[Claim]) -> Waiting:
        keys = {key for key, _ in entry.gpus}
        blocking = [claim for claim in claims if (claim.gpu in keys if keys else not claim.gpu)]
        left = {Path(claim.run): self._seconds(Path(claim.run)) for claim in blocking}
        known = {run: seconds for run, seconds in left.items() if seconds is not None}
        if not left:
            return Waiting(entry.needs, ahead)
        first = min(known, key=lambda run: known[run]) if known else next(iter(left))
        return Waiting(entry.needs, ahead, first.name, known.get(first))

    def _seconds(self, run: Path) -> float | None:
        if run not in self._logs:
            self._logs[run] = LogReader(RunDirectory(run).events), SnapshotFold(run.name)
        reader, fold = self._logs[run]
        for batch in reader.batches():
            for logged in batch:
                fold.add(logged)
        return seconds_left(fold.snapshot())
