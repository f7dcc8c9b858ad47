"""What `fmnist-tui analyse` prints: of each run its figures, of each recipe the claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import click

from fmnist_tui.analysis.counting import why_not_counted
from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.claims import SCOPE
from fmnist_tui.analysis.probes.kept import Findings, Result, as_json
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.analysis.probes.words import lines
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.text import safe


@dataclass
class Analysed:
    """A run and what came of its analyses; `kept` names those that were there before, `faults` why one couldn't be."""

    record: RunRecord
    analyses: dict[str, Result] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> Findings:
        """For the claims."""
        found: dict[str, Any] = self.analyses
        return Findings(self.record, **found)


def print_analysed(analysed: Sequence[Analysed], told: Mapping[str, tuple[Claim, ...]]) -> None:
    """Each run's figures, then each recipe's claims."""
    for one in analysed:
        click.echo(safe(f"{one.record.run_id}, recipe {one.record.recipe}"))
        for name, result in one.analyses.items():
            click.echo(f"  {name}")
            for line in lines(result):
                click.echo(f"    {line}")
        click.echo()
    for recipe, all_of_it in told.items():
        click.echo(safe(f"why the CNN wins, recipe {recipe}"))
        click.echo(f"  {SCOPE}")
        _print_caveats([one.record for one in analysed if one.record.recipe == recipe], recipe)
        for claim in all_of_it:
            if claim.verdict is not Verdict.MISSING:
                click.echo(f"  {claim.title}: {claim.verdict}\n    {claim.number}\n    {claim.how}.")
        if lacking := [claim.title for claim in all_of_it if claim.verdict is Verdict.MISSING]:
            click.echo(f"  {Verdict.MISSING}, for want of runs or analyses: {', '.join(lacking)}")


def _print_caveats(records: Sequence[RunRecord], recipe: str) -> None:
    """Which of the runs don't count, and which are in no claim."""
    for record in records:
        if why := why_not_counted(record, recipe):
            click.echo(safe(f"  {record.run_id} does not count: {why}"))
        if not record.is_comparable_with(records[0]):
            click.echo(safe(f"  {record.run_id} is in none of these claims: it is on other images than the first"))


def analysed_json(analysed: Sequence[Analysed], told: Mapping[str, tuple[Claim, ...]]) -> dict[str, Any]:
    """What `--json` prints.

    Keys: "runs", a list of objects with "run", "version", "recipe", "seed", "analyses" (by name, as they are kept),
    "kept" (names of those that were there before), "faults" (by name, why one couldn't be made or kept) and
    "not_counted" (why it doesn't count under its recipe; null where it does); "claims", a list of objects with
    "recipe", "title", "says", "verdict" ("holds", "does not hold", "can't be told", "not measured yet"), "number",
    "how" and "missing" (commands that measure what is missing).

    The analyses' own keys: shifts "images", "up", "down", "left", "right" (accuracies under shifts of 0 to 4 pixels),
    "mean"; permuted "epochs", "limit", "test_images", "seed", "plain_validation", "plain_test",
    "permuted_validation", "permuted_test"; efficiency "accuracy", "parameters", "multiply_adds"; fit "train_images",
    "validation_images", "train_nll", "validation_nll", "train_accuracy", "validation_accuracy", "nll_gap_error"; gaps
    "train_loss", "validation_loss", "train_accuracy", "validation_accuracy" (one value an epoch); convergence "steps",
    "first_loss", "early_loss", "end_loss", "epochs", "below", "lowest_validation", "lowest_epoch", "last_validation",
    "last_nll".
    """
    return {
        "runs": [
            {
                "run": one.record.run_id,
                "version": one.record.version,
                "recipe": one.record.recipe,
                "seed": one.record.seed,
                "analyses": {name: _result_json(result) for name, result in one.analyses.items()},
                "kept": one.kept,
                "faults": one.faults,
                "not_counted": why_not_counted(one.record, one.record.recipe),
            }
            for one in analysed
        ],
        "claims": [{"recipe": recipe, **asdict(claim)} for recipe, all_of_it in told.items() for claim in all_of_it],
    }


def _result_json(result: Result) -> dict[str, Any]:
    return as_json(result) | ({"mean": list(result.mean)} if isinstance(result, Shifts) else {})
