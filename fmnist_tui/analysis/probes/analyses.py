"""Makes the analyses of a run: takes what is saved with it, computes the rest, saves that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from fmnist_tui.analysis.probes import permuted
from fmnist_tui.analysis.probes.cache import KINDS, MODEL, Result, basis_of, read_saved, save
from fmnist_tui.analysis.probes.common import AnalysisError, Report, quiet
from fmnist_tui.analysis.probes.convergence import measure_convergence, measure_gaps
from fmnist_tui.analysis.probes.efficiency import measure_efficiency
from fmnist_tui.analysis.probes.fit import measure_fit
from fmnist_tui.analysis.probes.permuted import Permuted, budgeted, measure_permuted
from fmnist_tui.analysis.probes.shifts import Shifts, measure_shifts
from fmnist_tui.data import Dataset, load
from fmnist_tui.data.errors import CancelCheck, never
from fmnist_tui.runs.fold import read_epochs, read_snapshot
from fmnist_tui.runs.manifest import read_config, requested_folder
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.scored_model import load_scored_model
from fmnist_tui.runs.start import resolve_device
from fmnist_tui.text import percent
from fmnist_tui.training.task import make_task

WITHOUT_TRAINING = tuple(name for name in KINDS if name != "permuted")
"""The analyses that train nothing."""
_TOLERANCE = 0.005
"""The change in accuracy that another device or number of threads may cause."""


@dataclass
class Datasets:
    """Data sets, each loaded when it is first needed.

    Attributes:
        folder: The source of all data; None for the source that each run recorded.
        cache: For `fmnist_tui.data.load`.
    """

    folder: str | None
    cache: Path
    _loaded: dict[str | None, Dataset] = field(default_factory=dict)

    def load_for(self, record: Run, stop: CancelCheck) -> Dataset:
        """The images that the run was trained and scored on.

        Raises:
            AnalysisError: If other images are found there.
            DataError: If the data can't be loaded.
        """
        folder = self.folder or requested_folder(record.directory, {"data": record.manifest.data.folder})
        if folder not in self._loaded:
            self._loaded[folder] = load(folder, self.cache, cancelled=stop, verify=True)
        dataset = self._loaded[folder]
        if dataset.test.fingerprint != record.test_fingerprint:
            raise AnalysisError(
                f"run {record.run_id} was scored on other test images than those in {dataset.source}; "
                "pass its data with --data"
            )
        return dataset


@dataclass(frozen=True)
class AnalysisOptions:
    """How to make analyses.

    Attributes:
        datasets: Where images come from.
        device: For PyTorch models: "auto", "cpu", "cuda", "cuda:N" or "mps".
        again: Whether to recompute what is saved.
        epochs: Of a training on permuted pixels; None for what is saved, or the default.
        limit: The number of its training images; None as for `epochs`.
    """

    datasets: Datasets
    device: str = "auto"
    again: bool = False
    epochs: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class AnalysisOutcome:
    """An analysis, whether it was read from the run's folder, and why it couldn't be saved there, or ""."""

    result: Result
    cached: bool
    not_saved: str = ""


def applies(record: Run, name: str) -> bool:
    """Whether the analysis is defined for the run's model."""
    return name != "permuted" or record.version in permuted.VERSIONS


def analyse(
    record: Run, name: str, options: AnalysisOptions, report: Report = quiet, stop: CancelCheck = never
) -> AnalysisOutcome:
    """The analysis called `name` (of `KINDS`) of a run; what has to be computed is saved with the run.

    Raises:
        AnalysisError: If it isn't possible for this run.
        RunError: If the run's files are missing or damaged.
        DataError: If the data can't be loaded.
        ConfigError: If the device doesn't exist, or PyTorch isn't installed.
        Cancelled: If `stop` returned True; nothing is left half-written.
    """
    if record.status.has_trainer:
        raise AnalysisError(f"run {record.run_id} is still {record.status}; analyse it when it has ended")
    if not applies(record, name):
        raise AnalysisError(f"{name} is only measured for {' and '.join(permuted.VERSIONS)}, not for {record.version}")
    basis = basis_of(record)
    saved = None if options.again else read_saved(record.directory, name, basis)
    if saved is not None and _has_requested_budget(saved, options):
        return AnalysisOutcome(saved, cached=True)
    if not basis[MODEL] and name == "permuted":  # minutes of training, for nothing
        raise AnalysisError(
            f"run {record.run_id} has no model.safetensors, without which {name} can't be saved; let the run end first"
        )
    result = _COMPUTE[name](record, options, report, stop)
    if not basis[MODEL]:
        return AnalysisOutcome(result, cached=False, not_saved=f"{name} is not saved: the run has no model.safetensors")
    try:
        save(record.directory, name, basis, result)
    except AnalysisError as error:
        return AnalysisOutcome(result, cached=False, not_saved=str(error))
    return AnalysisOutcome(result, cached=False)


def _has_requested_budget(saved: Result, options: AnalysisOptions) -> bool:
    if not isinstance(saved, Permuted):
        return True
    return options.epochs in (None, saved.epochs) and options.limit in (None, saved.limit)


def _shifts(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Shifts:
    model = load_scored_model(record.directory, options.device)
    test = options.datasets.load_for(record, stop).test
    found = measure_shifts(model, test.images, test.labels, report, stop)
    recorded = record.result.test_accuracy if record.result else None
    if recorded is not None and abs(found.mean[0] - recorded) > _TOLERANCE:
        raise AnalysisError(
            f"the model of {record.run_id} has a test accuracy of {percent(found.mean[0])}, but its result.json has "
            f"{percent(recorded)}: they don't belong together; retrain it"
        )
    return found


def _permuted(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Result:
    config = read_config(record.directory)
    config = replace(config, device=options.device if config.model.needs_torch else "cpu", threads=0)
    budget = budgeted(config, options.epochs or permuted.EPOCHS, options.limit or permuted.LIMIT)
    return measure_permuted(resolve_device(budget), options.datasets.load_for(record, stop), report, stop)


def _efficiency(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    if record.scores is None:
        raise AnalysisError(f"run {record.run_id} was not scored on the test images")
    network = record.image_shape, len(record.class_names), record.manifest.options
    return measure_efficiency(record.version, record.scores.accuracy, record.model, *network)


def _fit(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Result:
    model = load_scored_model(record.directory, options.device)
    dataset = options.datasets.load_for(record, stop)
    if dataset.train.fingerprint != record.fingerprints[0]:
        raise AnalysisError(
            f"run {record.run_id} was trained on other images than those in {dataset.source}; pass its data with --data"
        )
    task = make_task(read_config(record.directory), dataset)
    return measure_fit(model, dataset.train, task.train_indices, task.validation_indices, report, stop)


def _gaps(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    return measure_gaps(read_epochs(record.directory))


def _convergence(record: Run, options: AnalysisOptions, report: Report, stop: CancelCheck) -> Result:  # noqa: ARG001
    return measure_convergence(read_snapshot(record.directory))


_COMPUTE: dict[str, Callable[[Run, AnalysisOptions, Report, CancelCheck], Result]] = {
    "shifts": _shifts,
    "permuted": _permuted,
    "efficiency": _efficiency,
    "fit": _fit,
    "gaps": _gaps,
    "convergence": _convergence,
}
