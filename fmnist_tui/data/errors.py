"""What can go wrong with data, in words for the person who has to act on it."""

from __future__ import annotations

from fmnist_tui.text import safe


class DataError(Exception):
    """Data that cannot be had or is not right. `str(error)` is one line that says what to do.

    Attributes:
        problem: What is wrong, and with which file.
        advice: What to do about it; empty where there is nothing to add.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        self.problem = safe(problem)
        self.advice = safe(advice)
        super().__init__(f"{self.problem}; {self.advice}" if advice else self.problem)


class Cancelled(Exception):
    """The caller asked to stop: its `cancelled()` turned true."""


def reason(error: Exception) -> str:
    """Say in a few words why the system or the network refused something."""
    cause = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    if isinstance(cause, Exception) and cause is not error:
        return reason(cause)
    return str(cause) or type(error).__name__
