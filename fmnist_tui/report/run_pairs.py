"""Named runs compared, as JSON, CSV and Markdown, and as the cells of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fmnist_tui.analysis.paired import PairedTest
from fmnist_tui.analysis.run_pairs import ComparedRun, RunPairs
from fmnist_tui.report.formats import bullets, csv_text, markdown_table
from fmnist_tui.report.sentences import interval_cell, interval_points
from fmnist_tui.report.tables import paired_json
from fmnist_tui.runs.run import Run
from fmnist_tui.text import grouped

HEADER = (
    "run",
    "label",
    "recipe",
    "seed",
    "learned from",
    "epochs",
    "status",
    "accuracy",
    "accuracy, 95 %",
    "NLL",
    "Brier",
    "ECE",
)


def as_json(pairs: RunPairs) -> dict[str, Any]:
    """As `results RUN RUN --format json` prints it.

    Keys: "runs", a list of objects with "run", "label", "version", "recipe", "seed", "train_images", "epochs",
    "status", "images", "test_accuracy", "test_accuracy_interval" ("low", "high"), "test_nll", "test_brier" and
    "test_ece"; "paired", a list as of `tables.paired_json`, whose sentences call the runs by what tells them apart.
    """
    told = [
        {**paired_json(test), "sentence": words} for test, words in zip(pairs.paired, sentences(pairs), strict=True)
    ]
    return {"runs": [_run_json(run) for run in pairs.runs], "paired": told}


def as_csv(pairs: RunPairs) -> str:
    """A line for each pair; numbers in full."""
    plain = ("first_run", "second_run", "only_first_right", "only_second_right", "images", "p_value", "tests", "p_holm")
    rows = (
        [
            *(getattr(test, name) for name in plain),
            test.difference,
            test.interval.low,
            test.interval.high,
            test.may_be_chance,
        ]
        for test in pairs.paired
    )
    return csv_text([*plain, "difference", "difference_low", "difference_high", "may_be_chance"], rows)


def as_markdown(pairs: RunPairs) -> str:
    """The runs as a table, the tests as a list."""
    return "\n\n".join([markdown_table(HEADER, rows(pairs)), bullets(sentences(pairs))]) + "\n"


def rows(pairs: RunPairs) -> list[tuple[str, ...]]:
    """The cells of the table below `HEADER`, rounded for reading. Accuracies in per cent."""
    return [_row(run) for run in pairs.runs]


def sentences(pairs: RunPairs) -> list[str]:
    """Each test in words, with the difference in points."""
    return [_sentence(test, pairs.names) for test in pairs.paired]


def _sentence(test: PairedTest, names: Mapping[str, str]) -> str:
    told = test.sentence_of(names[test.first_run], names[test.second_run])
    alone = ", not adjusted" if test.tests > 1 else ""
    interval = f"95 % interval {interval_points(test.interval)}"
    return f"{told}; {test.difference * 100:+.2f} points ({interval}, over the images, for these two runs{alone})"


def _run_json(run: ComparedRun) -> dict[str, Any]:
    record = run.record
    return {
        "run": record.run_id,
        "label": record.label,
        "version": record.version,
        "recipe": record.recipe,
        "seed": record.seed,
        "train_images": record.n_train,
        "epochs": _epochs(record),
        "status": str(record.status),
        "images": run.images,
        **{f"test_{name}": value for name, value in asdict(run.scores).items()},
        "test_accuracy_interval": asdict(run.interval),
    }


def _epochs(record: Run) -> int | None:
    return record.result.epochs if record.result else None


def _row(run: ComparedRun) -> tuple[str, ...]:
    record, scores = run.record, run.scores
    return (
        record.run_id,
        record.label,
        record.marked_recipe,
        "" if record.seed is None else str(record.seed),
        "" if record.n_train is None else grouped(record.n_train),
        "" if (epochs := _epochs(record)) is None else str(epochs),
        str(record.status),
        f"{scores.accuracy * 100:.2f} %",
        interval_cell(run.interval, 2, 100),
        f"{scores.nll:.4f}",
        f"{scores.brier:.4f}",
        f"{scores.ece:.4f}",
    )
