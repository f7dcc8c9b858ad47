"""What a slow measurement tells while it works, and how it is left."""

from __future__ import annotations

from collections.abc import Callable


class Left(Exception):
    """Somebody didn't want to wait for it."""


class AnalysisError(Exception):
    """An analysis that can't be made of a run; its text is one line that says why, and what to do."""


Report = Callable[[float, str], None]
"""Takes the share that is done (0 to 1) and a few words; must not wait."""
Stop = Callable[[], bool]
"""Asked several times a second whether to leave."""


def quiet(share: float, words: str) -> None:
    """Reports to nobody."""


def never() -> bool:
    """Never leaves."""
    return False


def check(stop: Stop) -> None:
    """Says nothing, or leaves.

    Raises:
        Left: `stop` turned true.
    """
    if stop():
        raise Left
