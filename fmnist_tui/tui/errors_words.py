"""What the screen of a run's errors says in words."""

from __future__ import annotations

from rich.text import Text

from fmnist_tui.analysis.diagnosis import Diagnosis
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.data import Dataset
from fmnist_tui.runs.status import Status
from fmnist_tui.text import grouped, percent


def title(diagnosis: Diagnosis) -> str:
    """Which run it is, and how many images it gets wrong."""
    count, wrong = len(diagnosis.predictions.labels), len(diagnosis.mistakes)
    name = diagnosis.record.label or diagnosis.record.run_id
    return f"{name}: {percent(1 - wrong / count)}, {grouped(wrong)} of {grouped(count)} wrong"


def cell_words(diagnosis: Diagnosis, true: int, predicted: int) -> Text:
    """What a cell of the confusion matrix counts."""
    count, total = int(diagnosis.matrix[true, predicted]), int(diagnosis.matrix[true].sum())
    names = diagnosis.names
    what = f"{names[true]} taken for {names[predicted]}" if true != predicted else f"{names[true]}, right"
    share = f" of {grouped(total)} ({percent(count / total, 1)})" if total else ""
    return Text(f"{what}: {count}{share}", no_wrap=True, overflow="ellipsis")


def unscored(record: RunRecord, why: str) -> str:
    """That the run left no predictions, why, and what to do."""
    if record.status is Status.FINISHED:
        remedy = "train it again, with its test images scored (without --no-test)"
    else:
        remedy = "a run is scored when it ends: resume it (3, then r), or train another"
    return f"{record.run_id} can't be looked into: {why}; {remedy}"


def why_no_images(dataset: Dataset | None) -> str:
    """Why a run's images are not among those that the app has."""
    if dataset is None:
        return "The images are not loaded: numbers alone. 1 shows why."
    return f"The images are not here (the app has {dataset.name}): numbers alone."
