"""What queued runs wait for and for how long, and what it costs that runs share a device."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.runs.queue.devices import Claim, claims_in_use
from fmnist_tui.runs.queue.estimate import estimated_waits
from fmnist_tui.runs.queue.measured import Measured, SpeedFold, read_measured
from fmnist_tui.runs.queue.slots import Machine, Refusal, Slots
from fmnist_tui.runs.queue.store import Entry, existing_queues, is_same
from fmnist_tui.runs.usage import seconds_left
from fmnist_tui.text import grouped, safe

_MEASURED_SECONDS = 10.0
"""How long what the driver reported about the GPUs is shown: asking it again takes a process."""


@dataclass(frozen=True)
class Waiting:
    """A place in the queue.

    Attributes:
        needs: The device: "cpu", "cuda", "cuda:1", "mps".
        ahead: How many queued runs come before it.
        behind: The id of the run that will free such a device first, or "" where that isn't known.
        seconds: How long that run will still take; None where that isn't known.
        reason: What it waits for, where that isn't the device alone.
    """

    needs: str
    ahead: int
    behind: str = ""
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Sharing:
    """What it costs that several runs share a device.

    Attributes:
        device: As in a configuration.
        speeds: Training images per second of each run now, by its folder; None where that isn't known yet.
        alone: The same of a run like it that had the device for itself.
    """

    device: str
    speeds: Mapping[str, float | None]
    alone: Mapping[str, float | None]

    @property
    def together(self) -> float:
        """Images per second of all runs."""
        return sum(speed or 0.0 for speed in self.speeds.values())

    @property
    def gain(self) -> float | None:
        """How many times as fast all of them are as one alone; None where that isn't known."""
        pairs = [(speed, self.alone[run]) for run, speed in self.speeds.items()]
        if any(speed is None or not alone for speed, alone in pairs):
            return None
        return sum((speed or 0.0) / (alone or 1.0) for speed, alone in pairs)

    @property
    def text(self) -> str:
        """A line: "2 runs share cuda:0: 51,000 images/s together, 1.6 times one alone (v3: 32,553 images/s)"."""
        shared = f"{len(self.speeds)} runs share {self.device}"
        if not self.together:
            return f"{shared}: not measured yet"
        known = {version_in(Path(run).name): speed for run, speed in self.alone.items() if speed}
        alone = ", ".join(f"{safe(version)}: {grouped(speed)} images/s" for version, speed in known.items())
        text = f"{shared}: {grouped(self.together)} images/s together"
        if self.gain is None:
            return f"{text}; alone {alone}" if alone else f"{text}; none was measured alone yet"
        return f"{text}, {self.gain:.2g} times one alone ({alone})"


@dataclass(frozen=True)
class QueueRow:
    """A run that has a device or waits for one.

    Attributes:
        run: Its folder.
        order: Its position in the queue, from 1; None if it has its device.
        device: The device that it has, or needs.
        reason: What it waits for; of a paused run, that it keeps its device.
        seconds: The estimated wait; None where it isn't known, or the run doesn't wait.
        priority: Its priority.
        held: Whether it doesn't start until it is released.
        after: The id of the run that must succeed first, or "".
        per_gpu: How many runs may share its GPU; `AUTO` for as many as measurements allow.
    """

    run: Path
    order: int | None
    device: str
    reason: str = ""
    seconds: float | None = None
    priority: int = 0
    held: bool = False
    after: str = ""
    per_gpu: int = 1

    @property
    def status(self) -> str:
        """Whether it has its device."""
        return "running" if self.order is None else "queued"


@dataclass(frozen=True)
class QueueView:
    """The queue at one moment: running runs first, then the waiting ones in order."""

    rows: tuple[QueueRow, ...] = ()
    sharing: tuple[Sharing, ...] = ()


class _Progress:
    """How far a running run is, from its log, which is read only where it has grown."""

    def __init__(self, folder: Path) -> None:
        self._reader = LogReader(RunDirectory(folder).events)
        self._fold = SnapshotFold(folder.name)
        self._speed = SpeedFold()

    def look(self) -> None:
        """Read what is new."""
        for batch in self._reader.batches():
            for logged in batch:
                self._fold.add(logged)
                self._speed.add(logged)

    @property
    def is_paused(self) -> bool:
        return self._fold.state.paused

    @property
    def seconds(self) -> float | None:
        """How long the run will still take; None where that isn't known, or it is paused."""
        return None if self.is_paused else seconds_left(self._fold.snapshot())

    @property
    def speed(self) -> float | None:
        return 0.0 if self.is_paused else self._speed.now

    @property
    def alone(self) -> float | None:
        return self._speed.alone


