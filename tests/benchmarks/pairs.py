"""Measurements in pairs, in the order ABBA: a drift of the machine's speed falls on both alike."""

from __future__ import annotations

from collections.abc import Callable


def in_pairs(first: Callable[[], float], second: Callable[[], float], count: int) -> list[tuple[float, float]]:
    """What both measured, pair by pair; the second one begins every other pair."""
    found = []
    for number in range(count):
        if number % 2:
            later = second()
            found.append((first(), later))
        else:
            found.append((first(), second()))
    return found


def ratios(pairs: list[tuple[float, float]]) -> list[float]:
    """The first over the second, pair by pair."""
    return [first / second for first, second in pairs]
