"""The thread that measures what is missing on the user's runs, and how long that takes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from textual.message import Message

from fmnist_tui.analysis.estimate import estimate, matrix_peak
from fmnist_tui.analysis.probes import permuted
from fmnist_tui.analysis.probes.common import EXPECTED_ERRORS
from fmnist_tui.analysis.probes.shifts import DIRECTIONS, MAX_SHIFT
from fmnist_tui.data import Cancelled
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.run import Run
from fmnist_tui.training.config import ConfigError
from fmnist_tui.tui.messages import Failed, Post
from fmnist_tui.tui.why.pages import Page, load_pages

_PROGRESS_SECONDS = 0.5
_LEAST_SECONDS = 0.5
"""Of any analysis, for the progress."""
ORDER = ("efficiency", "gaps", "convergence", "fit", "shifts", "permuted")
"""The quick ones first."""
_OF_ALL = 1 / 0.9
"""All training images per image trained on: a tenth is for validation."""
_STEP = 3 + 1 / 9
"""Forward passes that an image costs in an epoch of training, its validation included."""


@dataclass(frozen=True)
class Work:
    """How many analyses are missing that could be made, and about how many seconds that takes."""

    count: int = 0
    seconds: float = 0.0


class ClaimsLoaded(Message):
    """The claims as they are now, a page for each recipe, and what could be measured."""

    def __init__(self, pages: tuple[Page, ...], work: Work) -> None:
        super().__init__()
        self.pages = pages
        self.work = work


class MeasureProgress(Message):
    """The fraction (0 to 1) of all measurements that is done, and the current step."""

    def __init__(self, fraction: float, step: str) -> None:
        super().__init__()
        self.fraction = fraction
        self.step = step


class MeasuringEnded(Message):
    """Everything possible is measured, or measuring was cancelled."""


def load_claims(records: Sequence[Run], post: Post) -> None:
    """Reads the claims from the analyses saved with the runs."""
    pages = load_pages(records)
    missing = missing_analyses(pages)
    post(ClaimsLoaded(pages, Work(len(missing), sum(_seconds(run, name) for run, name in missing))))


def measure(folders: AppPaths, records: Sequence[Run], post: Post, stop: threading.Event) -> None:
    """Computes the missing analyses of the runs that the claims are checked on; posts the claims after each."""
    try:
        for error in _measure_missing(folders, records, post, stop):
            post(Failed(error))
    except Cancelled:
        pass
    finally:
        post(MeasuringEnded())


def missing_analyses(pages: Sequence[Page]) -> list[tuple[Run, str]]:
    """The runs that the claims are checked on, with their analyses that aren't saved: the quick ones first."""
    found = [one for page in pages for one in page.own.found.values() if not one.record.status.has_trainer]
    return [
        (one.record, name)
        for name in ORDER
        for one in found
        if getattr(one, name) is None and (name != "permuted" or one.record.version in permuted.VERSIONS)
    ]


def _measure_missing(folders: AppPaths, records: Sequence[Run], post: Post, stop: threading.Event) -> Sequence[str]:
    """The reasons why some analyses weren't possible, each once."""
    from fmnist_tui.analysis.probes.analyses import AnalysisOptions, Datasets, analyse

    options = AnalysisOptions(Datasets(folders.data, folders.cache))
    missing = missing_analyses(load_pages(records))
    ends = np.cumsum([0.0, *(max(_LEAST_SECONDS, _seconds(*one)) for one in missing)])
    parts = [(float(begin / ends[-1]), float(end / ends[-1])) for begin, end in pairwise(ends)]
    errors: dict[str, None] = {}
    for (record, name), part in zip(missing, parts, strict=True):
        what = f"{record.version} {record.recipe} {name}"
        post(MeasureProgress(part[0], what))
        try:
            outcome = analyse(record, name, options, _throttled(post, part, what), stop.is_set)
        except EXPECTED_ERRORS as error:
            errors[str(error)] = None
            continue
        if outcome.not_saved:
            errors[outcome.not_saved] = None
        load_claims(records, post)
    return list(errors)


def _throttled(post: Post, part: tuple[float, float], what: str) -> Callable[[float, str], None]:
    """Posts the progress of an analysis that is a part, from one fraction to another, of all that is measured."""
    due = 0.0

    def report(fraction: float, step: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _PROGRESS_SECONDS
            post(MeasureProgress(part[0] + fraction * (part[1] - part[0]), f"{what}, {step}"))

    return report


def _seconds(run: Run, name: str) -> float:
    """About how long an analysis of a run takes here; 0 where that isn't known."""
    forward, trained = _images(run, name)
    if not forward + trained:
        return 0.0
    try:
        config = run.config
        device = run.devices[-1] if run.devices else "cpu"
        one = estimate(
            config, 1, device, [run], socket.gethostname(), _peak(), image_shape=run.image_shape
        ) or estimate(config, 1, "cpu", [], "", _peak())
    except ConfigError:
        return 0.0
    step = one.seconds / config.hyperparameters.epochs if one else 0.0
    return step * (trained + forward / _STEP)


def _images(run: Run, name: str) -> tuple[float, float]:
    """The number of images that are only predicted, and of those that are trained on, once for each time."""
    match name:
        case "shifts":
            return (1 + MAX_SHIFT * len(DIRECTIONS)) * (run.test_images or 0), 0
        case "fit":
            return _OF_ALL * (run.n_train or 0), 0
        case "permuted":
            return 0, 2 * permuted.EPOCHS * permuted.LIMIT
    return 0, 0


@cache
def _peak() -> float:
    """Timed once, so that estimates don't change with the load."""
    return matrix_peak()
