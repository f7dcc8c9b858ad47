"""Models compared: means and spreads over the eligible runs, and the step from each model to the next."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fmnist_tui.analysis.eligibility import (
    Fingerprints,
    ScoredRun,
    alike,
    best_of,
    conditions,
    exclusion_reason,
    n_distinct,
    scored_runs,
    seeds_of,
    trained_alike,
)
from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.analysis.paired import Difference, PairedTest, Reader, cached_reader, difference, paired_tests
from fmnist_tui.data import official
from fmnist_tui.data.location import DEMO
from fmnist_tui.models.layers import layer_table, saved_table
from fmnist_tui.models.registry import all_models, get_model
from fmnist_tui.models.spec import ModelSpec, Reported
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import Run

Conditions = Callable[[Run], str]
"""In what a run's training differs from an eligible one's, as `eligibility.conditions` describes it."""


@dataclass(frozen=True)
class VersionSummary:
    """One version over its runs.

    Attributes:
        version: The model's name.
        runs: How many are compared.
        ineligible: How many of them aren't eligible; 0 unless all runs are compared.
        seeds: Each run's seed, oldest run first; None where run.json doesn't have it.
        test_accuracy: 0 to 1.
        test_nll: Nats.
        test_brier: 0 to 2.
        test_ece: 0 to 1.
        parameters: Trained parameters.
        seconds_per_epoch: Median over all epochs of all runs, validation included; None if no log has any.
        device: What the runs were trained on; several are joined by commas.
        what_changed: Compared with the version before.
        step: From the nearest earlier version that has runs; None for the first.
        best_run: Its id: best validation accuracy of any epoch, the oldest of equals. Test accuracy plays no part.
        reported: The original project's figures, if there are any.
        inexact: How many of the runs continued under other conditions than they began with.
        conditions: What differs from eligible runs ("2,000 images, lr 0.01"), if runs of unlike training are compared
            apart; else "".
        title: The model's, in a few words.
    """

    version: str
    runs: int
    ineligible: int
    seeds: tuple[int | None, ...]
    test_accuracy: Spread
    test_nll: Spread
    test_brier: Spread
    test_ece: Spread
    parameters: int
    seconds_per_epoch: float | None
    device: str
    what_changed: str
    step: Difference | None
    best_run: str
    reported: Reported | None
    inexact: int = 0
    conditions: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """The version, and what differs from eligible runs: "v1 (2,000 images)"."""
        return f"{self.version} ({self.conditions})" if self.conditions else self.version

    @property
    def n_seeds(self) -> int:
        """The number of distinct seeds: fewer than the runs if some repeat others."""
        return n_distinct(self.seeds)

    @property
    def delta(self) -> float | None:
        """Mean test accuracy less that of the nearest earlier version that has runs; None for the first."""
        return None if self.step is None else self.step.value


@dataclass(frozen=True)
class ExcludedRun:
    """A run that is excluded from the comparison or from its paired tests, and the reason."""

    run: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """The versions that have runs, and how they differ.

    Attributes:
        recipe: The runs' recipe.
        all_runs: Whether all of the recipe's runs scored on the same images are compared, not only eligible ones.
        compared: The ids of the compared runs.
        versions: In the order of the registry, then custom models by name.
        gain: From the first version to the last, custom models left out; None for fewer than two versions.
        paired: Tests between the versions' best runs.
        unpaired: Best runs whose predictions can't be used in the paired tests.
        excluded: Ineligible runs, newest first; with `all_runs` some of them are compared nevertheless.
        n_comparable: How many of the excluded runs `all_runs` would add, or has added.
        apart: Whether runs of unlike training have summaries of their own; a version may then have several.
    """

    recipe: str
    all_runs: bool
    compared: frozenset[str]
    versions: tuple[VersionSummary, ...]
    gain: Difference | None
    paired: tuple[PairedTest, ...]
    unpaired: tuple[ExcludedRun, ...]
    excluded: tuple[ExcludedRun, ...]
    n_comparable: int
    apart: bool = False

    @property
    def total_gain(self) -> float | None:
        """Mean test accuracy of the last version less that of the first; None for fewer than two versions."""
        return None if self.gain is None else self.gain.value


@dataclass(frozen=True)
class OtherData:
    """A data set other than Fashion-MNIST on which runs were scored.

    Attributes:
        name: Its name.
        folder: Where it was found, as in a request.
        fingerprints: Of its training images and of its test images.
        test_images: How many of the latter there are; None where that isn't known.
    """

    name: str
    folder: str | None
    fingerprints: Fingerprints
    test_images: int | None


def other_data(records: Sequence[Run], recipe: str = "tuned") -> list[OtherData]:
    """The data sets besides Fashion-MNIST and the demo set on which runs of a recipe were scored, the newest first."""
    found: dict[Fingerprints, OtherData] = {}
    for record in records:
        known, data = record.fingerprints, record.manifest.data
        is_other = known != official.FASHION_MNIST.fingerprints and data.name != DEMO and all(known)
        if is_other and record.recipe == recipe and record.scores is not None:
            found.setdefault(known, OtherData(data.name, data.folder, known, data.test_images))
    return list(found.values())


def compare_on(
    data: OtherData, records: Sequence[Run], recipe: str = "tuned", *, all_runs: bool = False, apart: bool = False
) -> Comparison:
    """Compares the versions over the runs on another data set. Published figures are for Fashion-MNIST and left out.

    Args:
        data: The data set.
        records: Newest first; those on other data don't matter.
        recipe: "tuned" or "origin".
        all_runs: Compares all of the recipe's runs, eligible or not.
        apart: As for `compare`.
    """
    own = [record for record in records if record.fingerprints == data.fingerprints]
    found = compare(own, recipe, all_runs=all_runs, apart=apart, data=data.fingerprints)
    return replace(found, versions=tuple(replace(one, reported=None) for one in found.versions))


def compare(
    records: Sequence[Run],
    recipe: str = "tuned",
    *,
    all_runs: bool = False,
    apart: bool = False,
    data: Fingerprints = official.FASHION_MNIST.fingerprints,
) -> Comparison:
    """Compares the versions over the runs that are eligible under `recipe`.

    Args:
        records: Newest first.
        recipe: "tuned" or "origin".
        all_runs: Compares all of the recipe's runs that were scored on the same data set, eligible or not.
        apart: Compares all of the recipe's scored runs, and keeps those apart that differ in settings, epochs, n_train
            or data: none of their figures is a mean over unlike runs. Steps, the gain and tests are between runs of
            the same conditions.
        data: The fingerprints of the data set on which eligible runs are trained.
    """
    reasons = {record.run_id: exclusion_reason(record, recipe, data) for record in records}
    reasons |= _other_code(record for record in records if reasons[record.run_id] is None)
    eligible = [record for record in records if reasons[record.run_id] is None]
    of_recipe = [record for record in records if record.recipe == recipe and record.scores is not None]
    comparable = of_recipe if apart else _of_one_dataset(of_recipe)
    chosen = comparable if all_runs or apart else eligible
    differs: Conditions = partial(conditions, recipe=recipe, data=data) if apart else lambda _: ""
    groups = [runs for name in _known_models(chosen) if (runs := scored_runs(chosen, name))]
    if apart:
        groups = [runs for of_version in groups for runs in alike(of_version, differs)]
    excluded = {run: reason for run, reason in reasons.items() if reason is not None}
    read = cached_reader()
    main = _of_same_conditions(groups, differs) if apart else groups
    best = [best_of(runs).record for runs in main]
    return Comparison(
        recipe,
        all_runs or apart,
        frozenset(run.record.run_id for runs in groups for run in runs),
        tuple(_summaries(groups, excluded.keys(), read, differs)),
        _gain(main, read),
        paired_tests([known for record in best if (known := read(record))]),
        tuple(_unpaired(best, read)),
        tuple(ExcludedRun(run, reason) for run, reason in excluded.items()),
        sum(record.run_id in excluded for record in comparable),
        apart,
    )


def _other_code(eligible: Iterable[Run]) -> dict[str, str]:
    """Why runs of a custom model are excluded if its newest run, which comes first, has other code."""
    newest: dict[str, str] = {}
    found = {}
    for record in eligible:
        if newest.setdefault(record.version, record.code) != record.code:
            found[record.run_id] = f"its code differs from that of the newest run of {record.version}"
    return found


def _known_models(records: Sequence[Run]) -> list[str]:
    """The names of the models that have runs: the registered ones in their order, then custom ones by name."""
    custom = {record.version for record in records if record.model is not None and record.model.source is not None}
    return [model.name for model in all_models() if model.name not in custom] + sorted(custom)


def _gain(groups: Sequence[Sequence[ScoredRun]], read: Reader) -> Difference | None:
    """From the first model to the last, without custom ones."""
    story = [runs for runs in groups if not runs[0].record.code]
    return difference(story[0], story[-1], read) if len(story) > 1 else None


def _of_same_conditions(groups: Sequence[Sequence[ScoredRun]], differs: Conditions) -> Sequence[Sequence[ScoredRun]]:
    """The groups that can be tested against each other: the eligible ones, else the conditions of most versions."""
    by_conditions: dict[str, list[Sequence[ScoredRun]]] = {"": []}
    for runs in groups:
        by_conditions.setdefault(differs(runs[0].record), []).append(runs)
    return by_conditions[""] or max(by_conditions.values(), key=len)


def _of_one_dataset(records: Sequence[Run]) -> list[Run]:
    """The scored runs of one data set, since others have no common mean: the official one, else the newest run's."""
    known = [record.fingerprints for record in records]
    best, newest = official.FASHION_MNIST.fingerprints, next(iter(known), None)
    wanted = best if best in known else newest
    return [record for record in records if record.fingerprints == wanted]


