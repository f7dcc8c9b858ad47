"""A comparison as JSON, CSV and Markdown, and as the cells of a table on the screen: the same numbers in all."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fmnist_tui.analysis.comparison import Comparison, VersionSummary
from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.analysis.paired import Difference, PairedTest
from fmnist_tui.analysis.reference import Reference, reference_cell, reference_line, references
from fmnist_tui.models.spec import REPORTED_NOTE
from fmnist_tui.report.formats import bullets, csv_text, escaped, markdown_table
from fmnist_tui.report.sentences import (
    PAIRED_HEADING,
    difference_cell,
    gain_line,
    interval_cell,
    notes,
    spread_cell,
    step_sentence,
    version_sentence,
)
from fmnist_tui.text import grouped

MEASURES = ("test_accuracy", "test_nll", "test_brier", "test_ece")
HEADER = (
    "version",
    "runs",
    "accuracy",
    "delta",
    "accuracy, 95 %",
    "NLL",
    "Brier",
    "ECE",
    "parameters",
    "s/epoch",
    "device",
    "reference",
    "origin",
    "what changed",
)
DELTA = HEADER.index("delta")
_CSV_PLAIN = ("parameters", "seconds_per_epoch", "device", "what_changed", "delta", "best_run")
_CSV_DELTA = ("delta_low", "delta_high", "delta_method", "delta_may_be_chance")
_CSV_REFERENCE = ("reference_mean", "reference_sd", "reference_runs")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as `results --format json` prints it.

    Keys: "recipe"; "everything" (whether runs that don't count are in); "versions", a list of objects with "version",
    "runs", "marked", "seeds" (of each run), "test_accuracy", "test_nll", "test_brier" and "test_ece" (each with "mean",
    "sd", "n", "interval" and "method"), "parameters", "seconds_per_epoch", "device", "what_changed", "delta", the
    delta's "delta_interval", "delta_method", "delta_may_be_chance" and "delta_sentence", "best_run", "reported" (the
    origin's "accuracy" and "loss") and "reference" (the reference runs' accuracy: "mean", "sd" and "n"; null where
    there are none); "total_gain" with "total_gain_interval" and so on; "paired", a list as of `paired_json`;
    "not_counted", a list of objects with "run" and "why". An interval has "low" and "high", 95 % between them; without
    one it is null, and so are its method ("student_t" and "welch" over runs, "wilson" and "paired" over test images)
    and what follows.
    """
    reached = references(comparison.recipe)
    return {
        "recipe": comparison.recipe,
        "everything": comparison.everything,
        "versions": [_version_json(summary, reached.get(summary.version)) for summary in comparison.versions],
        **_difference_json("total_gain", comparison.gain),
        "paired": [paired_json(test) for test in comparison.paired],
        "not_counted": [asdict(run) for run in comparison.not_counted],
    }


def paired_json(test: PairedTest) -> dict[str, Any]:
    """A paired test as JSON.

    Keys: "first", "second" (versions), "first_run", "second_run", "only_first_right", "only_second_right", "p_value",
    "images", "interval" (of the difference, over the images), "tests" (made at once), "p_holm", "difference" (of
    accuracy, the second's less the first's), "may_be_chance", "sentence".
    """
    told = {"difference": test.difference, "may_be_chance": test.may_be_chance, "sentence": test.sentence}
    return {**asdict(test), **told}


def as_csv(comparison: Comparison) -> str:
    """A line for each version; numbers in full, empty cells where there is none."""
    spreads = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "sd")]
    intervals = [f"{measure}_{part}" for measure in MEASURES for part in ("low", "high", "method")]
    reported = ["reported_accuracy", "reported_loss"]
    head = ["version", "runs", "marked", *spreads, *_CSV_PLAIN, *reported, *intervals, *_CSV_DELTA, *_CSV_REFERENCE]
    reached = references(comparison.recipe)
    return csv_text(head, (_csv_row(summary, reached.get(summary.version)) for summary in comparison.versions))


