"""The claims of the original project, each under both recipes, and an analysis as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.probes.cache import Findings, Result, read_findings
from fmnist_tui.analysis.probes.claim import Claim
from fmnist_tui.analysis.probes.claims import claims
from fmnist_tui.analysis.probes.log_measures import EARLY, Convergence, Efficiency, Gaps
from fmnist_tui.analysis.probes.model_measures import DIRECTIONS, LARGEST, Fit, Shifts
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped, percent
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


def sections(records: Sequence[Run]) -> tuple[Section, ...]:
    """A section for each recipe that has runs; for the tuned one in any case."""
    made = [section(records, recipe) for recipe in RECIPES]
    return tuple(one for one in made if one.found) or (made[0],)


def section(records: Sequence[Run], recipe: str) -> Section:
    """The claims about the runs that count under a recipe."""
    comparison = compare(records, recipe)
    by_id = {record.run_id: record for record in records}
    found = {one.version: read_findings(by_id[one.best_run]) for one in comparison.versions}
    gain = comparison.total_gain if {"v0", "v3"} <= found.keys() else None
    return Section(recipe, found, gain, claims(recipe, found, gain))


def lines(result: Result) -> list[str]:
    """A few lines, none of them longer than a terminal is wide, but for runs of many epochs."""
    match result:
        case Shifts():
            return _shifts(result)
        case Permuted():
            return _permuted(result)
        case Efficiency():
            return _efficiency(result)
        case Fit():
            return _fit(result)
        case Gaps():
            return _gaps(result)
        case Convergence():
            return _convergence(result)


def _shifts(found: Shifts) -> list[str]:
    head = f"{'shift by (pixels)':<18}" + "".join(f"{by:>9}" for by in range(LARGEST + 1))
    rows = {**dict(zip(DIRECTIONS, found.directions, strict=True)), "mean": found.mean}
    return [head, *(f"{name:<18}" + "".join(f"{share:>9.2%}" for share in row) for name, row in rows.items())]


def _permuted(found: Permuted) -> list[str]:
    return [
        f"{found.epochs} epochs on {grouped(found.limit)} images without augmentation, seed {found.seed}",
        f"pixels in place   test {percent(found.plain_test)}, validation {percent(found.plain_validation)}",
        f"pixels permuted   test {percent(found.permuted_test)}, validation {percent(found.permuted_validation)}",
    ]


def _efficiency(found: Efficiency) -> list[str]:
    by_parameters = f"{found.points_per_million_parameters:.1f} points of accuracy per million"
    by_work = f"{found.points_per_million_multiply_adds:.1f} points of accuracy per million"
    return [
        f"{percent(found.accuracy)} on the test images",
        f"{grouped(found.parameters)} parameters ({by_parameters})",
        f"{grouped(found.multiply_adds)} multiply-adds an image ({by_work})",
    ]


def _fit(found: Fit) -> list[str]:
    learned, unseen = grouped(found.train_images), grouped(found.validation_images)
    return [
        f"{learned} images learned from: NLL {found.train_nll:.4f}, {percent(found.train_accuracy)} right",
        f"{unseen} never seen: NLL {found.validation_nll:.4f}, {percent(found.validation_accuracy)} right",
    ]


def _gaps(found: Gaps) -> list[str]:
    points = [100 * share for share in found.accuracy]
    return [
        f"loss, validation less training, by epoch: {_listed(found.loss, '+.3f')}",
        f"accuracy, training less validation, in points: {_listed(points, '+.2f')}",
    ]


def _listed(values: Sequence[float], form: str) -> str:
    return " ".join(format(value, form) for value in values)


def _convergence(found: Convergence) -> list[str]:
    early = "not to be told" if found.early_loss is None else f"{found.early_loss:.4f}"
    return [
        f"training loss {found.first_loss:.4f} at first, {early} at step {EARLY}, "
        f"{found.end_loss:.4f} at the end (step {found.steps})",
        f"validation loss below training loss in {found.below} of {found.epochs} epochs",
        f"validation loss {found.lowest_validation:.4f} at its lowest (epoch {found.lowest_epoch}), "
        f"{found.last_validation:.4f} at the end (NLL {found.last_nll:.4f})",
    ]
