"""The page "Why the CNN wins": each claim under both recipes, by the best run of each version that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.probes.claim import Claim
from fmnist_tui.analysis.probes.claims import claims
from fmnist_tui.analysis.probes.kept import Findings, read_findings
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.training.recipes import RECIPES


@dataclass(frozen=True)
class Section:
    """One recipe's claims.

    Attributes:
        recipe: "tuned" or "origin".
        found: What is known of the best run of each version that has one, by version.
        gain: Mean test accuracy of v3 less that of v0 (0 to 1); None where one of them has no run.
        claims: All of them.
    """

    recipe: str
    found: dict[str, Findings]
    gain: float | None
    claims: tuple[Claim, ...]


def sections(records: Sequence[RunRecord]) -> tuple[Section, ...]:
    """A section for each recipe that has runs; for the tuned one in any case."""
    made = [section(records, recipe) for recipe in RECIPES]
    return tuple(one for one in made if one.found) or (made[0],)


def section(records: Sequence[RunRecord], recipe: str) -> Section:
    """The claims about the runs that count under a recipe."""
    comparison = compare(records, recipe)
    by_id = {record.run_id: record for record in records}
    found = {one.version: read_findings(by_id[one.best_run]) for one in comparison.versions}
    gain = comparison.total_gain if {"v0", "v3"} <= found.keys() else None
    return Section(recipe, found, gain, claims(recipe, found, gain))
