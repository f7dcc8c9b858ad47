"""The report of a comparison of versions: its tables, sentences and notes, its JSON document and its CSV table."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from fmnist_tui.analysis.comparison import Comparison, OtherData, VersionSummary
from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.analysis.paired import Difference, PairedTest
from fmnist_tui.analysis.reference import Reference, reference_cell, reference_line, references
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.models.spec import REPORTED_NOTE
from fmnist_tui.report.report import Column, Line, Report, Section, Table
from fmnist_tui.report.sentences import (
    difference_cell,
    gain_sentence,
    interval_cell,
    paired_sentence,
    spread_cell,
    step_sentence,
    version_sentence,
)
from fmnist_tui.text import counted, grouped, percent
from fmnist_tui.training.recipes import recipe_option

MEASURES = ("test_accuracy", "test_nll", "test_brier", "test_ece")
COLUMNS = (
    Column("version"),
    Column("runs"),
    Column("accuracy"),
    Column("delta"),
    Column("95% CI", priority=3),
    Column("NLL", priority=9),
    Column("Brier", priority=4),
    Column("ECE", priority=5),
    Column("parameters", "right", priority=7),
    Column("s/epoch", "right", priority=6),
    Column("device", priority=2),
    Column("reference", priority=8),
    Column("reported"),
    Column("what changed", priority=1),
)
DELTA = [column.heading for column in COLUMNS].index("delta")
_WITH_RECIPE = (COLUMNS[0], Column("recipe"), *COLUMNS[1:])
EXCLUDED_COLUMNS = (Column("run"), Column("reason"))
INELIGIBLE_NOTE = (
    "* includes ineligible runs, for the reasons below. Runs that were trained differently have no common CI."
)
_SD_NOTE = "Mean ± standard deviation over runs."
_SEEDS_NOTE = (
    "The 95% CIs of several seeds (Student's t; Welch's t for a delta) are CIs of the mean over seeds, all on the same "
    "test images, not adjusted for multiple comparisons."
)
_IMAGES_NOTE = (
    "The 95% CIs of a single seed, or of equal accuracies (Wilson's; paired for a delta), cover test-set sampling "
    "error only; seed variance not included. They aren't adjusted for multiple comparisons."
)


def comparison_report(comparison: Comparison, *, left_out: int = 0, data: OtherData | None = None) -> Report:
    """Lays out a comparison.

    The JSON document has the keys "recipe"; "all_runs" (whether ineligible runs are compared, too); "versions", a list
    of objects with "version", "runs", "ineligible" (how many of the runs), "seeds" (each run's), "test_accuracy",
    "test_nll", "test_brier" and "test_ece" (each with "mean", "sd", "n", "interval" and "method"), "parameters",
    "seconds_per_epoch", "device", "what_changed", "delta" with "delta_interval", "delta_method", "delta_significant"
    and "delta_sentence", "best_run", "inexact" (how many of the runs continued under other conditions than they began
    with), "reported" (the original project's "accuracy" and "loss") and "reference" (the reference runs' accuracy:
    "mean", "sd" and "n"; null without any); "total_gain" with "total_gain_interval" and so on; "paired", a list of
    objects as `paired_document` makes them; "excluded", a list of objects with "run" and "reason". An interval, a 95%
    CI, has "low" and "high". Without one it is null, and so are its method ("student_t" and "welch" over runs,
    "wilson" and "paired" over test images) and its significance.

    Args:
        comparison: The comparison.
        left_out: How many runs the user has left out of it.
        data: The data set, if it isn't Fashion-MNIST: then nothing is said about reference runs, which are for that.
    """
    reached = {} if data else references(comparison.recipe)
    sections = tuple(_sections(comparison, reached, left_out, data))
    document = {**_named(data), **_document(comparison, reached)}
    return Report(f"{_on(data)}{_title(comparison)}", sections, document, _csv(comparison, reached))


def _on(data: OtherData | None) -> str:
    """How a title begins, if the data isn't Fashion-MNIST."""
    images = f" ({counted(data.test_images, 'test image')})" if data and data.test_images else ""
    return f"Other data, {data.name}{images}: " if data else ""


def _named(data: OtherData | None) -> dict[str, Any]:
    return {"data": data.name} if data else {}


def side_by_side(comparisons: Sequence[Comparison], *, left_out: int = 0, data: OtherData | None = None) -> Report:
    """The reports of several recipes as one: their rows in one table, then each report's sections.

    The JSON document has the key "recipes", a list of the documents; a run is listed as excluded only if it is from all
    of them. Of other data than Fashion-MNIST, it has "data", too.
    """
    everywhere = set.intersection(*({one.run for one in comparison.excluded} for comparison in comparisons))
    reports = {one.recipe: comparison_report(replace(one, excluded=()), data=data) for one in comparisons}
    rows = [
        (summary.version, (row[0], Line(one.recipe), *row[1:]))
        for one in comparisons
        for summary, row in zip(one.versions, _rows_of(reports[one.recipe]), strict=True)
    ]
    versions = list(dict.fromkeys(version for version, _ in rows))
    rows.sort(key=lambda row: versions.index(row[0]))
    sections = [Section(table=Table(_WITH_RECIPE, tuple(row for _, row in rows)), detail=False)] if rows else []
    for recipe, report in reports.items():
        sections += [replace(part, title=f"{recipe}: {part.title}") for part in report.below_table.sections]
    excluded = tuple(run for run in comparisons[0].excluded if run.run in everywhere)
    sections += _excluded(replace(comparisons[0], excluded=excluded), left_out)
    header = next(iter(reports.values())).csv[0]
    return Report(
        f"{_on(data)}{BUILT_IN[0]} to {BUILT_IN[-1]}, recipes {' and '.join(reports)}",
        tuple(sections),
        {**_named(data), "recipes": [report.document for report in reports.values()]},
        (["recipe", *header], [[recipe, *row] for recipe, report in reports.items() for row in report.csv[1]]),
    )


def _rows_of(report: Report) -> tuple[tuple[Line, ...], ...]:
    return report.table.rows if report.table else ()


def _title(comparison: Comparison) -> str:
    if not comparison.versions:
        return f"No eligible runs under the recipe {comparison.recipe} yet"
    together = "all scored runs" if comparison.apart else "all runs scored on the same images"
    which = f", {together}" if comparison.all_runs else ""
    return f"{BUILT_IN[0]} to {BUILT_IN[-1]}, recipe {comparison.recipe}{which}"


def _sections(
    comparison: Comparison, reached: dict[str, Reference], left_out: int, data: OtherData | None
) -> Iterator[Section]:
    versions = comparison.versions
    if versions:
        rows = tuple(_row(summary, reached.get(summary.version)) for summary in versions)
        marked = any(summary.ineligible for summary in versions)
        gain = (gain_sentence(comparison.gain, ineligible=marked),) if comparison.gain else ()
        yield Section(table=Table(COLUMNS, rows), lines=gain, detail=False)
    if steps := tuple(step_sentence(summary.step) for summary in versions if summary.step):
        yield Section("Steps between versions", lines=steps)
    if versions:
        yield Section("Test measures with 95% CI", lines=tuple(map(version_sentence, versions)))
    unpaired = tuple(
        Line(f"{one.run} is in no paired test: {one.reason}", certain=False) for one in comparison.unpaired
    )
    if paired := (*map(paired_sentence, comparison.paired), *unpaired):
        title = "Image by image, best run of each version by validation accuracy (p adjusted by Holm's method)"
        yield Section(title, lines=paired)
    if notes := tuple(map(Line, _notes(comparison, data))):
        yield Section("Notes", lines=notes, detail=False)
    yield from _excluded(comparison, left_out)


def _row(summary: VersionSummary, reference: Reference | None) -> tuple[Line, ...]:
    delta = difference_cell(summary.step) if summary.step else Line("")
    before = (
        summary.name,
        f"{summary.runs}{'*' if summary.ineligible else ''}",
        f"{spread_cell(summary.test_accuracy, 2, 100)}%",
    )
    after = (
        interval_cell(summary.test_accuracy.interval, 2, 100),
        spread_cell(summary.test_nll, 4),
        spread_cell(summary.test_brier, 4),
        spread_cell(summary.test_ece, 4),
        grouped(summary.parameters),
        "" if summary.seconds_per_epoch is None else f"{summary.seconds_per_epoch:.1f}",
        summary.device,
        reference_cell(reference) if reference else "",
        percent(summary.reported.accuracy) if summary.reported else "",
        summary.what_changed,
    )
    return (*map(Line, before), delta, *map(Line, after))


def _excluded(comparison: Comparison, left_out: int) -> Iterator[Section]:
    rows = tuple((Line(one.run), Line(one.reason)) for one in comparison.excluded)
    lines = (Line(f"{counted(left_out, 'run')} left out by you"),) if left_out else ()
    if rows or lines:
        yield Section("Excluded", Table(EXCLUDED_COLUMNS, rows) if rows else None, lines)


def _notes(comparison: Comparison, data: OtherData | None) -> Iterator[str]:
    """What the star means, what the intervals cover, what is missing and how to get it, where figures are from."""
    if comparison.versions:
        yield from _statistics_notes(comparison.versions)
        yield from _advice(comparison, data)
    else:
        option = recipe_option(comparison.recipe)
        yield f"Train all built-in models with: fmnist-tui train all{option}{_data_option(data)}"
        if comparison.n_comparable and not comparison.all_runs:
            yield f"Compare excluded runs with: fmnist-tui results --all{option}"
    if not data and (reference := reference_line(comparison.recipe)):
        yield reference
    if any(summary.reported for summary in comparison.versions):
        yield REPORTED_NOTE


def _statistics_notes(versions: Sequence[VersionSummary]) -> Iterator[str]:
    if any(one.ineligible for one in versions):
        yield INELIGIBLE_NOTE
    methods = {str(one.test_accuracy.method) for one in versions} | {
        str(one.step.method) for one in versions if one.step
    }
    if any(one.test_accuracy.sd is not None for one in versions):
        yield _SD_NOTE
    if methods & {"student_t", "welch"}:
        yield _SEEDS_NOTE
    if methods & {"wilson", "paired"}:
        yield _IMAGES_NOTE
    for one in versions:
        if one.n_seeds < one.runs:
            yield f"{one.version}: {one.runs} runs of {_repeated(one.n_seeds)}."
        if one.inexact:
            runs = f"{counted(one.inexact, 'run')} of {one.runs}" if one.runs > 1 else "the run"
            yield f"{one.version}: {runs} continued under other conditions, so not bit for bit (see `show`)."


def _repeated(n_seeds: int) -> str:
    if n_seeds == 1:
        return "1 seed; repeated seeds say nothing about seed variance"
    return f"{n_seeds} seeds; repeated seeds make intervals too narrow"


def _advice(comparison: Comparison, data: OtherData | None) -> Iterator[str]:
    """What is missing; how to train it is known for eligible runs only, as others have settings of their own."""
    single = [one for one in comparison.versions if one.n_seeds == 1]
    there = {one.version for one in comparison.versions}
    missing = [name for name in BUILT_IN if name not in there]
    if single:
        more = f"--seed {_next_seed(single)} --seeds 2{_data_option(data)}"
        names = [one.version for one in single]
        yield f"Only one seed of {_listed(names)}{_train_command(comparison, names, more, '; train more')}"
    if missing:
        none = "No scored run" if comparison.all_runs else "No eligible run"
        yield f"{none} of {_listed(missing)} yet{_train_command(comparison, missing, _data_option(data), '; train')}"


def _data_option(data: OtherData | None) -> str:
    return f" --data {shlex.quote(data.folder)}" if data and data.folder else ""


def _train_command(comparison: Comparison, versions: Sequence[str], options: str, intro: str) -> str:
    if comparison.all_runs:
        return ""
    arguments = " ".join(filter(None, [*versions, options.strip()]))
    return f"{intro}: fmnist-tui train {arguments}{recipe_option(comparison.recipe)}"


def _next_seed(versions: Sequence[VersionSummary]) -> int:
    return max((seed for one in versions for seed in one.seeds if seed is not None), default=-1) + 1


def _listed(names: Sequence[str]) -> str:
    """For example "v0, v1 and v2"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _document(comparison: Comparison, reached: dict[str, Reference]) -> dict[str, Any]:
    return {
        "recipe": comparison.recipe,
        "all_runs": comparison.all_runs,
        "versions": [_version_document(summary, reached.get(summary.version)) for summary in comparison.versions],
        **_difference_document("total_gain", comparison.gain),
        "paired": [paired_document(test, paired_sentence(test)) for test in comparison.paired],
        "excluded": [asdict(run) for run in comparison.excluded],
    }


def _version_document(summary: VersionSummary, reference: Reference | None) -> dict[str, Any]:
    content = {**asdict(summary), "seeds": list(summary.seeds)}
    del content["step"], content["conditions"], content["title"]
    reached = asdict(reference) if reference else None
    return {**content, **_difference_document("delta", summary.step), "reference": reached}


def _difference_document(name: str, difference: Difference | None) -> dict[str, Any]:
    interval = difference.interval if difference else None
    return {
        name: difference.value if difference else None,
        f"{name}_interval": asdict(interval) if interval else None,
        f"{name}_method": difference.method if difference else None,
        f"{name}_significant": difference.significant if difference else None,
        f"{name}_sentence": step_sentence(difference).text if difference else None,
    }


def paired_document(test: PairedTest, sentence: Line) -> dict[str, Any]:
    """A paired test as JSON.

    Keys: "first", "second" (versions), "first_run", "second_run", "only_first_correct", "only_second_correct" (images),
    "p_value", "images", "interval" (95% CI of the difference, over the images), "tests" (made together), "p_holm",
    "difference" (the second's accuracy less the first's), "significant", "sentence".
    """
    derived = {"difference": test.difference, "significant": test.significant, "sentence": sentence.text}
    return {**asdict(test), **derived}


def _csv(comparison: Comparison, reached: dict[str, Reference]) -> tuple[list[str], list[list[object]]]:
    header = [
        *("version", "runs", "ineligible"),
        *(f"{measure}_{part}" for measure in MEASURES for part in ("mean", "sd")),
        *("parameters", "seconds_per_epoch", "device", "what_changed", "delta", "best_run"),
        *("reported_accuracy", "reported_loss"),
        *(f"{measure}_{part}" for measure in MEASURES for part in ("low", "high", "method")),
        *("delta_low", "delta_high", "delta_method", "delta_significant"),
        *("reference_mean", "reference_sd", "reference_runs"),
    ]
    return header, [_csv_row(summary, reached.get(summary.version)) for summary in comparison.versions]


def _csv_row(summary: VersionSummary, reference: Reference | None) -> list[object]:
    spreads: list[Spread] = [getattr(summary, measure) for measure in MEASURES]
    return [
        *(summary.version, summary.runs, summary.ineligible),
        *(value for spread in spreads for value in (spread.mean, spread.sd)),
        *(summary.parameters, summary.seconds_per_epoch, summary.device, summary.what_changed),
        *(summary.delta, summary.best_run),
        *([summary.reported.accuracy, summary.reported.loss] if summary.reported else [None] * 2),
        *(value for spread in spreads for value in _interval_values(spread)),
        *([*_interval_values(summary.step), summary.step.significant] if summary.step else [None] * 4),
        *([reference.mean, reference.sd, reference.n] if reference else [None] * 3),
    ]


def _interval_values(figure: Spread | Difference) -> list[object]:
    """Low, high and method; None for each without an interval."""
    return [figure.interval.low, figure.interval.high, figure.method] if figure.interval else [None] * 3
