"""A run as an object: what screens, commands and analyses use instead of its files."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists, reading_fault
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.runs.access import owner_of, refused
from fmnist_tui.runs.cluster.jobs import job_of, waiting_text
from fmnist_tui.runs.cluster.slurm import Job
from fmnist_tui.runs.directory import RunDirectory, list_runs, version_in
from fmnist_tui.runs.event_log import has_events
from fmnist_tui.runs.fold import Snapshot, TailFold, read_epochs, read_snapshot, stopped_text
from fmnist_tui.runs.label import read_label
from fmnist_tui.runs.lock import acquire, is_held
from fmnist_tui.runs.manifest import Manifest, Result, read_manifest, read_result
from fmnist_tui.runs.status import Status, is_waiting, status_and_tail_of_readable
from fmnist_tui.training.events import Command, Dynamics, Epoch, StepMetrics

if TYPE_CHECKING:  # a list of runs needs neither the models nor NumPy
    from fmnist_tui.models.spec import ModelSpec
    from fmnist_tui.runs.curve import Curves
    from fmnist_tui.runs.predictions import Predictions
    from fmnist_tui.runs.snapshots import NetworkSnapshots
    from fmnist_tui.training.config import TrainingConfig
    from fmnist_tui.training.metrics import Scores

_DELETED = ".deleted-"


@dataclass(frozen=True)
class Run:
    """A run as it was when it was read: immutable, so that a comparison doesn't change under its reader.

    `refresh` gives the run as it is now. The log and the predictions are read when first used.
    Two runs are equal if they are the same run in the same state.

    Attributes:
        directory: The paths of its files.
        status: What it is doing.
        manifest: What is trained.
        result: How it ended; None until then, or where result.json is damaged.
        label: The name that a person gave it, or "".
        tags: The tags that a person gave it.
        note: The note that a person added, or "".
        epochs_done: Whole epochs trained.
        job: Its Slurm job, as far as it is known here; None for any other run, and for one that has ended.
        unreadable: Why it can't be read ("permission denied"), or "".
        missing: Which file is missing or damaged although it should be there, or "".
        has_weights: Whether its trained network was saved, and the file wasn't deleted or left behind in a copy.
    """

    directory: RunDirectory
    status: Status
    manifest: Manifest = field(default_factory=Manifest)
    result: Result | None = None
    label: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    epochs_done: int = 0
    job: Job | None = None
    unreadable: str = ""
    missing: str = ""
    has_weights: bool = False

    @property
    def run_id(self) -> str:
        """<version>-<yyyymmdd>-<hhmmss>-<4 hex>."""
        return self.directory.run_id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.directory.path

    @property
    def damage(self) -> str:
        """What is wrong with the run's files, or ""."""
        return f"{Status.UNREADABLE} ({self.unreadable})" if self.unreadable else self.missing

    @property
    def version(self) -> str:
        """The model's name, not necessarily one that this program knows."""
        return self.manifest.version

    @property
    def recipe(self) -> str:
        """The recipe's name, or ""."""
        return self.manifest.recipe

    @property
    def marked_recipe(self) -> str:
        """The recipe's name, with a "*" if a hyper-parameter differs."""
        return self.manifest.marked_recipe

    @property
    def settings(self) -> dict[str, Any]:
        """The hyper-parameters; those that the run's version of this program didn't have yet are at their defaults."""
        return self.manifest.settings

    @property
    def seed(self) -> int | None:
        """The seed."""
        return self.manifest.seed

    @property
    def config(self) -> TrainingConfig:
        """What is trained, completely.

        Raises:
            ConfigError: The manifest is missing or damaged.
        """
        return self.manifest.config()

    @property
    def devices(self) -> tuple[str, ...]:
        """What it was trained on: "cpu", "cuda:0"; first where it began, then, if different, where it ended."""
        ended = self.result.device if self.result else ""
        return tuple(filter(None, dict.fromkeys((self.manifest.device, ended))))

    @property
    def device(self) -> str:
        """The same as text: "cpu", "cuda:0, cpu", or ""."""
        return ", ".join(self.devices)

    @property
    def is_exact(self) -> bool:
        """Whether retraining on the machine that it began on gives the same bits, as far as that is known."""
        return self.result is None or self.result.exact

    @property
    def n_train(self) -> int | None:
        """How many images it is trained on, without those for validation; None where that isn't known."""
        return self.manifest.train_images

    @property
    def test_images(self) -> int | None:
        """How many test images were scored, or, where the result doesn't say so, how many there were."""
        counts = (self.result.test_images if self.result else None, self.manifest.data.test_images)
        return next((count for count in counts if count is not None and count > 0), None)

    @property
    def data_name(self) -> str:
        """The data set's name, or ""."""
        return self.manifest.data.name

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the training and the test images, each "" where it isn't known."""
        return self.manifest.data.train_fingerprint, self.manifest.data.test_fingerprint

    @property
    def test_fingerprint(self) -> str:
        """Of the test images, or ""."""
        return self.fingerprints[1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """As run.json has them; before 0.2.0 ten: Fashion-MNIST's, or for other data "class 0" to "class 9"."""
        from fmnist_tui.data import official
        from fmnist_tui.data.location import DEMO

        if self.manifest.data.classes:
            return self.manifest.data.classes
        if self.data_name in (official.NAME, DEMO) or self.test_fingerprint == official.FASHION_MNIST.fingerprints[1]:
            return official.FASHION_CLASSES
        return tuple(f"class {label}" for label in range(10))

    @property
    def image_shape(self) -> ImageShape:
        """Channels, height and width of its images."""
        return self.manifest.data.shape or FASHION_MNIST_SHAPE

    def is_comparable_with(self, other: Run) -> bool:
        """Whether both were trained on equally many images and are scored on the same test images."""
        return (self.test_fingerprint, self.n_train) == (other.test_fingerprint, other.n_train)

    @property
    def scores(self) -> Scores | None:
        """The four measures on the test set, or None where one of them is missing or impossible."""
        return self.result.scores if self.result else None

    @property
    def test_accuracy(self) -> float | None:
        """0 to 1; None where the test images were not scored."""
        accuracy = self.result.test_accuracy if self.result else None
        return accuracy if accuracy is not None and 0 <= accuracy <= 1 else None

    @property
    def early_stopped(self) -> bool:
        """Whether it was completed before its last epoch, because validation accuracy no longer rose."""
        return self.result is not None and self.result.early_stopped

    @property
    def short_status(self) -> str:
        """The status, and of a run that stopped early that it did: "finished early"."""
        return f"{self.status} early" if self.status is Status.FINISHED and self.early_stopped else str(self.status)

    @property
    def progress(self) -> str:
        """What the run is doing, or how it ended, and how far it has come: "running, epoch 3/30", "finished 30/30"."""
        if self.status is Status.UNREADABLE:
            return self.damage
        done, epochs = self.epochs_done, self.manifest.epochs
        if self.status is Status.FINISHED and epochs and done < epochs:
            scored = self.result is not None and self.result.has_scores
            return stopped_text(done, epochs, scored=scored, early=self.early_stopped)
        if self.status is Status.PENDING and self.job:
            return f"{self.status} ({waiting_text(self.job)})"
        if self.status.has_trainer and not self.status.waits and epochs:
            return f"{self.status}, epoch {min(done + 1, epochs)}/{epochs}"
        return f"{self.status} {done}/{epochs or '?'}"

    @property
    def model(self) -> ModelSpec | None:
        """The model, as far as it is known without its code; None if it isn't."""
        return self.manifest.model

    @property
    def code(self) -> str:
        """The SHA-256 of a custom model's code; "" for other models."""
        return self.manifest.source.sha256 if self.manifest.source else ""

    @cached_property
    def snapshot(self) -> Snapshot:
        """The whole log: curve, epochs, alerts. Read when first used."""
        return read_snapshot(self.directory)

    @cached_property
    def epochs(self) -> tuple[Epoch, ...]:
        """All epochs that ended; much cheaper than `snapshot`. Read when first used."""
        return read_epochs(self.directory)

    @property
    def curves(self) -> Curves:
        """The learning curves as NumPy arrays: `curves.steps.loss`, `curves.epochs.validation_accuracy`..."""
        from fmnist_tui.runs.curve import Curves, EpochCurve, ResourceCurve

        snapshot = self.snapshot
        return Curves(snapshot.curve, EpochCurve.of(snapshot.epochs), ResourceCurve.of(snapshot.resources))

    @cached_property
    def predictions(self) -> Predictions:
        """The predictions on the test set. Read when first used.

        Raises:
            NoPredictionsError: There are none, they are damaged, or they may not be read.
        """
        from fmnist_tui.runs.predictions import read_predictions

        return read_predictions(self.directory)

    @property
    def dynamics(self) -> tuple[Dynamics, ...]:
        """Gradient norm, update ratio and dead fraction of each layer in each epoch that ended."""
        return self.snapshot.dynamics

    def snapshots(self) -> NetworkSnapshots:
        """The first layer's weights and predictions for 100 validation images, before training and after epochs.

        Raises:
            NoSnapshotsError: There are none, they are damaged, or they may not be read.
        """
        from fmnist_tui.runs.snapshots import read_snapshots

        return read_snapshots(self.directory)

    def refresh(self) -> Run:
        """The run as it is now."""
        return read_run(self.directory)

    def size(self) -> int:
        """Bytes on disk now."""
        return self.directory.size()

    def send(self, command: Command) -> None:
        """Send a command to the run's trainer.

        Raises:
            RunError: It has no trainer, or the command can't be written.
        """
        from fmnist_tui.runs.control import send_command

        send_command(self.directory, command)

    def delete(self) -> None:
        """Delete the run and its files.

        Raises:
            RunError: It has a trainer, it waits for a device, or it can't be removed.
        """
        delete_run(self.directory)


def read_run(directory: RunDirectory) -> Run:
    """The run as it is now; damage is reported in the object, never raised."""
    label = read_label(directory)
    if why := directory.unreadable():
        manifest = Manifest(version=version_in(directory.run_id))
        return Run(
            directory, Status.UNREADABLE, manifest, label=label.name, tags=label.tags, note=label.note, unreadable=why
        )
    status, tail = status_and_tail_of_readable(directory)  # first: a trainer writes the result before its last event
    manifest, result = read_manifest(directory), read_result(directory)
    return Run(
        directory,
        status,
        manifest,
        result,
        label.name,
        label.tags,
        label.note,
        _epochs_done(directory, tail),
        _job(directory, status),
        missing=_missing(directory, status, manifest, result),
        has_weights=status is Status.FINISHED and exists(directory.model),
    )


def read_runs(runs: Path) -> list[Run]:
    """All runs of a folder, newest first.

    Raises:
        RunError: The folder is there but can't be read.
    """
    return [read_run(directory) for directory in list_runs(runs)]


def has_steps(run: RunDirectory) -> bool:
    """Whether a trainer has taken steps, so that there is a curve, and something to resume from."""
    return has_events(run.events, (StepMetrics, Epoch))


def delete_run(run: RunDirectory) -> None:
    """Delete a run and its files; from the first moment on no list shows it.

    Raises:
        RunError: It has a trainer, it waits for a device, or it can't be removed.
    """
    if is_held(run):
        raise RunError(f"run {run.run_id} has a trainer; stop it first with: fmnist-tui stop {run.run_id} --now")
    if is_waiting(run):
        raise RunError(f"run {run.run_id} waits to be trained; stop it first with: fmnist-tui stop {run.run_id}")
    lock = acquire(run)
    try:
        gone = run.path.with_name(f"{_DELETED}{run.run_id}")
        shutil.rmtree(gone, ignore_errors=True)  # left by a process that was killed, of a run that was put back since
        run.path.rename(gone)
    except OSError as error:
        raise refused(f"delete {run.path}", run.path, error) from None
    finally:
        os.close(lock)
    faults: list[object] = []
    if gone.is_symlink():
        gone.unlink()
    else:
        shutil.rmtree(gone, onerror=lambda _, path, fault: faults.append(path) if _is_left(fault) else None)
    with suppress(OSError):
        for left in gone.parent.glob(f"{_DELETED}*"):  # left by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
    if faults and os.path.lexists(gone):
        why = f"files of {owner_of(gone)} can't be removed"
        raise RunError(f"{run.run_id} is no longer listed, but some {why}; have them removed: rm -rf {gone}")


def _is_left(fault: tuple[object, BaseException, object]) -> bool:
    """Whether a file couldn't be removed, and not just because another process that deletes a run removed it."""
    return not isinstance(fault[1], FileNotFoundError)


def _job(run: RunDirectory, status: Status) -> Job | None:
    return job_of(run) if status.has_trainer or status is Status.INTERRUPTED else None


def _epochs_done(run: RunDirectory, tail: TailFold) -> int:
    if (done := tail.epochs_done) is not None:
        return done
    epochs = read_epochs(run)  # the end of the log has nothing but alerts or failed resumes, say
    return epochs[-1].epoch if epochs else 0


def _missing(run: RunDirectory, status: Status, manifest: Manifest, result: Result | None) -> str:
    begun = status is Status.FINISHED or exists(run.run_json)  # it is written once device and data are known
    if begun and not manifest.is_settled:
        return _damage_of(run.run_json)
    return _damage_of(run.result) if status is Status.FINISHED and result is None else ""


def _damage_of(path: Path) -> str:
    if why := reading_fault(path):
        return f"{path.name} is unreadable ({why})"
    return f"{path.name} is {'damaged' if exists(path) else 'missing'}"
