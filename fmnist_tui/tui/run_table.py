"""All runs as rows: which of them count, whose curves are drawn, in the order that a person asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.analysis.values import whole
from fmnist_tui.text import percent

HEADER = ("run", "accuracy", "status", "counts", "curve", "recipe", "epochs", "seed", "NLL", "Brier", "ECE", "label")
LEFT_OUT = "left out by you"


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
    """The runs in this order, those without a score last; `records` are newest first, and equals stay so."""
    return sorted(records, key=order.key)


def row(record: RunRecord, why_not: Mapping[str, str], drawn: bool) -> tuple[str, ...]:  # noqa: FBT001 - a cell's value
    """The cells below `HEADER`; `why_not` says of the runs that don't count why."""
    why = why_not.get(record.run_id)
    counts = "yes" if why is None else "left out" if why == LEFT_OUT else "no"
    accuracy, *others = _figures(record)
    words = (record.run_id, accuracy, str(record.status), counts, "drawn" if drawn else "", record.marked_recipe)
    numbers = ("" if number is None else str(number) for number in (whole(record.settings, "epochs"), record.seed))
    return (*words, *numbers, *others, record.label)


def _figures(record: RunRecord) -> tuple[str, ...]:
    scores = record.scores
    if scores is None:
        return ("",) * 4
    return percent(scores.accuracy), f"{scores.nll:.4f}", f"{scores.brier:.4f}", f"{scores.ece:.4f}"
