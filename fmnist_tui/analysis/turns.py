"""Measuring several things in turn, so that what else the machine does befalls all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 5
Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Work:
    """Something that can be done so many times, with a name to tell; it returns when it is done."""

    name: str
    do: Callable[[int], None]


def rates(works: Sequence[Work], seconds: float, tell: Tell) -> list[list[float]]:
    """How often a second each is done, in each of the rounds; the order turns round from round to round.

    Args:
        works: What to measure.
        seconds: How long it may take in all, roughly; a step that takes longer than its share takes what it takes.
        tell: Told what is measured now, and which share of all is done.

    Returns:
        For each of the works one rate a round: those in the same place were measured close together.
    """
    share = seconds / (len(works) * (ROUNDS + 1))
    times = []
    for place, work in enumerate(works):
        tell(place / len(works) / (ROUNDS + 1), f"warming up {work.name}")
        times.append(_times_in(work, share))
    found: list[list[float]] = [[] for _ in works]
    for number in range(ROUNDS):
        order = range(len(works))
        for done, place in enumerate(reversed(order) if number % 2 else order):
            tell((number + 1 + done / len(works)) / (ROUNDS + 1), works[place].name)
            found[place].append(_rate(works[place], times[place]))
    return found


def _rate(work: Work, times: int) -> float:
    work.do(1)  # finds the caches full of something else
    begun = time.perf_counter()
    work.do(times)
    return times / (time.perf_counter() - begun)


def _times_in(work: Work, seconds: float) -> int:
    """How often it can be done in that time, tried out; so it is warm."""
    times = 1
    work.do(times)
    while True:
        begun = time.perf_counter()
        work.do(times)
        taken = time.perf_counter() - begun
        if taken >= seconds / 4:
            return max(1, round(times * seconds / taken))
        times *= 2
