"""When queued runs will start: the queue's rules, played ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from fmnist_tui.runs.queue.devices import Claim
from fmnist_tui.runs.queue.slots import Machine, Refusal, Slots
from fmnist_tui.runs.queue.store import AUTO, Entry

_FORESEEN = 500
"""Queued runs whose wait is estimated."""


def estimated_waits(
    entries: Sequence[Entry],
    running: Sequence[tuple[Claim, float | None]],
    durations: Mapping[str, float],
    machine: Machine,
) -> dict[str, float]:
    """Seconds until queued runs start, by their folders, where that can be estimated: the queue's rules, played ahead.

    Args:
        entries: The queue.
        running: The devices in use, and how long each will be.
        durations: How long queued runs will take, where that is known.
        machine: The machine. Other people's processes are taken to stay; where measurements decide how many runs share
            a GPU, as many as do now.
    """
    here = [claim.gpu for claim, _ in running if claim.gpu]
    most = max([here.count(gpu) for gpu in here], default=1)
    unfinished = {claim.run for claim, _ in running} | {entry.run for entry in entries}
    waiting = [replace(one, per_gpu=most) if one.per_gpu == AUTO else one for one in entries if not one.held]
    waiting = [one for one in waiting[:_FORESEEN] if not one.after or one.after in unfinished]
    ends = [(math.inf if seconds is None else seconds, claim) for claim, seconds in running]
    waits: dict[str, float] = {}
    now = 0.0
    while waiting and not math.isinf(now):
        waiting, started = _pass(waiting, [claim for _, claim in ends], unfinished, machine)
        for claim in started:
            waits[claim.run] = now
            ends.append((now + durations.get(claim.run, math.inf), claim))
        now = min((end for end, _ in ends), default=math.inf)
        unfinished -= {claim.run for end, claim in ends if end <= now}
        ends = [(end, claim) for end, claim in ends if end > now]
    return waits


def _pass(
    waiting: Sequence[Entry], claims: Sequence[Claim], unfinished: set[str], machine: Machine
) -> tuple[list[Entry], list[Claim]]:
    """One look at the queue: which runs still wait, and what the others have got.

    Where one run was refused, those behind it that need the same are, too.
    """
    slots, refused = Slots(claims, machine), set[tuple[object, ...]]()
    left: list[Entry] = []
    started: list[Claim] = []
    for entry in waiting:
        needs = (entry.gpus, entry.per_gpu, entry.alone, entry.avoid_busy, entry.cpus, entry.threads, entry.cpu_slots)
        if needs in refused or entry.after in unfinished:
            left.append(entry)
            continue
        placed = slots.place(replace(entry, after=""))
        if isinstance(placed, Refusal):
            refused.add(needs)
            slots.wait(entry, placed)
            left.append(entry)
        else:
            slots.take(placed)
            started.append(placed)
    return left, started
