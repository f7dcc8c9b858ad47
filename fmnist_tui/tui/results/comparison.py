"""The comparison as the Results screen shows it: of the user's runs, or of the reference runs until there are some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import is_

from textual.message import Message

from fmnist_tui.analysis.calibration import Bin, reliability
from fmnist_tui.analysis.comparison import (
    Comparison,
    ExcludedRun,
    OtherData,
    VersionSummary,
    compare,
    compare_on,
    other_data,
)
from fmnist_tui.analysis.eligibility import Fingerprints, exclusion_reason
from fmnist_tui.analysis.reference import ValidationCurve, reference_runs
from fmnist_tui.data import official
from fmnist_tui.report.comparison import comparison_report, side_by_side
from fmnist_tui.report.report import Report
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES, recipe_option
from fmnist_tui.tui.results.interval_plot import IntervalRow
from fmnist_tui.tui.threads import for_each

CHOICES = (*((recipe,) for recipe in RECIPES), RECIPES)
"""What `c` leads through: each recipe alone, and all side by side."""
FASHION_MNIST = official.FASHION_MNIST.fingerprints
MAX_CURVES = 8
"""More curves in one chart can't be distinguished."""


@dataclass(frozen=True)
class Wanted:
    """What is to be compared.

    Attributes:
        recipes: One, or several side by side.
        all_runs: Whether ineligible runs are compared, too; those of unlike training in rows of their own.
        left_out: Ids of runs that the user has left out.
        drawn: Ids of the runs whose curves are drawn; None for the best of each model.
        data: The fingerprints of the data set; None for Fashion-MNIST, or another one if there are no runs on that.
    """

    recipes: tuple[str, ...] = CHOICES[0]
    all_runs: bool = False
    left_out: frozenset[str] = frozenset()
    drawn: tuple[str, ...] | None = None
    data: Fingerprints | None = None


class Compared(Message):
    """A comparison is ready.

    Attributes:
        wanted: What was to be compared.
        own: A comparison of the user's runs for each recipe.
        shown: The same, or those of the reference runs where none of the user's is compared.
        is_reference: Whether these are the reference runs.
        report: What is shown, laid out.
        records: All runs, newest first.
        curves: What is drawn, by the runs' ids.
        data: The data set of the user's runs, if it isn't Fashion-MNIST.
        datasets: The data sets that there are runs to compare on, by their fingerprints.
    """

    def __init__(
        self,
        wanted: Wanted,
        own: tuple[Comparison, ...],
        records: Sequence[Run],
        curves: dict[str, ValidationCurve],
        data: OtherData | None = None,
        datasets: tuple[Fingerprints, ...] = (),
        report: Report | None = None,
    ) -> None:
        super().__init__()
        self.datasets = datasets
        self.wanted, self.own, self.records, self.data = wanted, own, records, data
        self.is_reference = not any(one.versions for one in own)
        known = reference_runs()
        self.shown = tuple(known[one].comparison for one in wanted.recipes) if self.is_reference else own
        self.drawn = tuple(curves)
        self.curves = curves
        if self.is_reference and not curves:
            self.curves = {run: curve for recipe in wanted.recipes for run, curve in known[recipe].curves.items()}
        self.report = report or self._report()

    def is_of(self, records: Sequence[Run], wanted: Wanted) -> bool:
        """Whether another comparison would differ from this one at most in the curves that are drawn."""
        is_same = len(records) == len(self.records) and all(map(is_, records, self.records))
        return is_same and replace(wanted, drawn=self.wanted.drawn) == self.wanted

    @property
    def compared(self) -> list[Run]:
        """The user's runs that the comparison is made of."""
        return [record for record in self.records if any(record.run_id in one.compared for one in self.own)]

    @property
    def best_runs(self) -> list[str]:
        """The best run of each model, in the order of the comparison."""
        return [summary.best_run for summary in self.summaries]

    @property
    def summaries(self) -> list[VersionSummary]:
        """In the order of the table: the same model's under several recipes follow each other."""
        found = [summary for one in self.shown for summary in one.versions]
        versions = list(dict.fromkeys(one.version for one in found))
        return sorted(found, key=lambda one: versions.index(one.version))

    @property
    def names(self) -> dict[str, str]:
        """A short name for each run that is drawn: its model; where several share it, with recipe, seed or id."""
        recipes = {run: one.recipe for one in self.shown for run in one.compared}
        recipes |= {one.run_id: one.recipe for one in self.records}
        seeds = {one.run_id: f"s{one.seed}" for one in self.records if one.seed is not None}
        runs = dict.fromkeys([*self.curves, *self.best_runs])
        return {run: _name(run, runs, (recipes, seeds)) for run in runs}

    @property
    def title(self) -> str:
        """What is compared, or what to do if nothing of the user's is."""
        return _advice(self.own) if self.is_reference else self.report.title

    @property
    def next_data(self) -> Fingerprints | None:
        """The data set after the one that is compared; None where there is no other."""
        now = self.data.fingerprints if self.data else FASHION_MNIST
        others = [one for one in self.datasets if one != now]
        if not others:
            return None
        place = self.datasets.index(now) + 1 if now in self.datasets else 0
        return self.datasets[place % len(self.datasets)]

    @property
    def rows(self) -> tuple[IntervalRow, ...]:
        """The lines of the interval plot, models side by side; those not trained yet as references."""
        several = len(self.shown) > 1
        found = [
            _row(summary, one.recipe, is_reference=self.is_reference, several=several, is_other=self.data is not None)
            for one in self.shown
            for summary in one.versions
        ]
        if not (several or self.is_reference or self.wanted.all_runs or self.data):
            there = {row.model for row in found}
            recipe = self.shown[0].recipe
            untrained = [one for one in reference_runs()[recipe].comparison.versions if one.version not in there]
            found += [_row(replace(one, step=None), recipe, is_reference=True, is_faint=True) for one in untrained]
        order = list(dict.fromkeys(sorted(row.model for row in found)))
        return tuple(sorted(found, key=lambda row: order.index(row.model)))

    def _report(self) -> Report:
        left_out = len(self.wanted.left_out)
        if len(self.shown) > 1:
            report = side_by_side(self.shown, left_out=left_out, data=self.data)
        else:
            excluded = self.own[0].excluded
            report = comparison_report(replace(self.shown[0], excluded=excluded), left_out=left_out, data=self.data)
        return replace(report, title=f"Reference runs: {report.title}") if self.is_reference else report


