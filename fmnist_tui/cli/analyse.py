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
import msgspec

from fmnist_tui.analysis.eligibility import exclusion_reason
from fmnist_tui.analysis.probes.cache import KINDS, Findings, Result
from fmnist_tui.analysis.probes.claims import CNNS, DENSE, SCOPE, claims, section, small_network
from fmnist_tui.analysis.probes.common import EXPECTED_ERRORS, AnalysisError, Claim, Report, Verdict
from fmnist_tui.analysis.probes.permuted import EPOCHS, LIMIT
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.analysis.probes.studies import study_results
from fmnist_tui.cli.options import code_options, complete_run, data_option, json_option, runs_option
from fmnist_tui.cli.output import can_redraw, print_json, show_for_now
from fmnist_tui.paths import cache_folder, data_folder, runs_folder
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.model_code import CodeChoice, check_code
from fmnist_tui.runs.run import Run, read_run, read_runs
from fmnist_tui.text import safe
from fmnist_tui.training.recipes import RECIPES, recipe_option

if TYPE_CHECKING:
    from fmnist_tui.analysis.probes.analyses import AnalysisOptions

_REPORT_SECONDS = 0.2


@dataclass
class Analysed:
    """A run and its analyses.

    Attributes:
        record: The run.
        analyses: By name.
        cached: The names of those that were saved before.
        errors: By name, why an analysis wasn't possible or couldn't be saved.
    """

    record: Run
    analyses: dict[str, Result] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> Findings:
        """For the claims."""
        found: dict[str, Any] = self.analyses
        return Findings(self.record, **found)


@click.command("analyse")
@click.argument("refs", nargs=-1, metavar="[RUN...]", shell_complete=complete_run)
@click.option(
    "--recipe",
    type=click.Choice(RECIPES),
    default="tuned",
    show_default=True,
    help="Without RUN: analyse this recipe's best runs.",
)
@click.option("--only", multiple=True, type=click.Choice(tuple(KINDS)), help="Only this analysis; can be repeated.")
@click.option("--again", is_flag=True, help="Recompute analyses that are saved.")
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help=f"Epochs for the permuted-pixel test. [default: {EPOCHS}]",
)
@click.option(
    "--limit",
    type=click.IntRange(10, 10_000_000),
    metavar="N",
    help=f"Training images for the permuted-pixel test. [default: {LIMIT:,}]",
)
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@code_options
@json_option
@data_option
@runs_option
def analyse_command(
    refs: tuple[str, ...],
    recipe: str,
    only: tuple[str, ...],
    model: str | None,
    accept_changed_model: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    **settings: Any,
) -> None:
    """Measure robustness, efficiency, generalisation gap and convergence of runs, or of each model's best run.

    \b
    shifts       accuracy on test images shifted by up to 4 pixels
    permuted     accuracy of short trainings with and without permuted pixels
                 (v0 and v1 only)
    efficiency   accuracy, parameters and MACs
    fit          NLL and accuracy on training and on validation images
    gaps         training minus validation, epoch by epoch
    convergence  the loss curve

    Results are saved with the run and checked against the original project's claims.
    """  # noqa: D301
    from fmnist_tui.analysis.probes.analyses import AnalysisOptions, Datasets

    records, gain = _find_runs(refs, recipe, runs)
    if model is not None or accept_changed_model:
        for record in records:
            check_code(record.directory, CodeChoice(model, accept_changed_model, command="analyse"))
        records = [record.refresh() for record in records]
    options = AnalysisOptions(Datasets(data_folder(data), cache_folder()), **settings)
    analysed = [_analyse(record, only, options) for record in records]
    if not any(one.analyses for one in analysed):
        raise AnalysisError(next(error for one in analysed for error in one.errors.values()))
    checked = _check_claims(analysed, gain, read_runs(runs_folder(runs)), named=bool(refs))
    if as_json:
        print_json(analyses_json(analysed, checked))
    else:
        print_analyses(analysed, checked)
    for one in analysed:
        for error in dict.fromkeys(one.errors.values()):
            names = ", ".join(name for name, other in one.errors.items() if other == error)
            click.echo(safe(f"{one.record.run_id}: {names}: {error}"), err=True)


def _find_runs(refs: Sequence[str], recipe: str, runs: str | None) -> tuple[list[Run], float | None]:
    """The runs that were named, each once; else the recipe's best eligible runs, and their total gain."""
    folder = runs_folder(runs)
    if refs:
        return [read_run(run) for run in dict.fromkeys(find_readable(folder, ref) for ref in refs)], None
    best = section(read_runs(folder), recipe)
    if not best.found:
        train = f"fmnist-tui train all{recipe_option(recipe)}"
        raise AnalysisError(f"no eligible run of the recipe {recipe} yet; name a run, or train: {train}")
    return [one.record for one in best.found.values()], best.gain


def _analyse(record: Run, only: Sequence[str], options: AnalysisOptions) -> Analysed:
    """The requested analyses of one run, as far as they are possible."""
    from fmnist_tui.analysis.probes.analyses import analyse, applies

    analysed = Analysed(record)
    for name in only or [name for name in KINDS if applies(record, name)]:
        with _progress(f"{record.run_id}: {name}") as report:
            try:
                outcome = analyse(record, name, options, report)
            except EXPECTED_ERRORS as error:
                analysed.errors[name] = str(error)
                continue
        analysed.analyses[name] = outcome.result
        if outcome.cached:
            analysed.cached.append(name)
        if outcome.not_saved:
            analysed.errors[name] = outcome.not_saved
    return analysed