class QueueProbe:
    """Looks at all queues of this user on this host, again and again."""

    def __init__(self) -> None:
        self._running: dict[str, _Progress] = {}
        self._machine = Machine()
        self._measured_at = -math.inf

    def look(self) -> QueueView:
        """The queue now."""
        rows: list[QueueRow] = []
        waiting: list[QueueRow] = []
        sharing: list[Sharing] = []
        for queue in existing_queues():
            claims, entries, measured = list(claims_in_use(queue).values()), queue.read(), read_measured(queue)
            self._read({claim.run for claim in claims})
            rows += [self._running_row(claim) for claim in claims]
            sharing += self._sharing(claims, measured)
            waiting += self._waiting_rows(entries, claims, measured)
        return QueueView((*rows, *waiting), tuple(sharing))

    def waiting(self, run: RunDirectory) -> Waiting | None:
        """What one run waits for now; None if it isn't in a queue of this host."""
        for queue in existing_queues():
            entries = queue.read()
            for ahead, entry in enumerate(entries):
                if is_same(Path(entry.run), run.path):
                    claims = list(claims_in_use(queue).values())
                    slots = Slots(claims, self._fresh_machine(read_measured(queue)))
                    refusal = _placements(slots, entries[: ahead + 1])[-1]
                    return self._as_waiting(entry, ahead, refusal)
        return None

    def _as_waiting(self, entry: Entry, ahead: int, refusal: Refusal | None) -> Waiting:
        if refusal is None:
            return Waiting(entry.needs, ahead)
        reason = "" if refusal.reason == f"waits for {entry.needs}" else refusal.reason
        self._read(refusal.behind)
        left = {run: self._running[run].seconds for run in refusal.behind}
        known = {run: seconds for run, seconds in left.items() if seconds is not None}
        first = min(known, key=lambda run: known[run]) if known else next(iter(left), "")
        return Waiting(entry.needs, ahead, Path(first).name, known.get(first), reason)

    def _read(self, runs: Iterable[str]) -> None:
        for run in runs:
            if run not in self._running:
                self._running[run] = _Progress(Path(run))
            self._running[run].look()

    def _fresh_machine(self, measured: Mapping[str, Measured]) -> Machine:
        if time.monotonic() - self._measured_at > _MEASURED_SECONDS:
            self._machine = Machine(memory={model: one.memory for model, one in measured.items()})
            self._measured_at = time.monotonic()
        return self._machine

    def _running_row(self, claim: Claim) -> QueueRow:
        paused = self._running[claim.run].is_paused
        reason = "paused, keeps its device" if paused else ""
        return QueueRow(
            Path(claim.run),
            None,
            claim.device,
            reason,
            priority=claim.priority,
            per_gpu=1 if claim.alone else claim.per_gpu,
        )

    def _waiting_rows(
        self, entries: Sequence[Entry], claims: Sequence[Claim], measured: Mapping[str, Measured]
    ) -> list[QueueRow]:
        machine = self._fresh_machine(measured)
        refusals = _placements(Slots(claims, machine), entries)
        left = [(claim, self._running[claim.run].seconds) for claim in claims]
        waits = estimated_waits(entries, left, self._durations(entries, claims, measured), machine)
        rows = []
        for order, (entry, refusal) in enumerate(zip(entries, refusals, strict=True), 1):
            rows.append(
                QueueRow(
                    Path(entry.run),
                    order,
                    entry.needs,
                    refusal.reason if refusal else "starting",
                    waits.get(entry.run),
                    entry.priority,
                    bool(entry.held),
                    Path(entry.after).name,
                    1 if entry.alone else entry.per_gpu,
                )
            )
        return rows

    def _durations(
        self, entries: Sequence[Entry], claims: Sequence[Claim], measured: Mapping[str, Measured]
    ) -> dict[str, float]:
        """How long queued runs will take, by the speed of running or earlier runs of their model, where known."""
        speeds = {model: max(one.speeds.values()) for model, one in measured.items() if one.speeds}
        running = ((claim.model, self._running[claim.run].speed) for claim in claims)
        speeds |= {model: speed for model, speed in running if speed}
        return {
            entry.run: entry.images / speed for entry in entries if entry.images and (speed := speeds.get(entry.model))
        }

    def _sharing(self, claims: Sequence[Claim], measured: Mapping[str, Measured]) -> list[Sharing]:
        devices: dict[str, list[Claim]] = {}
        for claim in claims:
            devices.setdefault(claim.gpu, []).append(claim)
        found = []
        for gpu, here in devices.items():
            if len(here) < 2:
                continue
            speeds = {claim.run: self._running[claim.run].speed for claim in here}
            alone = {
                claim.run: self._running[claim.run].alone
                or measured.get(claim.model, Measured()).speeds.get(gpu or "cpu")
                for claim in here
            }
            found.append(Sharing(here[0].device, speeds, alone))
        return found


class WaitProbe:
    """Finds out what one run waits for; the logs of the runs before it are read only where they have grown."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._probe = QueueProbe()

    def look(self) -> Waiting | None:
        """What it waits for now; None if it isn't in a queue of this host."""
        return self._probe.waiting(self._run)


def _placements(slots: Slots, entries: Sequence[Entry]) -> list[Refusal | None]:
    """Why each queued run waits; None for those that are about to start."""
    refusals: list[Refusal | None] = []
    for entry in entries:
        placed = slots.place(entry)
        if isinstance(placed, Refusal):
            slots.wait(entry, placed)
            refusals.append(placed)
        else:
            slots.take(placed)
            refusals.append(None)
    return refusals
