"""Which queued run may start on which device, and why the others wait: the one place with the rules of the queue."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fmnist_tui.host.gpu import Gpu, GpuProcess, gpu_title, others_on, processes_text, user_name
from fmnist_tui.host.gpus import query_gpus
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.queue.after import Outcome, outcome_of
from fmnist_tui.runs.queue.devices import Claim
from fmnist_tui.runs.queue.store import AUTO, Entry
from fmnist_tui.text import amount

FRESH_SECONDS = 30.0
"""How long a run takes until its memory and utilisation can be measured."""
MAX_AUTO = 8
"""Runs on a GPU, if their number is left to measurements."""
MAX_BUSY = 70
"""Percent of utilisation, above which another run would mostly slow down the others."""
_RESERVE = 0.05
"""Fraction of a GPU's memory that stays free."""
_UNKNOWN_FRACTION = 0.25
"""Fraction of a GPU's memory that a run of a model needs which hasn't been measured."""
_NOBODY = -1


@dataclass(frozen=True)
class Refusal:
    """Why a run can't start now.

    Attributes:
        reason: A line for people: "GPU 0 is used by alice: python (12.3 GB)".
        behind: The runs whose device it waits for.
        is_measured: Whether it depends on measurements, so that nothing announces when it is over.
        reserves: The devices that no later run takes before this one; a CPU is "".
        is_final: Whether it can't start at all until somebody releases it: `reason` is why.
        is_left_to_others: Whether a GPU is left to other people who use it.
        is_for_run: Whether it waits for another run to succeed.
    """

    reason: str
    behind: tuple[str, ...] = ()
    is_measured: bool = False
    reserves: frozenset[str] = frozenset()
    is_final: bool = False
    is_left_to_others: bool = False
    is_for_run: bool = False


@dataclass(frozen=True)
class Machine:
    """What the rules ask about the GPUs: each question is asked once, and only if an answer depends on it.

    Attributes:
        query: The GPUs as the driver reports them.
        memory: Bytes that runs of a model were seen to need.
        now: The time (unix seconds).
    """

    query: Callable[[], Sequence[Gpu]] = lambda: query_gpus({})
    memory: Mapping[str, int] = field(default_factory=dict)
    now: Callable[[], float] = time.time

    @cached_property
    def gpus(self) -> Mapping[str, Gpu]:
        """The GPUs, by key."""
        return {gpu.key: gpu for gpu in self.query()}


