"""All scored runs as rows: which of them count, whose curves are drawn, in the order that a person asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.analysis.values import whole

HEADER = ("run", "counts", "curve", "recipe", "seed", "accuracy", "NLL", "Brier", "ECE", "label")


@dataclass(frozen=True)
class Order:
    """An order of the rows: what it is called, and its key."""

    name: str
    key: Callable[[RunRecord], float | str]


def _score(name: str, sign: int) -> Callable[[RunRecord], float]:
    return lambda record: sign * getattr(record.scores, name) if record.scores else 1e9


ORDERS = (
    Order("newest first", lambda _: ""),
    Order("best accuracy first", _score("accuracy", -1)),
    Order("lowest NLL first", _score("nll", 1)),
    Order("lowest ECE first", _score("ece", 1)),
    Order("by version", lambda record: record.version),
)


def ordered(records: Sequence[RunRecord], order: Order) -> list[RunRecord]:
    """The scored runs in this order; `records` are newest first, and equals stay so."""
    return sorted((record for record in records if record.scores), key=order.key)


def row(record: RunRecord, comparison: Comparison, left_out: set[str], drawn: Sequence[str]) -> tuple[str, ...]:
    """The cells below `HEADER`."""
    reasons = {run.run: run.why for run in comparison.not_counted}
    counts = "left out" if record.run_id in left_out else "no" if record.run_id in reasons else "yes"
    seed = whole(record.config, "seed")
    curve = "drawn" if record.run_id in drawn else ""
    words = (record.run_id, counts, curve, record.recipe, "" if seed is None else str(seed))
    return (*words, *_figures(record), record.label)


def _figures(record: RunRecord) -> tuple[str, ...]:
    scores = record.scores
    if scores is None:
        return ("",) * 4
    return f"{scores.accuracy:.2%}", f"{scores.nll:.4f}", f"{scores.brier:.4f}", f"{scores.ece:.4f}"