def _unpaired(best: Sequence[Run], read: Reader) -> Iterator[ExcludedRun]:
    for record in best if len(best) > 1 else ():
        if read(record) is None:
            try:
                read_predictions(record.directory)
            except NoPredictionsError as error:
                yield ExcludedRun(record.run_id, str(error))


def _summaries(
    groups: Sequence[Sequence[ScoredRun]], excluded: Collection[str], read: Reader, conditions_of: Conditions
) -> Iterator[VersionSummary]:
    """One for each group; `excluded` has the ids of runs that aren't eligible."""
    before: dict[str, Sequence[ScoredRun]] = {}
    for runs in groups:
        differs = conditions_of(runs[0].record)
        earlier = before.get(differs)
        same = earlier is not None and earlier[0].record.version == runs[0].record.version
        step = None if earlier is None or same else difference(earlier, runs, read)
        yield _summarise(runs, sum(run.record.run_id in excluded for run in runs), step, differs)
        before[differs] = runs


def _summarise(runs: Sequence[ScoredRun], ineligible: int, step: Difference | None, differs: str) -> VersionSummary:
    best, seeds = best_of(runs).record, seeds_of(runs)
    model = best.model or get_model(best.version)
    same = trained_alike(runs)
    n_seeds = n_distinct(seeds) if same else 1
    seconds = [value for run in runs for value in run.seconds]
    return VersionSummary(
        version=model.name,
        runs=len(runs),
        ineligible=ineligible,
        seeds=seeds,
        test_accuracy=Spread.of_accuracies(
            [run.scores.accuracy for run in runs], best.test_images if same else None, seeds=n_seeds
        ),
        test_nll=Spread.of([run.scores.nll for run in runs], math.inf, seeds=n_seeds),
        test_brier=Spread.of([run.scores.brier for run in runs], 2.0, seeds=n_seeds),
        test_ece=Spread.of([run.scores.ece for run in runs], 1.0, seeds=n_seeds),
        parameters=_parameters(best, model),
        seconds_per_epoch=statistics.median(seconds) if seconds else None,
        device=", ".join(sorted({device for run in runs for device in run.record.devices})),
        what_changed=model.what_changed,
        step=step,
        best_run=best.run_id,
        reported=model.reported,
        inexact=sum(not run.record.is_exact for run in runs),
        conditions=differs,
        title=model.title,
    )


def _parameters(record: Run, model: ModelSpec) -> int:
    """Of the run's network: as saved with the model where that is possible, else as the run's log says."""
    table = None if record.manifest.options else saved_table(model, record.image_shape, len(record.class_names))
    if table is not None:
        return table.parameters
    started = record.snapshot.started
    return started.parameters if started else layer_table(model).parameters
