"""Which runs are eligible for a comparison, why others are excluded, and which runs can be compared at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import official
from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import counted, grouped, safe
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.metrics import Scores
from fmnist_tui.training.recipes import MODEL, left_to_data, settle_for_fashion_mnist

_STOPPED = "stopped before its last epoch"
_HIGHEST_SECONDS = 1e9
"""An epoch that took longer was edited by hand."""

_MOST_CHANGED = 2
_SHORT = {"learning_rate": "lr", "batch_size": "batch"}

ScoredImages = tuple[str, NDArray[Any]]
"""What a run was scored on: the test images' fingerprint, and their labels, (n,)."""


Fingerprints = tuple[str, str]
"""Of a data set's training images and of its test images."""


def exclusion_reason(record: Run, recipe: str, data: Fingerprints = official.FASHION_MNIST.fingerprints) -> str | None:
    """Why a run is excluded from the comparison under `recipe` ("tuned", "origin"); None if it is eligible.

    A run is eligible if it was completed with the unmodified recipe on all training images of the data set, by default
    the official Fashion-MNIST, and scored on all of its test images.
    """
    return _first_reason(record, [*_settings(record, recipe, data), *_unscored(record)])


def training_exclusion_reason(record: Run, recipe: str, data: Fingerprints) -> str | None:
    """The same for a comparison of trainings alone: whether the run was scored doesn't matter."""
    return _first_reason(record, list(_settings(record, recipe, data)))


def _first_reason(record: Run, differences: Sequence[str]) -> str | None:
    return _unfinished(record) or record.damage or _incomplete(record) or "; ".join(differences) or None


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
    return "" if reason == "completed" else f'ended with reason "{reason}", not "completed"'


def _settings(record: Run, recipe: str, data: Fingerprints) -> Iterator[str]:
    """Every way in which a completed run's training differs from an eligible one's."""
    if record.model is None:
        yield f"unknown model {record.version}"
    if record.recipe != recipe:
        yield f"recipe is {record.recipe or 'unknown'}, not {recipe}"
    yield from _modified(record)
    yield from _limited(record)
    yield from _other_data(record, data)


def _unscored(record: Run) -> Iterator[str]:
    if record.scores is None:
        scored = record.result is not None and record.result.has_scores
        yield "result.json holds impossible scores" if scored else "not scored"


def _modified(record: Run) -> Iterator[str]:
    """Also if the recipe has changed since: runs with different settings have no common mean."""
    model = record.model
    if record.manifest.is_code_changed:
        yield "the model's code was changed"
    elif record.manifest.modified is not False:
        yield "recipe modified"
    elif model is not None and record.recipe in model.recipes and _differs(record, model):
        yield f"settings differ from today's recipe {record.recipe}"


def _differs(record: Run, model: ModelSpec) -> bool:
    """Whether its settings differ from the recipe's; on other data, those that follow from the data may."""
    recipe = model.recipe(record.recipe)
    settings = _settings_of(recipe)
    open_ones = left_to_data(recipe) if record.fingerprints != official.FASHION_MNIST.fingerprints else ()
    return record.settings != {**settings, **{name: record.settings.get(name) for name in open_ones}}


@lru_cache
def _settings_of(recipe: Hyperparameters) -> Mapping[str, Any]:
    """The settings of a recipe on Fashion-MNIST, by name; cached, since all runs of a model are compared with them."""
    return asdict(settle_for_fashion_mnist(recipe))


def _limited(record: Run) -> Iterator[str]:
    limit = record.manifest.limit
    total = record.manifest.data.train_images
    if limit is not None and (total is None or limit < total):
        yield f"trained on {f'{grouped(limit)} of ' if total else ''}{counted(total or limit, 'image')}"
    elif limit is None and record.manifest.json.get("limit") is not None:
        yield "trained on an unknown number of images"


def _other_data(record: Run, data: Fingerprints) -> Iterator[str]:
    if record.fingerprints == data:
        return
    name = record.data_name
    yield f"data is {name}" if name not in ("", official.NAME) else f"data is not the official {official.NAME}"


