"""Where a benchmark takes place: folders, environment, sizes, processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
from data.samples import write_idx

from benchmarks.sizes import Sizes
from benchmarks.spec import Spec
from benchmarks.workers import Workers
from fmnist_tui.data import DataError, Dataset, ImageSet, load
from fmnist_tui.data.demo import draw
from fmnist_tui.host.node import available_cpus
from fmnist_tui.paths import cache_folder

_TRAIN, _TEST = 60_000, 10_000


@dataclass(frozen=True)
class Bench:
    """What a row's measurement needs.

    Attributes:
        folder: Whatever is written is in here, and is removed at the end.
        dataset: The images.
        sizes: How much is measured.
        threads: CPU threads of all contestants.
        wanted: The keys of the rows asked for.
        workers: The contestants' processes.
        environment: Of processes: their folders lie in `folder`.
    """

    folder: Path
    dataset: Dataset
    sizes: Sizes
    threads: int
    wanted: frozenset[str]
    workers: Workers
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        """The images as IDX files."""
        return self.folder / "data"

    @property
    def runs(self) -> Path:
        """A folder for runs."""
        return self.folder / "runs"

    @property
    def batch_size(self) -> int:
        """Of the comparisons."""
        return self.sizes.batch_size

    def spec(self, name: str, batch_size: int = 0, threads: int = 0, limit: int | None = None) -> Spec:
        """A contestant on these images, on as many threads as all others unless specified otherwise."""
        return Spec(
            name, str(self.data), threads or self.threads, batch_size or self.batch_size, limit, self.sizes.side
        )

    def turn(self, name: str, amount: int) -> float:
        """Seconds that the contestant takes for so many steps."""
        return self.workers.seconds(self.spec(name), amount)


@contextmanager
def bench_on(sizes: Sizes, wanted: frozenset[str]) -> Iterator[Bench]:
    """A place for the measurements; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="fmnist-tui-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        dataset = _images(sizes)
        write_idx(folder / "data", dataset.train, dataset.test)
        environment = _environment(folder)
        workers = Workers(environment, shared=sizes.shared)
        with mock.patch.dict(os.environ, environment, clear=True), closing(workers):  # trainers inherit it
            yield Bench(folder, dataset, sizes, sizes.threads or available_cpus(), wanted, workers, environment)


def _images(sizes: Sizes) -> Dataset:
    """Fashion-MNIST; where it can't be had, the drawn garments repeated to its size."""
    if sizes.images:
        return _drawn(*sizes.images)
    try:
        return load(None, cache_folder())
    except DataError:
        return _drawn(_TRAIN, _TEST)


def _drawn(train: int, test: int) -> Dataset:
    """So many of the drawn garments, over and over where there are fewer."""
    drawn = draw()
    return replace(drawn, train=_as_many(drawn.train, train), test=_as_many(drawn.test, test))


def _as_many(images: ImageSet, count: int) -> ImageSet:
    chosen = np.arange(count) % len(images)
    return ImageSet.of(images.images[chosen], images.labels[chosen])


def _environment(folder: Path) -> dict[str, str]:
    changing = ("COLUMNS", "LINES", "NO_COLOR", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in changing}
    temporary = folder / "temporary"
    temporary.mkdir()
    homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    homes["TMPDIR"] = str(temporary)  # PyTorch leaves a folder behind
    usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    return {**kept, **homes, **usual, "FMNIST_TUI_RUNS": str(folder / "runs"), "FMNIST_TUI_DATA": str(folder / "data")}