@contextmanager
def _progress(what: str) -> Iterator[Report]:
    """Shows progress on stderr: a moving line on a terminal; elsewhere one line, unless nothing had to be computed."""
    moving = can_redraw(sys.stderr)
    due = 0.0
    announced = False

    def report(fraction: float, step: str) -> None:
        nonlocal due, announced
        if moving and time.monotonic() >= due:
            due = time.monotonic() + _REPORT_SECONDS
            show_for_now(f"{what} {fraction:.0%}, {step}")
        elif not moving and not announced:
            announced = True
            click.echo(safe(what), err=True)

    try:
        yield report
    finally:
        show_for_now("")


def _check_claims(
    analysed: Sequence[Analysed], gain: float | None, runs: Sequence[Run], *, named: bool
) -> dict[str, tuple[Claim, ...]]:
    """The claims by recipe, about the first run of each model with the same images as the recipe's first run.

    Those that need modified runs are checked against all runs.
    """
    checked = {}
    for recipe in dict.fromkeys(one.record.recipe for one in analysed):
        found: dict[str, Findings] = {}
        of_recipe = [one for one in analysed if one.record.recipe == recipe]
        common = [one for one in of_recipe if one.record.is_comparable_with(of_recipe[0].record)]
        for one in sorted(common, key=lambda one: one.record.version):
            found.setdefault(one.record.version, one.findings)
        total = _gain([one.record for one in common]) if named else gain
        is_known = recipe in RECIPES
        studies, small = (study_results(runs, recipe), small_network(runs, recipe)) if is_known else ((), None)
        checked[recipe] = claims(recipe, found, total, studies, small)
    return checked


def _gain(records: Sequence[Run]) -> float | None:
    """The last CNN's mean accuracy minus the dense network's."""
    scored = [(one.version, one.scores.accuracy) for one in records if one.scores]
    first, last = ([accuracy for version, accuracy in scored if version == name] for name in (DENSE, CNNS[-1]))
    return fmean(last) - fmean(first) if first and last else None


def print_analyses(analysed: Sequence[Analysed], checked: Mapping[str, tuple[Claim, ...]]) -> None:
    """Each run's analyses, then each recipe's claims."""
    for one in analysed:
        click.echo(safe(f"{one.record.run_id}, recipe {one.record.recipe}"))
        for name, result in one.analyses.items():
            click.echo(f"  {name}")
            for line in result.lines():
                click.echo(f"    {line}")
        click.echo()
    for recipe, all_claims in checked.items():
        click.echo(safe(f"why the CNN wins, recipe {recipe}"))
        click.echo(f"  {SCOPE}")
        _print_caveats([one.record for one in analysed if one.record.recipe == recipe], recipe)
        for claim in all_claims:
            if claim.verdict is not Verdict.NOT_MEASURED:
                click.echo(f"  {claim.title}: {claim.verdict}\n    {claim.measured}\n    {claim.method}.")
        if lacking := [claim.title for claim in all_claims if claim.verdict is Verdict.NOT_MEASURED]:
            click.echo(f"  {Verdict.NOT_MEASURED} (runs or analyses are missing): {', '.join(lacking)}")


def _print_caveats(records: Sequence[Run], recipe: str) -> None:
    """Which of the runs aren't eligible, and which are left out of the claims."""
    for record in records:
        if reason := exclusion_reason(record, recipe):
            click.echo(safe(f"  {record.run_id} is not eligible for the results: {reason}"))
        if not record.is_comparable_with(records[0]):
            click.echo(safe(f"  {record.run_id} is left out of these claims: its images differ from the first run's"))


def analyses_json(analysed: Sequence[Analysed], checked: Mapping[str, tuple[Claim, ...]]) -> dict[str, Any]:
    """What `--json` prints.

    Keys: "runs", a list of objects with "run", "version", "recipe", "seed", "analyses" (by name), "cached" (the names
    of those that were saved before), "errors" (by name, why an analysis wasn't possible or couldn't be saved) and
    "excluded" (why the run isn't eligible under its recipe; null if it is); "claims", a list of objects with "recipe",
    "title", "statement", "verdict" ("supported", "not supported", "inconclusive", "not measured yet"), "measured",
    "method" and "missing" (commands that measure what is missing).

    The analyses' own keys: shifts "images", "up", "down", "left", "right" (accuracies under shifts of 0 to 4 pixels),
    "mean"; permuted "epochs", "limit", "test_images", "seed", "plain_validation", "plain_test",
    "permuted_validation", "permuted_test"; efficiency "accuracy", "parameters", "macs"; fit "train_images",
    "validation_images", "train_nll", "validation_nll", "train_accuracy", "validation_accuracy", "nll_gap_error"; gaps
    "train_loss", "validation_loss", "train_accuracy", "validation_accuracy" (one value per epoch); convergence "steps",
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
                "cached": one.cached,
                "errors": one.errors,
                "excluded": exclusion_reason(one.record, one.record.recipe),
            }
            for one in analysed
        ],
        "claims": [
            {"recipe": recipe, **asdict(claim)} for recipe, all_claims in checked.items() for claim in all_claims
        ],
    }


def _result_json(result: Result) -> dict[str, Any]:
    fields = msgspec.structs.asdict(result)
    return fields | ({"mean": result.mean} if isinstance(result, Shifts) else {})
