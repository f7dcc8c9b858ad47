"""What a worker thread does for the page "Why the CNN wins": it reads what is kept, and computes what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from textual.message import Message

from fmnist_tui.analysis.probes.page import Section, sections
from fmnist_tui.analysis.probes.telling import EXPECTED
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.data import Cancelled
from fmnist_tui.runs.places import Folders
from fmnist_tui.tui.messages import Failed, Post

_TELL_SECONDS = 0.5


class Told(Message):
    """What is known now, a section for each recipe."""

    def __init__(self, told: tuple[Section, ...]) -> None:
        super().__init__()
        self.sections = told


class Measured(Message):
    """How far the measuring is."""

    def __init__(self, share: float, words: str) -> None:
        super().__init__()
        self.share = share
        self.words = words


class MeasuringEnded(Message):
    """There is nothing more to measure, or somebody stopped it."""


def tell(records: Sequence[RunRecord], post: Post) -> None:
    """Reads the claims from what is kept of the runs."""
    post(Told(sections(records)))


def measure(folders: Folders, records: Sequence[RunRecord], post: Post, stop: threading.Event) -> None:
    """Computes what is missing of the runs on the page, as far as no training is needed; tells after each analysis."""
    try:
        for fault in _faults(folders, records, post, stop):
            post(Failed(fault))
    except Cancelled:
        pass
    finally:
        post(MeasuringEnded())


def _faults(folders: Folders, records: Sequence[RunRecord], post: Post, stop: threading.Event) -> Sequence[str]:
    """Why some of it can't be made, each once."""
    from fmnist_tui.analysis.probes.analysing import Images, Wish, analyse

    wish = Wish(Images(folders.data, folders.cache))
    lacking = _lacking(records)
    faults: dict[str, None] = {}
    for place, (record, name) in enumerate(lacking):
        what = f"{record.version} {record.recipe} {name}"
        post(Measured(place / len(lacking), what))
        try:
            made = analyse(record, name, wish, _throttled(post, place, len(lacking), what), stop.is_set)
        except EXPECTED as error:
            faults[str(error)] = None
            continue
        if made.unkept:
            faults[made.unkept] = None
        tell(records, post)
    return list(faults)


def _lacking(records: Sequence[RunRecord]) -> list[tuple[RunRecord, str]]:
    """What is not kept: the quick ones first."""
    from fmnist_tui.analysis.probes.analysing import CHEAP

    found = [one for section in sections(records) for one in section.found.values()]
    names = sorted(CHEAP, key=lambda name: (name == "shifts", name == "fit"))
    return [(one.record, name) for name in names for one in found if getattr(one, name) is None]


def _throttled(post: Post, place: int, count: int, what: str) -> Callable[[float, str], None]:
    due = 0.0

    def report(share: float, words: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _TELL_SECONDS
            post(Measured((place + share) / count, f"{what}, {words}"))

    return report
