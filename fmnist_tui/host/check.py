"""One line of a check-up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """How a check went: fine, worth knowing, or something doesn't work as it is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One check; its fields are the keys of `doctor --json`.

    Attributes:
        check: What was looked at.
        state: How it went.
        seen: What was seen. It may hold text from commands and files: make it safe before it is printed.
        advice: What to do, one line, or "" where nothing is to be done.
    """

    check: str
    state: CheckState
    seen: str
    advice: str = ""
