"""Which runs are eligible for a comparison, why others are excluded, and the scores of those that are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from fmnist_tui.data import official
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import grouped
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import Scores
from fmnist_tui.training.recipes import hyperparameters, left_to_data, settle_for_fashion_mnist

_STOPPED = "stopped before its last epoch"


def why_not_counted(record: Run, recipe: str) -> str | None:
    """Why a run doesn't count under `recipe` ("tuned", "origin"), in words; None where it does.

    A run counts that was completed with an unmodified recipe on all training images of the official
    Fashion-MNIST, and was scored on all of its test images.
    """
    return _unfinished(record) or record.damage or _incomplete(record) or "; ".join(_settings(record, recipe)) or None


def _unfinished(record: Run) -> str:
    if record.status.has_trainer:
        return f"still {record.status}"
    if record.status is Status.UNREADABLE:
        return record.damage
    if record.status is Status.FAILED:
        return "diverged" if record.result and record.result.reason == "diverged" else "failed"
    if record.status is Status.STOPPED:
        return _STOPPED
    return "interrupted" if record.status is Status.INTERRUPTED else ""


def _incomplete(record: Run) -> str:
    reason = record.result.reason if record.result else ""
    if reason == "stopped":
        return _STOPPED
    return "" if reason == "completed" else f'ended as "{reason}", not as completed'


def _settings(record: Run, recipe: str) -> Iterator[str]:
    """All that sets a completed run apart from those that count."""
    if find_model(record.version) is None:
        yield f"{record.version} is no version that this program knows"
    if record.recipe != recipe:
        yield f"recipe is {record.recipe or 'unknown'}, not {recipe}"
    yield from _modified(record)
    yield from _limited(record)
    yield from _other_data(record)
    if record.scores is None:
        scored = record.result is not None and record.result.has_scores
        yield "result.json holds scores that can't be" if scored else "not scored"


def _modified(record: Run) -> Iterator[str]:
    """Also where the recipe has changed since: runs under one name but with other settings have no common mean."""
    model = find_model(record.version)
    known = model is not None and record.recipe in model.recipes
    if record.manifest.modified is not False:
        yield "recipe modified"
    elif known and _differs(record):
        yield f"trained with other settings than {record.recipe} has now"


def _differs(record: Run) -> bool:
    """Whether it was trained otherwise than the recipe says; with other data, what that settles is its own."""
    recipe = hyperparameters(record.version, record.recipe)
    settings = asdict(settle_for_fashion_mnist(recipe))
    open_ones = left_to_data(recipe) if record.fingerprints != official.FASHION_MNIST.fingerprints else ()
    return record.settings != {**settings, **{name: record.settings.get(name) for name in open_ones}}


def _limited(record: Run) -> Iterator[str]:
    limit = record.manifest.limit
    total = record.manifest.data.train_images
    if limit is not None and (total is None or limit < total):
        yield f"trained on {grouped(limit)}{f' of {grouped(total)}' if total else ''} images"
    elif limit is None and record.manifest.json.get("limit") is not None:
        yield "trained on an unknown number of images"


def _other_data(record: Run) -> Iterator[str]:
    if record.fingerprints == official.FASHION_MNIST.fingerprints:
        return
    name = record.data_name
    yield f"data is {name}" if name not in ("", official.NAME) else f"data is not the official {official.NAME}"


_FOREVER = 1e9


@dataclass(frozen=True)
class ScoredRun:
    """A run, its scores on the test images and its epochs."""

    record: Run
    scores: Scores
    epochs: tuple[Epoch, ...]

    @property
    def best_validation(self) -> float:
        """Of any epoch; what a hand-edited log says beyond 0 to 1 is passed over."""
        found = (epoch.validation_accuracy for epoch in self.epochs)
        return max((accuracy for accuracy in found if 0 <= accuracy <= 1), default=0.0)

    @property
    def seconds(self) -> list[float]:
        """Of each epoch."""
        return [epoch.seconds for epoch in self.epochs if 0 <= epoch.seconds < _FOREVER]


def scored_runs(records: Iterable[Run], version: str) -> list[ScoredRun]:
    """The version's scored runs, oldest first."""
    own = sorted((record for record in records if record.version == version), key=lambda record: record.run_id)
    return [ScoredRun(record, record.scores, record.epochs) for record in own if record.scores is not None]


def best_of(runs: Sequence[ScoredRun]) -> ScoredRun:
    """By validation accuracy, the oldest of equals. The test set has no say."""
    return max(runs, key=lambda run: run.best_validation)


def trained_alike(runs: Sequence[ScoredRun]) -> bool:
    """Whether all learned from as many images, and those of each version with the same settings."""
    of_version = {run.record.version: run.record.settings for run in runs}
    same_settings = all(run.record.settings == of_version[run.record.version] for run in runs)
    return same_settings and len({run.record.n_train for run in runs}) == 1


def seeds_of(runs: Sequence[ScoredRun]) -> tuple[int | None, ...]:
    """Of each run."""
    return tuple(run.record.seed for run in runs)


def different(seeds: Sequence[int | None]) -> int:
    """How many different ones; each run whose seed isn't known counts as one of its own."""
    return len(set(seeds) - {None}) + seeds.count(None)
