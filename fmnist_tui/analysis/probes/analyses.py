"""Makes the analyses of a run: takes what is kept, computes the rest, keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from fmnist_tui.analysis.probes import permuted
from fmnist_tui.analysis.probes.cache import KINDS, MODEL, Result, basis_of, keep, read_kept
from fmnist_tui.analysis.probes.errors import AnalysisError, Report, quiet
from fmnist_tui.analysis.probes.log_measures import measure_convergence, measure_efficiency, measure_gaps
from fmnist_tui.analysis.probes.model_measures import Shifts, measure_fit, measure_shifts
from fmnist_tui.analysis.probes.permuted import Permuted, budgeted, measure_permuted
from fmnist_tui.analysis.record import RunRecord, read_epochs
from fmnist_tui.analysis.values import nested, number
from fmnist_tui.data import Dataset, load
from fmnist_tui.data.errors import CancelCheck, never
from fmnist_tui.runs.follower import read_snapshot
from fmnist_tui.runs.request import recorded_folder
from fmnist_tui.runs.scored_model import config_of, load_scored_model
from fmnist_tui.runs.start_checks import resolved
from fmnist_tui.text import percent
from fmnist_tui.training.task import make_task

CHEAP = tuple(name for name in KINDS if name != "permuted")
"""Those that train nothing."""
_SAME = 0.005
"""Accuracy by which another device, or another number of threads, may change what a model says."""


@dataclass
class Images:
    """Data sets, each loaded when it is first needed.

    Attributes:
        folder: Where all data shall come from; None for wherever each run had it from.
        cache: For `fmnist_tui.data.load`.
    """

    folder: str | None
    cache: Path
    _known: dict[str | None, Dataset] = field(default_factory=dict)

    def of(self, record: RunRecord, stop: CancelCheck) -> Dataset:
        """The images that the run was trained and scored on.

        Raises:
            AnalysisError: There are others now.
            DataError: There are none.
        """
        folder = self.folder or recorded_folder(record.run, {"data": nested(record.config, "data").get("folder")})
        if folder not in self._known:
            self._known[folder] = load(folder, self.cache, cancelled=stop, verify=True)
        dataset = self._known[folder]
        if dataset.test.fingerprint != record.test_fingerprint:
            raise AnalysisError(
                f"run {record.run_id} was scored on other images than {dataset.source} holds; name theirs with --data"
            )
        return dataset


@dataclass(frozen=True)
class Wish:
    """How analyses shall be made.

    Attributes:
        images: Where the images come from.
        device: For v1 to v3: "auto", "cpu", "cuda", "cuda:N" or "mps".
        again: Whether to compute what is kept, too.
        epochs: Of a training on permuted pixels; None for the default, or what is kept.
        limit: Its training images; None likewise.
    """

    images: Images
    device: str = "auto"
    again: bool = False
    epochs: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Made:
    """An analysis, whether it was kept before, and why it can't be kept, or ""."""

    result: Result
    kept: bool
    unkept: str = ""


def applies(record: RunRecord, name: str) -> bool:
    """Whether the analysis is made of runs of this version."""
    return name != "permuted" or record.version in permuted.VERSIONS


def analyse(record: RunRecord, name: str, wish: Wish, report: Report = quiet, stop: CancelCheck = never) -> Made:
    """The analysis called `name` (of `KINDS`) of a run; what has to be computed is kept with the run.

    Raises:
        AnalysisError: It can't be made of this run.
        RunError: The run's files are missing or damaged.
        DataError: There are no images.
        ConfigError: The device isn't there, or PyTorch is missing.
        Cancelled: `stop` turned true; nothing is left half-written.
    """
    if record.status.has_trainer:
        raise AnalysisError(f"run {record.run_id} is still {record.status}; analyse it when it has ended")
    if not applies(record, name):
        raise AnalysisError(f"{name} is measured of {' and '.join(permuted.VERSIONS)} alone, not of {record.version}")
    basis = basis_of(record)
    kept = None if wish.again else read_kept(record.run, name, basis)
    if kept is not None and _is_wanted(kept, wish):
        return Made(kept, kept=True)
    if not basis[MODEL] and name == "permuted":  # minutes of training, for nothing
        raise AnalysisError(
            f"run {record.run_id} has no model.safetensors, which {name} is kept with; let it end first"
        )
    result = _COMPUTED[name](record, wish, report, stop)
    if not basis[MODEL]:
        return Made(result, kept=False, unkept=f"{name} is not kept: the run has no model.safetensors yet")
    try:
        keep(record.run, name, basis, result)
    except AnalysisError as error:
        return Made(result, kept=False, unkept=str(error))
    return Made(result, kept=False)


def _is_wanted(kept: Result, wish: Wish) -> bool:
    """Whether it was made with the budget that is asked for, if one is."""
    if not isinstance(kept, Permuted):
        return True
    return wish.epochs in (None, kept.epochs) and wish.limit in (None, kept.limit)


def _shifts(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Shifts:
    model = load_scored_model(record.run, wish.device)
    test = wish.images.of(record, stop).test
    found = measure_shifts(model, test.images, test.labels, report, stop)
    told = number(record.result or {}, "test_accuracy")
    if told is not None and abs(found.mean[0] - told) > _SAME:
        raise AnalysisError(
            f"the model of {record.run_id} is right on {percent(found.mean[0])} of the test images, but its result "
            f"says {percent(told)}: they don't belong together; train the run anew"
        )
    return found


def _permuted(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Result:
    config = replace(config_of(record.run), device="cpu" if record.version == "v0" else wish.device, threads=0)
    budget = budgeted(config, wish.epochs or permuted.EPOCHS, wish.limit or permuted.LIMIT)
    return measure_permuted(resolved(budget), wish.images.of(record, stop), report, stop)


def _efficiency(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    if record.scores is None:
        raise AnalysisError(f"run {record.run_id} was not scored on the test images")
    return measure_efficiency(record.version, record.scores.accuracy)


def _fit(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Result:
    model = load_scored_model(record.run, wish.device)
    dataset = wish.images.of(record, stop)
    train = dataset.train
    if train.fingerprint != record.fingerprints[0]:
        raise AnalysisError(f"run {record.run_id} learned from other images than these; name its data with --data")
    task = make_task(config_of(record.run), dataset)
    return measure_fit(model, train, task.train_indices, task.validation_indices, report, stop)


def _gaps(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    return measure_gaps(read_epochs(record.run))


def _convergence(record: RunRecord, wish: Wish, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    return measure_convergence(read_snapshot(record.run))


_COMPUTED: dict[str, Callable[[RunRecord, Wish, Report, CancelCheck], Result]] = {
    "shifts": _shifts,
    "permuted": _permuted,
    "efficiency": _efficiency,
    "fit": _fit,
    "gaps": _gaps,
    "convergence": _convergence,
}
