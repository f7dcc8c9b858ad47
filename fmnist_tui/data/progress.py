"""What a slow step tells its caller while it works, and how the caller stops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fmnist_tui.data.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come.

    Attributes:
        what: The step, in a few words, such as "fetching train-images-idx3-ubyte.gz".
        done: Bytes so far.
        total: Bytes in all, or None where that is not known.
    """

    what: str
    done: int
    total: int | None


Report = Callable[[Progress], None]
Stop = Callable[[], bool]


def quiet(_: Progress) -> None:
    """Report to nobody."""


def never() -> bool:
    """Never stop."""
    return False


def check(cancelled: Stop) -> None:
    """Raise `Cancelled` if the caller wants to stop."""
    if cancelled():
        raise Cancelled("stopped before it was done")
