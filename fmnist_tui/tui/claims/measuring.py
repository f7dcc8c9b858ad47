"""The page "Why the CNN wins": its text, and the thread that measures what is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from textual.message import Message

from fmnist_tui.analysis.probes.claims import SCOPE, Section, sections
from fmnist_tui.analysis.probes.common import EXPECTED_ERRORS, Claim, Verdict
from fmnist_tui.data import Cancelled
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.messages import Failed, Post

_STYLES = {
    Verdict.SUPPORTED: "bold green",
    Verdict.NOT_SUPPORTED: "bold red",
    Verdict.INCONCLUSIVE: "bold",
    Verdict.NOT_MEASURED: "dim",
}
_PROGRESS_SECONDS = 0.5


class ClaimsLoaded(Message):
    """The claims as they are now, a section for each recipe."""

    def __init__(self, loaded: tuple[Section, ...]) -> None:
        super().__init__()
        self.sections = loaded


class MeasureProgress(Message):
    """The fraction (0 to 1) of all measurements that is done, and the current step."""

    def __init__(self, fraction: float, step: str) -> None:
        super().__init__()
        self.fraction = fraction
        self.step = step


class MeasuringEnded(Message):
    """Everything possible is measured, or measuring was cancelled."""


def claims_text(sections: Sequence[Section]) -> Group:
    """All claims, one below the other."""
    recipes = [section.recipe for section in sections]
    by_claim = zip(*(section.claims for section in sections), strict=True)
    return Group(_header(sections), *(_claim(list(zip(recipes, claims, strict=True))) for claims in by_claim))


def tally(sections: Sequence[Section]) -> str:
    """The number of claims with each verdict, by recipe, on one line."""
    return "; ".join(f"{section.recipe}: {_count_verdicts(section.claims)}" for section in sections)


def _count_verdicts(claims: Sequence[Claim]) -> str:
    counts = [(verdict, sum(claim.verdict is verdict for claim in claims)) for verdict in Verdict]
    return ", ".join(f"{verdict} {count}" for verdict, count in counts if count)


def _header(sections: Sequence[Section]) -> Padding:
    """The runs that the claims are checked on, and what can be done here."""
    lines = [
        f"{section.recipe}: {' '.join(one.record.run_id for one in section.found.values()) or 'no eligible runs yet'}"
        for section in sections
    ]
    lines.append(SCOPE)
    if any(claim.missing for section in sections for claim in section.claims):
        lines.append(
            "m measures what is missing and needs no training. For runs that aren't eligible: fmnist-tui analyse RUN"
        )
    return Padding(Text("\n".join(lines), style="dim"), (0, 0, 1, 0))


def _claim(by_recipe: Sequence[tuple[str, Claim]]) -> Padding:
    """One claim: the statement, then the verdict for each recipe, then the method."""
    first = by_recipe[0][1]
    if len({(claim.verdict, claim.measured) for _, claim in by_recipe}) == 1 and first.verdict is Verdict.INCONCLUSIVE:
        by_recipe = [("", first)]
    measured = [line for recipe, claim in by_recipe for line in _measured(recipe, claim)]
    methods = dict.fromkeys(f"{claim.method}." for _, claim in by_recipe)
    heading = Text.assemble((first.title, "bold"), f": {first.statement}")
    return Padding(Group(heading, *measured, Text("\n".join(methods), style="dim")), (0, 0, 1, 0))


def _measured(recipe: str, claim: Claim) -> Iterator[RenderableType]:
    """The verdict, and below it the measurements and what is missing."""
    yield Text.assemble(f"{recipe}: " if recipe else "", (str(claim.verdict), _STYLES[claim.verdict]))
    lines = [claim.measured] if claim.measured else []
    lines += [f"to measure it: {command}" for command in claim.missing]
    yield Padding(Text("\n".join(lines)), (0, 0, 0, 2))


def load_claims(records: Sequence[Run], post: Post) -> None:
    """Reads the claims from the analyses saved with the runs."""
    post(ClaimsLoaded(sections(records)))


def measure(folders: AppPaths, records: Sequence[Run], post: Post, stop: threading.Event) -> None:
    """Computes the page's missing analyses that need no training; posts the claims after each."""
    try:
        for error in _measure_missing(folders, records, post, stop):
            post(Failed(error))
    except Cancelled:
        pass
    finally:
        post(MeasuringEnded())


def _measure_missing(folders: AppPaths, records: Sequence[Run], post: Post, stop: threading.Event) -> Sequence[str]:
    """The reasons why some analyses weren't possible, each once."""
    from fmnist_tui.analysis.probes.analyses import AnalysisOptions, Datasets, analyse

    options = AnalysisOptions(Datasets(folders.data, folders.cache))
    missing = _missing(records)
    errors: dict[str, None] = {}
    for index, (record, name) in enumerate(missing):
        what = f"{record.version} {record.recipe} {name}"
        post(MeasureProgress(index / len(missing), what))
        try:
            outcome = analyse(record, name, options, _throttled(post, index, len(missing), what), stop.is_set)
        except EXPECTED_ERRORS as error:
            errors[str(error)] = None
            continue
        if outcome.not_saved:
            errors[outcome.not_saved] = None
        load_claims(records, post)
    return list(errors)


def _missing(records: Sequence[Run]) -> list[tuple[Run, str]]:
    """The analyses that aren't saved: the quick ones first."""
    from fmnist_tui.analysis.probes.analyses import WITHOUT_TRAINING

    found = [one for section in sections(records) for one in section.found.values()]
    names = sorted(WITHOUT_TRAINING, key=lambda name: (name == "shifts", name == "fit"))
    return [(one.record, name) for name in names for one in found if getattr(one, name) is None]


def _throttled(post: Post, index: int, count: int, what: str) -> Callable[[float, str], None]:
    due = 0.0

    def report(fraction: float, step: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _PROGRESS_SECONDS
            post(MeasureProgress((index + fraction) / count, f"{what}, {step}"))

    return report
