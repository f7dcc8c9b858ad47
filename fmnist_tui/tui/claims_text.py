"""The page "Why the CNN wins" as text: each claim, under each recipe, its number and how it was got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.claims import SCOPE
from fmnist_tui.analysis.probes.page import Section

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
