"""The result of one check of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """The outcome of a check: fine, worth knowing, or something doesn't work."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """A check and its result; the fields are the keys of `doctor --json`.

    Attributes:
        check: The check's name.
        state: Its outcome.
        seen: What was found, as one line. It may contain text from commands and files: make it safe before printing.
        advice: What to do about it, as one line; "" if there is nothing to do.
    """

    check: str
    state: CheckState
    seen: str
    advice: str = ""
