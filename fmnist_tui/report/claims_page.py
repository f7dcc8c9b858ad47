"""The original project's claims, checked against the eligible runs of each recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.probes.cache import Findings, read_findings
from fmnist_tui.analysis.probes.claims import CNNS, DENSE, claims
from fmnist_tui.analysis.probes.common import Claim
from fmnist_tui.analysis.probes.reference import reference_findings
from fmnist_tui.analysis.reference import references
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES


@dataclass(frozen=True)
class Section:
    """One recipe's claims.

    Attributes:
        recipe: "tuned" or "origin".
        found: What is known of the best run of each model that has one, by model.
        gain: The last CNN's mean test accuracy minus the dense network's (0 to 1); None if one of them has no run.
        claims: All of them.
    """

    recipe: str
    found: dict[str, Findings]
    gain: float | None
    claims: tuple[Claim, ...]


def sections(records: Sequence[Run]) -> tuple[Section, ...]:
    """A section for each recipe that has eligible runs; if there are none, one for the tuned recipe."""
    made = [section(records, recipe) for recipe in RECIPES]
    return tuple(one for one in made if one.found) or (made[0],)


def section(records: Sequence[Run], recipe: str) -> Section:
    """The claims, checked against the eligible runs of one recipe."""
    comparison = compare(records, recipe)
    by_id = {record.run_id: record for record in records}
    found = {one.version: read_findings(by_id[one.best_run]) for one in comparison.versions}
    gain = comparison.total_gain if {DENSE, CNNS[-1]} <= found.keys() else None
    return Section(recipe, found, gain, claims(recipe, found, gain))


def reference_section(recipe: str) -> Section:
    """The claims, checked against the reference runs that come with the package."""
    found, accuracies = reference_findings(recipe), references(recipe)
    known = {DENSE, CNNS[-1]} <= accuracies.keys()
    gain = accuracies[CNNS[-1]].mean - accuracies[DENSE].mean if known else None
    return Section(recipe, found, gain, claims(recipe, found, gain))