class Slots:
    """The devices that are left, given those in use and the runs that wait in front."""

    def __init__(self, claims: Iterable[Claim], machine: Machine | None = None) -> None:
        self._claims = list(claims)
        self._machine = machine or Machine()
        self._reserved: set[str] = set()
        self._waiting_on_cpus: list[Entry] = []

    def place(self, entry: Entry) -> Claim | Refusal:
        """The device on which a run can start now, or why there is none; changes nothing."""
        if entry.held:
            return Refusal(entry.held, is_final=True)
        if entry.after:
            outcome, reason = outcome_of(Path(entry.after))
            if outcome is not Outcome.SUCCEEDED:
                return Refusal(reason, is_measured=True, is_final=outcome is Outcome.FAILED, is_for_run=True)
        return self._on_gpu(entry) if entry.gpus else self._on_cpus(entry)

    def take(self, claim: Claim) -> None:
        """From now on this device is in use."""
        self._claims.append(claim)

    def give_back(self, claim: Claim) -> None:
        """The device isn't in use after all."""
        self._claims.remove(claim)

    def wait(self, entry: Entry, refusal: Refusal) -> None:
        """From now on no later run takes the devices that this one waits for."""
        self._reserved |= refusal.reserves
        if "" in refusal.reserves:
            self._waiting_on_cpus.append(entry)

    def _on_gpu(self, entry: Entry) -> Claim | Refusal:
        refusals = [self._refusal(entry, key) for key, _ in entry.gpus]
        usable = [order for order, refusal in enumerate(refusals) if refusal is None]
        if not usable:
            return _joint([one for one in refusals if one is not None])

        def load(order: int) -> tuple[bool, int, int]:
            key = entry.gpus[order][0]
            return self._is_used_by_others(entry, key), len(self._on(key)), order

        key, index = entry.gpus[min(usable, key=load)]
        return Claim(
            run=entry.run,
            gpu=key,
            index=index,
            per_gpu=entry.per_gpu,
            alone=entry.alone,
            since=self._machine.now(),
            model=entry.model,
            priority=entry.priority,
            avoid_busy=entry.avoid_busy,
        )

    def _refusal(self, entry: Entry, key: str) -> Refusal | None:
        """Why a run can't start on this GPU; None if it can."""
        here = self._on(key)
        behind, reserves = tuple(claim.run for claim in here), frozenset((key,))
        if len(here) >= min([_limit(entry), *map(_limit, here)]):
            alone = " alone" if entry.alone else ""
            return Refusal(f"waits for {entry.needs}{alone}", behind, reserves=reserves)
        if key in self._reserved:
            return Refusal(f"waits for {entry.needs}", behind, reserves=reserves)
        if entry.avoid_busy and (others := self._other_people_on(key)):
            gpu = self._machine.gpus[key]
            return Refusal(
                f"{gpu_title(gpu)} is used by {processes_text(others)}", is_measured=True, is_left_to_others=True
            )
        if entry.per_gpu == AUTO and here and (full := self._full(entry, key, here)):
            return Refusal(full, behind, is_measured=True, reserves=reserves)
        return None

    def _full(self, entry: Entry, key: str, here: Sequence[Claim]) -> str:
        """Why a GPU with runs on it has no room for another one, by measurements; "" if it has."""
        gpu, now = self._machine.gpus.get(key), self._machine.now()
        if gpu is None or not gpu.total:
            return f"waits for {entry.needs}: its free memory isn't known"
        if any(0 <= now - claim.since < FRESH_SECONDS for claim in here):
            return f"waits until {gpu_title(gpu)} can be measured: a run has just started there"
        needed = self._memory(entry.model) or int(_UNKNOWN_FRACTION * gpu.total)
        if gpu.free < needed + _RESERVE * gpu.total:
            return f"{gpu_title(gpu)} has {amount(gpu.free)} free; the run needs about {amount(needed)}"
        if gpu.busy is not None and gpu.busy > MAX_BUSY:
            return f"{gpu_title(gpu)} is {gpu.busy}% busy"
        return ""

    def _memory(self, model: str) -> int:
        """Bytes that runs of a model need: the most that was seen, or that those on the GPUs use now; 0 if unknown."""
        pids = {_pid(claim) for claim in self._claims if claim.gpu and claim.model == model}
        listed = [one.used or 0 for gpu in self._machine.gpus.values() for one in gpu.processes if one.pid in pids]
        return max([self._machine.memory.get(model, 0), *listed])

    def _other_people_on(self, key: str) -> tuple[GpuProcess, ...]:
        """Other people's processes on a GPU; those that aren't visible here count, unless they may be our trainers'."""
        gpu = self._machine.gpus.get(key)
        if gpu is None:
            return ()
        return other_people_on(gpu, [_pid(claim) for claim in self._on(key)])

    def _is_used_by_others(self, entry: Entry, key: str) -> bool:
        """Whether other processes use a GPU, also this user's; asked only if the run has a choice."""
        if len(entry.gpus) < 2 or (gpu := self._machine.gpus.get(key)) is None:
            return False
        trainers = [_pid(claim) for claim in self._on(key)]
        unclaimed = [process for process in gpu.processes if process.pid and process.pid not in trainers]
        return bool(unclaimed or others_on(gpu, trainers))

    def _on(self, key: str) -> list[Claim]:
        return [claim for claim in self._claims if claim.gpu == key]

    def _on_cpus(self, entry: Entry) -> Claim | Refusal:
        here = self._on("")
        mine = set(entry.cpus)
        behind = tuple(claim.run for claim in here if not mine or mine.intersection(claim.cpus))
        if entry.cpu_slots:
            if len(here) + len(self._waiting_on_cpus) >= entry.cpu_slots:
                slots = "the CPU slot" if entry.cpu_slots == 1 else f"one of {entry.cpu_slots} CPU slots"
                return Refusal(f"waits for {slots}", behind, reserves=frozenset(("",)))
            cpus, threads = self._part(entry, here)
        else:
            if not self._has_cpus(entry, here):
                return Refusal(f"waits for {entry.needs}", behind, reserves=frozenset(("",)))
            cpus, threads = entry.cpus, entry.threads
        return Claim(
            run=entry.run,
            cpus=cpus,
            threads=threads,
            cpu_slots=entry.cpu_slots,
            since=self._machine.now(),
            model=entry.model,
            priority=entry.priority,
            avoid_busy=entry.avoid_busy,
        )

    def _has_cpus(self, entry: Entry, here: Sequence[Claim]) -> bool:
        """Whether the runs on the CPUs, and those that wait in front, leave enough of them for its threads."""
        mine = set(entry.cpus)
        left = min(entry.cpu_count, len(mine)) - entry.threads
        users: list[Claim | Entry] = [*here, *self._waiting_on_cpus]
        for user in users:
            if left < 0:
                return False
            left -= min(user.threads, len(mine.intersection(user.cpus)))
        return left >= 0

    def _part(self, entry: Entry, here: Sequence[Claim]) -> tuple[tuple[int, ...], int]:
        """A slot's CPUs, the least used ones, and its threads; a run that has begun keeps its number of threads."""
        part = max(1, min(entry.cpu_count, len(entry.cpus)) // entry.cpu_slots)
        threads = part if entry.any_threads else entry.threads
        used = Counter(cpu for claim in here for cpu in claim.cpus)
        chosen = sorted(entry.cpus, key=lambda cpu: (used[cpu], cpu))[: max(part, threads)]
        return tuple(sorted(chosen)), threads


def other_people_on(gpu: Gpu, own_pids: Iterable[int] = ()) -> tuple[GpuProcess, ...]:
    """Other people's processes on a GPU, and those whose owner isn't visible here.

    Args:
        gpu: A fresh reading.
        own_pids: The trainers that are known to be on it.
    """
    me = user_name(os.getuid())
    return tuple(process for process in others_on(gpu, list(own_pids)) if process.user != me)


def _limit(one: Entry | Claim) -> int:
    """How many runs may be on its GPU."""
    if one.alone:
        return 1
    return MAX_AUTO if one.per_gpu == AUTO else one.per_gpu


def _pid(claim: Claim) -> int:
    beat = read_heartbeat(RunDirectory(Path(claim.run)))
    return beat.pid if beat and beat.pid else _NOBODY


def _joint(refusals: Sequence[Refusal]) -> Refusal:
    """The refusals of all devices as one."""
    reasons = dict.fromkeys(one.reason for one in sorted(refusals, key=lambda one: one.is_measured))
    return Refusal(
        "; ".join(reasons),
        tuple(dict.fromkeys(run for one in refusals for run in one.behind)),
        is_measured=any(one.is_measured for one in refusals),
        reserves=frozenset[str]().union(*(one.reserves for one in refusals)),
        is_left_to_others=any(one.is_left_to_others for one in refusals),
    )
