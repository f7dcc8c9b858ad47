"""A comparison as JSON, CSV and Markdown, and as the cells of a table on the screen: the same numbers in all."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict
from typing import Any

from fmnist_tui.analysis.comparison import Comparison, Spread, VersionSummary
from fmnist_tui.models.catalogue import ORIGIN_NOTE

MEASURES = ("test_accuracy", "test_nll", "test_brier", "test_ece")
HEADER = (
    "version",
    "runs",
    "accuracy",
    "delta",
    "NLL",
    "Brier",
    "ECE",
    "parameters",
    "s/epoch",
    "device",
    "origin",
    "what changed",
)
MARK_NOTE = "* not all of these runs count; the reasons are below."
_CSV_PLAIN = ("parameters", "seconds_per_epoch", "device", "what_changed", "delta", "best_run")


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as `results --format json` prints it.

    Keys: "recipe"; "versions", a list of objects with "version", "runs", "marked", "test_accuracy", "test_nll",
    "test_brier" and "test_ece" (each with "mean", "sd" and "n"), "parameters", "seconds_per_epoch", "device",
    "what_changed", "delta", "best_run" and "reported" (the origin's "accuracy" and "loss"); "total_gain"; "paired",
    a list of objects with "first", "second", "first_run", "second_run", "only_first_right", "only_second_right",
    "p_value" and "sentence"; "not_counted", a list of objects with "run" and "why".
    """
    return {
        "recipe": comparison.recipe,
        "versions": [asdict(summary) for summary in comparison.versions],
        "total_gain": comparison.total_gain,
        "paired": [{**asdict(test), "sentence": test.sentence} for test in comparison.paired],
        "not_counted": [asdict(run) for run in comparison.not_counted],
    }


def as_csv(comparison: Comparison) -> str:
    """A line for each version; numbers in full, empty cells where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    spreads = [f"{measure}_{part}" for measure in MEASURES for part in ("mean", "sd")]
    writer.writerow(["version", "runs", "marked", *spreads, *_CSV_PLAIN, "reported_accuracy", "reported_loss"])
    for summary in comparison.versions:
        spread_cells = [value for spread in _spreads(summary) for value in (spread.mean, spread.sd)]
        plain_cells = [getattr(summary, name) for name in _CSV_PLAIN]
        reported = [summary.reported.accuracy, summary.reported.loss]
        writer.writerow([summary.version, summary.runs, summary.marked, *spread_cells, *plain_cells, *reported])
    return text.getvalue()


def as_markdown(comparison: Comparison) -> str:
    """A table, what the steps come to, the paired tests, and the runs that don't count."""
    parts = _table(comparison) if comparison.versions else [f"No run counts under {_escaped(comparison.recipe)} yet."]
    if comparison.paired:
        parts.append("\n".join(f"- {_escaped(test.sentence)}" for test in comparison.paired))
    if comparison.not_counted:
        reasons = "\n".join(f"- {run.run}: {_escaped(run.why)}" for run in comparison.not_counted)
        parts.append(f"Runs that do not count:\n\n{reasons}")
    return "\n\n".join(parts) + "\n"


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The cells of the table below `HEADER`, rounded for reading. Accuracies in per cent, deltas in points."""
    return [_row(summary) for summary in comparison.versions]


def gain_line(comparison: Comparison) -> str:
    """The total gain in words, or "" where there are not two versions."""
    gain = comparison.total_gain
    if gain is None:
        return ""
    first, last = comparison.versions[0].version, comparison.versions[-1].version
    doubt = "; not all of these runs count" if any(summary.marked for summary in comparison.versions) else ""
    return f"Total gain from {first} to {last}: {gain * 100:+.2f} points{doubt}"


def mark_line(comparison: Comparison) -> str:
    """What the "*" at a number of runs means, or "" where there is none."""
    return MARK_NOTE if any(summary.marked for summary in comparison.versions) else ""


def _table(comparison: Comparison) -> list[str]:
    """The table in Markdown, and the lines that belong to it."""
    lines = [HEADER, ("---",) * len(HEADER), *(tuple(map(_escaped, row)) for row in rows(comparison))]
    parts = ["\n".join(f"| {' | '.join(line)} |" for line in lines)]
    if mark := mark_line(comparison):
        parts.append(_escaped(mark))
    if gain := gain_line(comparison):
        parts.append(f"{gain}.")
    return [*parts, ORIGIN_NOTE]


def _row(summary: VersionSummary) -> tuple[str, ...]:
    return (
        summary.version,
        f"{summary.runs}{'*' if summary.marked else ''}",
        f"{_spread(summary.test_accuracy, 2, 100)} %",
        "" if summary.delta is None else f"{summary.delta * 100:+.2f}",
        _spread(summary.test_nll, 4),
        _spread(summary.test_brier, 4),
        _spread(summary.test_ece, 4),
        f"{summary.parameters:,}".replace(",", " "),
        "" if summary.seconds_per_epoch is None else f"{summary.seconds_per_epoch:.1f}",
        summary.device,
        f"{summary.reported.accuracy * 100:.2f} %",
        summary.what_changed,
    )


def _spread(spread: Spread, digits: int, scale: float = 1.0) -> str:
    mean = f"{spread.mean * scale:.{digits}f}"
    return mean if spread.sd is None else f"{mean} ± {spread.sd * scale:.{digits}f}"


def _spreads(summary: VersionSummary) -> tuple[Spread, ...]:
    return summary.test_accuracy, summary.test_nll, summary.test_brier, summary.test_ece


def _escaped(text: str) -> str:
    """`text` as Markdown that means no more than its letters."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
