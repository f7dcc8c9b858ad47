"""Any runs, whatever their status, tested against each other on the test images that all were scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.paired import Answers, PairedTest, paired_tests
from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, reading_fault
from fmnist_tui.runs.access import owner_of
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.metrics import Scores, score


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        record: The run.
        images: How many test images.
        scores: On them.
        interval: 95 %, of the accuracy: over the images, for this run alone (Wilson's).
    """

    record: Run
    images: int
    scores: Scores
    interval: Interval


@dataclass(frozen=True)
class RunPairs:
    """The runs in the order in which they were named, and a test for each pair."""

    runs: tuple[ComparedRun, ...]
    paired: tuple[PairedTest, ...]

    @property
    def names(self) -> dict[str, str]:
        """What each run is called in sentences, by its id.

        Version, label, or version and seed: the first that tells all of them apart, else the id.
        """
        records = [run.record for run in self.runs]
        for called in (_version, _label, _version_and_seed):
            names = [called(record) for record in records]
            if len(set(names) - {""}) == len(records):
                break
        else:
            names = [record.run_id for record in records]
        return {record.run_id: name for record, name in zip(records, names, strict=True)}


def compare_runs(records: Sequence[Run]) -> RunPairs:
    """Tests each pair of at least two runs.

    Raises:
        RunError: One is named twice, has no predictions, or was scored on other images than the first.
    """
    ids = [record.run_id for record in records]
    if twice := next((run for place, run in enumerate(ids) if run in ids[:place]), None):
        raise RunError(f"{twice} is named twice: name runs that differ (`fmnist-tui runs` lists them)")
    compared, answers = zip(*map(_read, records), strict=True)
    for one in answers:
        if not one.on_the_images_of(answers[0]):
            raise RunError(_other_images(answers[0].record, one.record))
    return RunPairs(compared, paired_tests(answers))


def _version(record: Run) -> str:
    return record.version


def _label(record: Run) -> str:
    return record.label


def _version_and_seed(record: Run) -> str:
    return f"{record.version} (seed {record.seed})"


def _read(record: Run) -> tuple[ComparedRun, Answers]:
    try:
        predictions = read_predictions(record.directory)
    except NoPredictionsError as error:
        raise RunError(f"{record.run_id} can't be compared: {error}; {_remedy(record)}") from None
    scores, images = score(predictions.probabilities, predictions.labels), len(predictions.labels)
    compared = ComparedRun(record, images, scores, intervals.of_share(scores.accuracy, images))
    return compared, Answers(record, predictions.labels, predictions.correct)


def _remedy(record: Run) -> str:
    """How a run may get predictions that can be read."""
    if reading_fault(record.directory.predictions):
        return f"the run belongs to {owner_of(record.directory.path)}, who can open it to you"
    if record.status.has_trainer:
        return f"it is {record.status}, and scored at its end: fmnist-tui attach {record.run_id}"
    if record.status in (Status.STOPPED, Status.INTERRUPTED) and not exists(record.directory.predictions):
        return f"go on with it: fmnist-tui resume {record.run_id}"
    return f"train {record.version} again, and let it be scored (without --no-test)"


def _other_images(first: Run, second: Run) -> str:
    names = [record.data_name or "unknown data" for record in (first, second)]
    data = f" ({names[0]}, {names[1]})" if names[0] != names[1] else ""
    return f"{first.run_id} and {second.run_id} were scored on different test images{data}: name runs on the same data"
