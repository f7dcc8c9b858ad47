"""The page "Why the CNN wins": its text, and the measuring behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from textual.message import Message

from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.claims import SCOPE
from fmnist_tui.analysis.probes.errors import EXPECTED
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.data import Cancelled
from fmnist_tui.paths import AppPaths
from fmnist_tui.report.claims_page import Section, sections
from fmnist_tui.tui.messages import Failed, Post

_STYLES = {Verdict.HOLDS: "bold green", Verdict.FAILS: "bold red", Verdict.UNTOLD: "bold", Verdict.MISSING: "dim"}


def claims_text(sections: Sequence[Section]) -> Group:
    """All claims, one below the other."""
    recipes = [section.recipe for section in sections]
    by_claim = zip(*(section.claims for section in sections), strict=True)
    return Group(_head(sections), *(_claim(list(zip(recipes, told, strict=True))) for told in by_claim))


def tally(sections: Sequence[Section]) -> str:
    """How many claims hold, under each recipe, on one line."""
    return "; ".join(f"{section.recipe}: {_counted(section.claims)}" for section in sections)


def _counted(claims: Sequence[Claim]) -> str:
    counts = [(verdict, sum(claim.verdict is verdict for claim in claims)) for verdict in Verdict]
    return ", ".join(f"{verdict} {count}" for verdict, count in counts if count)


def _head(sections: Sequence[Section]) -> Padding:
    """Whose figures these are, and what can be done here."""
    runs = [
        f"{section.recipe}: {' '.join(one.record.run_id for one in section.found.values()) or 'no run counts yet'}"
        for section in sections
    ]
    lacking = any(claim.missing for section in sections for claim in section.claims)
    advice = ["m measures what is missing and needs no training. Of runs that don't count: fmnist-tui analyse RUN RUN"]
    advice = advice if lacking else []
    return Padding(Text("\n".join([*runs, SCOPE, *advice]), style="dim"), (0, 0, 1, 0))


def _claim(told: Sequence[tuple[str, Claim]]) -> Padding:
    """One claim: what the origin says, then a line a recipe, then how it was got."""
    first = told[0][1]
    if len({(claim.verdict, claim.number) for _, claim in told}) == 1 and first.verdict is Verdict.UNTOLD:
        told = [("", first)]
    measured = [part for recipe, claim in told for part in _measured(recipe, claim)]
    hows = dict.fromkeys(f"{claim.how}." for _, claim in told)
    heading = Text.assemble((first.title, "bold"), f": {first.says}")
    return Padding(Group(heading, *measured, Text("\n".join(hows), style="dim")), (0, 0, 1, 0))


def _measured(recipe: str, claim: Claim) -> Iterator[RenderableType]:
    """The verdict, and below it what it rests on and what is missing."""
    yield Text.assemble(f"{recipe}: " if recipe else "", (str(claim.verdict), _STYLES[claim.verdict]))
    lines = [claim.number] if claim.number else []
    lines += [f"to measure it: {command}" for command in claim.missing]
    yield Padding(Text("\n".join(lines)), (0, 0, 0, 2))


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


def measure(folders: AppPaths, records: Sequence[RunRecord], post: Post, stop: threading.Event) -> None:
    """Computes what is missing of the runs on the page, as far as no training is needed; tells after each analysis."""
    try:
        for fault in _faults(folders, records, post, stop):
            post(Failed(fault))
    except Cancelled:
        pass
    finally:
        post(MeasuringEnded())


def _faults(folders: AppPaths, records: Sequence[RunRecord], post: Post, stop: threading.Event) -> Sequence[str]:
    """Why some of it can't be made, each once."""
    from fmnist_tui.analysis.probes.analyses import Images, Wish, analyse

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
    from fmnist_tui.analysis.probes.analyses import CHEAP

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