def conditions(record: Run, recipe: str, data: Fingerprints = official.FASHION_MNIST.fingerprints) -> str:
    """In what a scored run's training differs from an eligible run's on `data`; "" for an eligible one.

    In a few words, for example "2,000 images", "lr 0.01, 5 of 30 epochs" or "demo data".
    """
    reason = exclusion_reason(record, recipe, data)
    if reason is None:
        return ""
    limit, total, name = record.manifest.limit, record.manifest.data.train_images, record.data_name
    changed = _changed_settings(record)
    parts = [counted(limit, "image")] if limit is not None and (total is None or limit < total) else []
    parts += changed or (["modified recipe"] if record.manifest.modified is not False else [])
    done, epochs = record.result.epochs if record.result else None, record.manifest.epochs
    stopped = record.result is not None and record.result.reason != "completed"
    parts += [f"{done} of {counted(epochs, 'epoch')}"] if stopped and done is not None and epochs else []
    if record.fingerprints != data:
        parts.append(f"{name} data" if name not in ("", official.NAME) else "other data")
    return ", ".join(parts) or reason


def _changed_settings(record: Run) -> list[str]:
    """At most two of the settings that differ from the recipe's, with their values; the model's own come first."""
    model = record.model
    if model is None or record.recipe not in model.recipes:
        return []
    recipe = model.recipe(record.recipe)
    open_ones = left_to_data(recipe)
    settings = _settings_of(recipe)
    changed = [name for name in record.settings if name.startswith(MODEL)]
    changed += [name for name in settings if name not in open_ones and record.settings.get(name) != settings[name]]
    more = [f"{len(changed) - _MOST_CHANGED} more"] if len(changed) > _MOST_CHANGED else []
    named = [
        (_SHORT.get(name, name.removeprefix(MODEL)), record.settings.get(name)) for name in changed[:_MOST_CHANGED]
    ]
    return [safe(f"{name} {value}") for name, value in named] + more


@dataclass(frozen=True)
class ScoredRun:
    """A run, its scores on the test images and its epochs."""

    record: Run
    scores: Scores
    epochs: tuple[Epoch, ...]

    @property
    def best_validation(self) -> float:
        """The best validation accuracy of any epoch, 0 to 1; values out of range (an edited log) are ignored."""
        found = (epoch.validation_accuracy for epoch in self.epochs)
        return max((accuracy for accuracy in found if 0 <= accuracy <= 1), default=0.0)

    @property
    def seconds(self) -> list[float]:
        """The duration of each epoch."""
        return [epoch.seconds for epoch in self.epochs if 0 <= epoch.seconds < _HIGHEST_SECONDS]


def scored_runs(records: Iterable[Run], version: str) -> list[ScoredRun]:
    """The scored runs of one version, oldest first."""
    own = sorted((record for record in records if record.version == version), key=lambda record: record.run_id)
    return [ScoredRun(record, record.scores, record.epochs) for record in own if record.scores is not None]


def best_of(runs: Sequence[ScoredRun]) -> ScoredRun:
    """The run with the best validation accuracy, the oldest of equals; test accuracy plays no part."""
    return max(runs, key=lambda run: run.best_validation)


def trained_alike(runs: Sequence[ScoredRun]) -> bool:
    """Whether all runs have the same n_train, and those of each version the same settings and code."""
    of_version = {run.record.version: (run.record.settings, run.record.code) for run in runs}
    same_settings = all((run.record.settings, run.record.code) == of_version[run.record.version] for run in runs)
    return same_settings and len({run.record.n_train for run in runs}) == 1


def alike(runs: Sequence[ScoredRun], conditions_of: Callable[[Run], str]) -> list[list[ScoredRun]]:
    """The runs of one version in groups of the same training and data: the eligible ones first, then the largest."""
    groups: dict[tuple[object, ...], list[ScoredRun]] = {}
    for run in runs:
        record = run.record
        epochs = record.result.epochs if record.result else None
        key = (
            conditions_of(record),
            record.code,
            repr(record.settings),
            record.n_train,
            record.fingerprints,
            epochs,
        )
        groups.setdefault(key, []).append(run)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0] != "", -len(groups[key])))]


def seeds_of(runs: Sequence[ScoredRun]) -> tuple[int | None, ...]:
    """Each run's seed; None where it isn't known."""
    return tuple(run.record.seed for run in runs)


def n_distinct(seeds: Sequence[int | None]) -> int:
    """The number of distinct seeds; unknown ones are taken to be distinct."""
    return len(set(seeds) - {None}) + seeds.count(None)


def same_test_images(scored: Sequence[ScoredImages]) -> bool:
    """Whether all runs were scored on the same images: equal fingerprints and labels."""
    fingerprint, labels = scored[0]
    return all(other == fingerprint and np.array_equal(others, labels) for other, others in scored[1:])
