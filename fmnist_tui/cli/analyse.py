"""`fmnist-tui analyse`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click

from fmnist_tui.analysis.eligibility import why_not_counted
from fmnist_tui.analysis.probes.cache import KINDS, Findings, Result, as_json
from fmnist_tui.analysis.probes.claim import Claim, Verdict
from fmnist_tui.analysis.probes.claims import SCOPE, claims
from fmnist_tui.analysis.probes.errors import EXPECTED, AnalysisError, Report
from fmnist_tui.analysis.probes.model_measures import Shifts
from fmnist_tui.analysis.probes.permuted import EPOCHS, LIMIT
from fmnist_tui.cli.options import complete_run, data_option, json_option, runs_option
from fmnist_tui.cli.output import can_redraw, print_json, show_for_now
from fmnist_tui.paths import cache_folder, data_folder, runs_folder
from fmnist_tui.report.claims_page import lines, section
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.text import safe
from fmnist_tui.training.recipes import RECIPES, recipe_option

if TYPE_CHECKING:
    from fmnist_tui.analysis.probes.analyses import Wish


@dataclass
class Analysed:
    """A run and what came of its analyses; `kept` names those that were there before, `faults` why one couldn't be."""

    record: Run
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


def _print_caveats(records: Sequence[Run], recipe: str) -> None:
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


_ENDS = ("v0", "v3")
_TELL_SECONDS = 0.2


@click.command("analyse")
@click.argument("words", nargs=-1, metavar="[RUN...]", shell_complete=complete_run)
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True, help="Whose best runs.")
@click.option("--only", multiple=True, type=click.Choice(tuple(KINDS)), help="This analysis alone; may be repeated.")
@click.option("--again", is_flag=True, help="Compute what is kept with the runs, too.")
@click.option("--epochs", type=click.IntRange(1, 10_000), metavar="N", help=f"Of `permuted`; {EPOCHS} if not said.")
@click.option(
    "--limit", type=click.IntRange(10, 10_000_000), metavar="N", help=f"Images of `permuted`; {LIMIT} if not said."
)
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@json_option
@data_option
@runs_option
def analyse_command(
    words: tuple[str, ...],
    recipe: str,
    only: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    **settings: Any,
) -> None:
    """Measure what the CNNs are said to be better at, of runs or of the best run of each version.

    shifts: accuracy on test images moved by up to 4 pixels. permuted (v0 and v1): two short trainings, one on pixels
    in a random order. efficiency: accuracy over parameters and multiply-adds. fit: the images it learned from
    against those it never saw. gaps: training against validation as the epochs ran.
    convergence: the loss curve. All are kept with the run.
    """
    from fmnist_tui.analysis.probes.analyses import Images, Wish

    records, gain = _chosen(words, recipe, runs)
    wish = Wish(Images(data_folder(data), cache_folder()), **settings)
    analysed = [_analysed(record, only, wish) for record in records]
    if not any(one.analyses for one in analysed):
        raise AnalysisError(next(why for one in analysed for why in one.faults.values()))
    told = _claims(analysed, gain, asked=bool(words))
    if as_json:
        print_json(analysed_json(analysed, told))
    else:
        print_analysed(analysed, told)
    for one in analysed:
        for why in dict.fromkeys(one.faults.values()):
            names = ", ".join(name for name, fault in one.faults.items() if fault == why)
            click.echo(safe(f"{one.record.run_id}: {names}: {why}"), err=True)


def _chosen(words: Sequence[str], recipe: str, runs: str | None) -> tuple[list[Run], float | None]:
    """The runs that are named, each once, or the recipe's best counting ones; and the latter's total gain."""
    folder = runs_folder(runs)
    if words:
        return [read_run(run) for run in dict.fromkeys(find_readable(folder, word) for word in words)], None
    best = section(read_runs(folder), recipe)
    if not best.found:
        train = f"fmnist-tui train all{recipe_option(recipe)}"
        raise AnalysisError(f"no run counts yet under the recipe {recipe}; name a run, or train: {train}")
    return [one.record for one in best.found.values()], best.gain


def _analysed(record: Run, only: Sequence[str], wish: Wish) -> Analysed:
    """All that was asked for of one run, as far as it can be made."""
    from fmnist_tui.analysis.probes.analyses import analyse, applies

    done = Analysed(record)
    for name in only or [name for name in KINDS if applies(record, name)]:
        with _telling(f"{record.run_id}: {name}") as report:
            try:
                made = analyse(record, name, wish, report)
            except EXPECTED as error:
                done.faults[name] = str(error)
                continue
        done.analyses[name] = made.result
        if made.kept:
            done.kept.append(name)
        if made.unkept:
            done.faults[name] = made.unkept
    return done


@contextmanager
def _telling(what: str) -> Iterator[Report]:
    """Tells on stderr how far it is: a moving line on a terminal, elsewhere one line where it takes its time."""
    moving = can_redraw(sys.stderr)
    due = 0.0
    said = False

    def report(share: float, words: str) -> None:
        nonlocal due, said
        if moving and time.monotonic() >= due:
            due = time.monotonic() + _TELL_SECONDS
            show_for_now(f"{what} {share:.0%}, {words}")
        elif not moving and not said:
            said = True
            click.echo(safe(what), err=True)

    try:
        yield report
    finally:
        show_for_now("")


def _claims(analysed: Sequence[Analysed], gain: float | None, *, asked: bool) -> dict[str, tuple[Claim, ...]]:
    """The claims for each recipe, about the first run of each version that is on the images of the recipe's first."""
    told = {}
    for recipe in dict.fromkeys(one.record.recipe for one in analysed):
        found: dict[str, Findings] = {}
        own = [one for one in analysed if one.record.recipe == recipe]
        common = [one for one in own if one.record.is_comparable_with(own[0].record)]
        for one in sorted(common, key=lambda one: one.record.version):
            found.setdefault(one.record.version, one.findings)
        told[recipe] = claims(recipe, found, _gain([one.record for one in common]) if asked else gain)
    return told


def _gain(records: Sequence[Run]) -> float | None:
    """Mean accuracy of v3's runs less that of v0's."""
    scored = [(one.version, one.scores.accuracy) for one in records if one.scores]
    first, last = ([accuracy for version, accuracy in scored if version == name] for name in _ENDS)
    return fmean(last) - fmean(first) if first and last else None