def as_markdown(comparison: Comparison) -> str:
    """A table, what the steps come to, the paired tests, and the runs that don't count."""
    parts = _table(comparison) if comparison.versions else [f"No run counts under {escaped(comparison.recipe)} yet."]
    if comparison.paired:
        parts += [escaped(PAIRED_HEADING), bullets([test.sentence for test in comparison.paired])]
    if comparison.not_counted:
        reasons = "\n".join(f"- {run.run}: {escaped(run.why)}" for run in comparison.not_counted)
        parts.append(f"Runs that do not count:\n\n{reasons}")
    return "\n\n".join(parts) + "\n"


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The cells of the table below `HEADER`, rounded for reading. Accuracies in per cent, deltas in points."""
    reached = references(comparison.recipe)
    return [_row(summary, reached.get(summary.version)) for summary in comparison.versions]


def _table(comparison: Comparison) -> list[str]:
    """The table in Markdown, and the lines that belong to it."""
    which = ", all runs scored on the same images" if comparison.everything else ""
    parts = [markdown_table(HEADER, rows(comparison)), f"Recipe {escaped(comparison.recipe)}{which}."]
    if gain := gain_line(comparison):
        parts.append(f"{gain}.")
    steps = [step_sentence(one.step) for one in comparison.versions if one.step]
    parts.append(bullets([*steps, *map(version_sentence, comparison.versions)]))
    told = (*notes(comparison), reference_line(comparison.recipe))
    return [*parts, *map(escaped, filter(None, told)), REPORTED_NOTE]


def _row(summary: VersionSummary, reference: Reference | None) -> tuple[str, ...]:
    return (
        summary.version,
        f"{summary.runs}{'*' if summary.marked else ''}",
        f"{spread_cell(summary.test_accuracy, 2, 100)} %",
        "" if summary.step is None else difference_cell(summary.step),
        interval_cell(summary.test_accuracy.interval, 2, 100),
        spread_cell(summary.test_nll, 4),
        spread_cell(summary.test_brier, 4),
        spread_cell(summary.test_ece, 4),
        grouped(summary.parameters),
        "" if summary.seconds_per_epoch is None else f"{summary.seconds_per_epoch:.1f}",
        summary.device,
        "" if reference is None else reference_cell(reference),
        f"{summary.reported.accuracy * 100:.2f} %" if summary.reported else "",
        summary.what_changed,
    )


def _csv_row(summary: VersionSummary, reference: Reference | None) -> list[object]:
    return [
        *(summary.version, summary.runs, summary.marked),
        *(value for spread in _spreads(summary) for value in (spread.mean, spread.sd)),
        *(getattr(summary, name) for name in _CSV_PLAIN),
        *((summary.reported.accuracy, summary.reported.loss) if summary.reported else (None, None)),
        *(value for spread in _spreads(summary) for value in _interval_values(spread)),
        *([*_interval_values(summary.step), summary.step.may_be_chance] if summary.step else [None] * 4),
        *(asdict(reference).values() if reference else [None] * 3),
    ]


def _version_json(summary: VersionSummary, reference: Reference | None) -> dict[str, Any]:
    content = asdict(summary)
    del content["step"]
    reached = asdict(reference) if reference else None
    return {**content, **_difference_json("delta", summary.step), "reference": reached}


def _difference_json(name: str, difference: Difference | None) -> dict[str, Any]:
    interval = difference.interval if difference else None
    return {
        name: difference.value if difference else None,
        f"{name}_interval": asdict(interval) if interval else None,
        f"{name}_method": difference.method if difference else None,
        f"{name}_may_be_chance": difference.may_be_chance if difference else None,
        f"{name}_sentence": step_sentence(difference) if difference else None,
    }


def _spreads(summary: VersionSummary) -> tuple[Spread, ...]:
    return summary.test_accuracy, summary.test_nll, summary.test_brier, summary.test_ece


def _interval_values(told: Spread | Difference) -> list[Any]:
    """Low, high and method; nothing in the place of each without an interval."""
    return [told.interval.low, told.interval.high, told.method] if told.interval else [None] * 3