class Calibrated(Message):
    """The reliability diagrams of the compared models' best runs are ready.

    Attributes:
        of: The comparison that they belong to.
        diagrams: By the runs' ids.
        missing: Why others have none, a line each.
    """

    def __init__(self, of: Compared, diagrams: Mapping[str, Sequence[Bin]], missing: Sequence[str]) -> None:
        super().__init__()
        self.of, self.diagrams, self.missing = of, diagrams, missing


def compare_runs(
    records: Sequence[Run], wanted: Wanted, stop: Callable[[], bool], before: Compared | None = None
) -> Compared:
    """Compares the runs. Reads their logs and predictions, so it belongs in a thread.

    Args:
        records: All runs, newest first.
        wanted: What is to be compared.
        stop: Whether the app ends.
        before: The last comparison; where only other curves are drawn, it holds.
    """
    if before and wanted.drawn is not None and before.is_of(records, wanted):
        return Compared(
            wanted, before.own, records, _curves(records, wanted.drawn), before.data, before.datasets, before.report
        )
    chosen = [one for one in records if one.run_id not in wanted.left_out]
    scored = [one for one in chosen if one.scores and (wanted.all_runs or _is_eligible(one, wanted))]
    for_each(scored, lambda record: record.epochs, stop)  # cached for the comparison
    apart = wanted.all_runs
    own = tuple(compare(chosen, recipe, all_runs=apart, apart=apart) for recipe in wanted.recipes)
    others = _other_data(chosen, wanted)
    usual = (FASHION_MNIST,) if any(one.fingerprints == FASHION_MNIST for one in scored) else ()
    datasets = (*usual, *(one.fingerprints for one in others))
    data = next((one for one in others if one.fingerprints == wanted.data), None)
    if data is None and (len(datasets) == len(others) == 1 or not any(one.versions for one in own)):
        data = next(iter(others), None)
    if data:
        own = tuple(_on(data, chosen, one, apart=apart) for one in own)
    drawn = wanted.drawn
    if drawn is None:
        drawn = tuple(summary.best_run for one in own for summary in one.versions)[:MAX_CURVES]
    return Compared(wanted, own, records, _curves(records, drawn), data, datasets)


def _curves(records: Sequence[Run], drawn: Sequence[str]) -> dict[str, ValidationCurve]:
    """Those of the runs with these ids, by recipe and id."""
    by_id = sorted(records, key=lambda one: (RECIPES.index(one.recipe) if one.recipe in RECIPES else 9, one.run_id))
    return {one.run_id: ValidationCurve.of(one.epochs) for one in by_id if one.run_id in drawn}


