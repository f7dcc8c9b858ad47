"""The report of named runs that are tested against each other pair by pair."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fmnist_tui.analysis.run_pairs import ComparedRun, RunPairs
from fmnist_tui.report.comparison import paired_document
from fmnist_tui.report.report import Column, Line, Report, Section, Table
from fmnist_tui.report.sentences import interval_cell, named_pair_sentence
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped, percent

COLUMNS = (
    Column("run"),
    Column("label", priority=8),
    Column("recipe", priority=6),
    Column("seed", "right", priority=9),
    Column("n_train", "right", priority=5),
    Column("epochs", "right", priority=1),
    Column("status", priority=7),
    Column("accuracy"),
    Column("95% CI"),
    Column("NLL", priority=4),
    Column("Brier", priority=2),
    Column("ECE", priority=3),
)
_CSV_FIELDS = (
    "first_run",
    "second_run",
    "only_first_correct",
    "only_second_correct",
    "images",
    "p_value",
    "tests",
    "p_holm",
)


def run_pairs_report(pairs: RunPairs) -> Report:
    """Lays out tests of named runs.

    The JSON document has the keys "runs", a list of objects with "run", "label", "version", "recipe", "seed",
    "n_train", "epochs", "status", "images", "test_accuracy", "test_accuracy_interval" ("low", "high"), "test_nll",
    "test_brier" and "test_ece"; and "paired", a list of objects as `paired_document` makes them. The CSV table has a
    row for each pair.
    """
    names = pairs.names
    sentences = [named_pair_sentence(test, names[test.first_run], names[test.second_run]) for test in pairs.paired]
    paired = [paired_document(test, line) for test, line in zip(pairs.paired, sentences, strict=True)]
    adjusted = " (p adjusted by Holm's method)" if len(sentences) > 1 else ""
    return Report(
        "Named runs, pair by pair",
        (
            Section(table=Table(COLUMNS, tuple(map(_row, pairs.runs)))),
            Section(f"Image by image{adjusted}", lines=tuple(sentences)),
        ),
        {"runs": list(map(_run_document, pairs.runs)), "paired": paired},
        _csv(pairs),
    )


def _run_document(run: ComparedRun) -> dict[str, Any]:
    record = run.record
    return {
        "run": record.run_id,
        "label": record.label,
        "version": record.version,
        "recipe": record.recipe,
        "seed": record.seed,
        "n_train": record.n_train,
        "epochs": _epochs(record),
        "status": str(record.status),
        "images": run.images,
        **{f"test_{name}": value for name, value in asdict(run.scores).items()},
        "test_accuracy_interval": asdict(run.interval),
    }


def _epochs(record: Run) -> int | None:
    return record.result.epochs if record.result else None


def _row(run: ComparedRun) -> tuple[Line, ...]:
    record, scores = run.record, run.scores
    epochs = _epochs(record)
    cells = (
        record.run_id,
        record.label,
        record.marked_recipe,
        "" if record.seed is None else str(record.seed),
        "" if record.n_train is None else grouped(record.n_train),
        "" if epochs is None else str(epochs),
        str(record.status),
        percent(scores.accuracy),
        interval_cell(run.interval, 2, 100),
        f"{scores.nll:.4f}",
        f"{scores.brier:.4f}",
        f"{scores.ece:.4f}",
    )
    return tuple(map(Line, cells))


def _csv(pairs: RunPairs) -> tuple[list[str], list[list[object]]]:
    header = [*_CSV_FIELDS, "difference", "difference_low", "difference_high", "significant"]
    rows: list[list[object]] = [
        [
            *(getattr(test, name) for name in _CSV_FIELDS),
            test.difference,
            test.interval.low,
            test.interval.high,
            test.significant,
        ]
        for test in pairs.paired
    ]
    return header, rows
