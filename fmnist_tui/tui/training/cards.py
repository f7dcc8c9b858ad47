"""The numbers of a run as cards, a label above a value; and what its end was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.usage import seconds_left
from fmnist_tui.text import grouped, percent, rough_duration
from fmnist_tui.tui.cells import cells

_GAP = 3


@dataclass(frozen=True)
class Card:
    """A labelled value, and how the value is drawn."""

    label: str
    value: str
    style: str = "bold"

    @property
    def width(self) -> int:
        """Cells of the wider one."""
        return max(cells(self.label), cells(self.value))


def cards_of(snapshot: Snapshot, colour: str) -> list[Card]:
    """The run's numbers, the most important first; the validation accuracy stands out in the model's colour."""
    found: list[Card] = []
    if snapshot.epochs:
        last, best = snapshot.epochs[-1], snapshot.best_epoch
        found.append(Card("VAL ACC", percent(last.validation_accuracy), f"bold {colour}"))
        if best:
            found.append(Card("BEST", f"{percent(best.validation_accuracy)} @{best.epoch}"))
    curve = snapshot.curve
    if len(curve):
        found.append(Card("TRAIN ACC", percent(curve.accuracy[-1])))
    if snapshot.epochs:
        found.append(Card("VAL LOSS", f"{snapshot.epochs[-1].validation_loss:.4f}"))
    if len(curve):
        left = seconds_left(snapshot)
        if left and snapshot.finished is None:
            found.append(Card("TIME LEFT", rough_duration(left)))
        found.append(Card("SPEED", f"{grouped(curve.images_per_second[-1])} img/s"))
        found.append(Card("LR", f"{curve.learning_rate[-1]:.2g}"))
        found.append(Card("TRAIN LOSS", f"{curve.loss[-1]:.4f}"))
    return found


def in_rows(cards: Sequence[Card], width: int) -> Text:
    """Labels in one row and values in the next; only as many cards as fit `width` cells."""
    labels, values = Text(no_wrap=True), Text(no_wrap=True)
    for card in cards:
        gap = _GAP if labels.cell_len else 0
        if labels.cell_len + gap + card.width > width:
            break
        labels.append(" " * gap + card.label + " " * (card.width - cells(card.label)), "dim")
        values.append(" " * gap)
        values.append(card.value, card.style)
        values.append(" " * (card.width - cells(card.value)))
    return Text("\n").join([labels, values])


def end_text(snapshot: Snapshot) -> str:
    """How the run ended and the key for what comes next; "" while it is not over."""
    end = snapshot.finished
    if end is None:
        return ""
    if end.reason == "stopped" and end.resumable:
        return f"{snapshot.ending}: r {'resumes' if snapshot.saved_step is not None else 'starts'} it"
    return f"{snapshot.ending}: press 4 to compare it" if end.scored else snapshot.ending