def _other_data(records: Sequence[Run], wanted: Wanted) -> list[OtherData]:
    """The other data sets that have runs to compare, the newest first."""
    found = {one.fingerprints: one for recipe in wanted.recipes for one in other_data(records, recipe)}
    runs = {record.fingerprints for record in records if wanted.all_runs or _is_eligible(record, wanted)}
    return [one for data, one in found.items() if data in runs]


def _on(data: OtherData, records: Sequence[Run], usual: Comparison, *, apart: bool) -> Comparison:
    """The comparison on another data set, in place of that on Fashion-MNIST; runs on any other data are excluded."""
    found = compare_on(data, records, usual.recipe, all_runs=apart, apart=apart)
    reasons = {one.run: one.reason for one in usual.excluded}
    elsewhere = [
        ExcludedRun(one.run_id, reasons.get(one.run_id) or f"data is {one.data_name or 'unknown'}")
        for one in records
        if one.fingerprints != data.fingerprints
    ]
    return replace(found, excluded=(*found.excluded, *elsewhere))


def calibrate(compared: Compared, before: Calibrated | None = None) -> Calibrated:
    """The reliability diagrams of the best runs. Reads predictions, so it belongs in a thread.

    Args:
        compared: The comparison.
        before: The last diagrams; where only other curves are drawn, they hold.
    """
    if before and before.of.is_of(compared.records, compared.wanted):
        return Calibrated(compared, before.diagrams, before.missing)
    if compared.is_reference:
        known = {run: bins for one in reference_runs().values() for run, bins in one.reliability.items()}
        return Calibrated(compared, {run: known[run] for run in compared.best_runs}, ())
    records = {one.run_id: one for one in compared.records}
    found, missing = {}, []
    for run in compared.best_runs:
        try:
            found[run] = reliability(read_predictions(records[run].directory))
        except NoPredictionsError as error:
            missing.append(f"{run}: {error}")
    return Calibrated(compared, found, missing)


def excluded_runs(compared: Compared) -> dict[str, str]:
    """The runs that aren't eligible in any of the comparisons, with the reason under the first recipe."""
    reasons = [{one.run: one.reason for one in comparison.excluded} for comparison in compared.own]
    return {run: reason for run, reason in reasons[0].items() if all(run in others for others in reasons[1:])}


def _name(run: str, among: Iterable[str], details: Sequence[Mapping[str, str]]) -> str:
    """The run's model and the first detail that tells it from all others of this model."""
    model = version_in(run)
    others = [other for other in among if other != run and version_in(other) == model]
    if not others:
        return model
    for detail in details:
        if run in detail and all(detail.get(other) != detail[run] for other in others):
            return f"{model} {detail[run]}"
    return f"{model} {run[-4:]}"


def _is_eligible(record: Run, wanted: Wanted) -> bool:
    """Whether it is, on the data set that it was trained on."""
    return any(exclusion_reason(record, recipe, record.fingerprints) is None for recipe in wanted.recipes)


def _row(
    summary: VersionSummary,
    recipe: str,
    *,
    is_reference: bool,
    is_faint: bool = False,
    several: bool = False,
    is_other: bool = False,
) -> IntervalRow:
    known = reference_runs().get(recipe)
    references = {one.version: one.test_accuracy.mean for one in known.comparison.versions} if known else {}
    is_like = not (is_reference or summary.conditions or is_other)
    reported = summary.reported.accuracy if summary.reported and not summary.conditions else None
    return IntervalRow(
        summary.version,
        f"{summary.name} {recipe}" if several else summary.name,
        summary.title,
        summary.test_accuracy.mean,
        summary.test_accuracy.interval,
        summary.runs,
        is_reference=is_reference,
        is_faint=is_faint or (several and recipe != RECIPES[0]),
        reference=references.get(summary.version) if is_like else None,
        reported=None if several and recipe == RECIPES[0] else reported,
        step=summary.step,
    )


def _advice(own: Sequence[Comparison]) -> str:
    """What to do if no run is eligible, and why the newest one isn't."""
    recipes, excluded = [one.recipe for one in own], own[0].excluded
    option = recipe_option(recipes[0])
    under = f"recipe{'s' if len(recipes) > 1 else ''} {' and '.join(recipes)}"
    more = f" and {len(excluded) - 1} more (r)" if len(excluded) > 1 else ""
    why = f" Excluded: {excluded[0].run} ({excluded[0].reason}){more}." if excluded else ""
    press = f"Press 2, choose {recipes[0]}" if option else "Press 2"
    included = any(one.n_comparable and not one.all_runs for one in own)
    others = "; f includes excluded runs" if included else ""
    todo = f"{press} and train all built-in models, or: fmnist-tui train all{option}{others}"
    return f"No eligible runs under the {under} yet.{why} {todo}"
