"""How long the data takes: decoded, from the cache of decoded arrays, from a CSV pair."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.measuring import Once, Rows
from fmnist_tui.data import ImageSet, load
from fmnist_tui.data.kaggle import NAMES

_COLUMNS = ("label", *(f"pixel{number}" for number in range(1, 785)))


def measure(bench: Bench) -> Rows:
    """The group's rows."""
    note = f"{len(bench.dataset.train) + len(bench.dataset.test)} images"
    loads = Once(partial(_loads, bench))
    yield "data-first", lambda: median_of([first for first, _ in loads()], f"{note}, gzipped IDX")
    yield "data-cached", lambda: median_of([again for _, again in loads()], note)
    yield "data-csv", partial(_csv, bench, note)


def _loads(bench: Bench) -> list[tuple[float, float]]:
    packed = _packed(bench.data, bench.folder / "packed")
    return [_load(packed, bench.folder) for _ in range(bench.sizes.loads)]


def _csv(bench: Bench, note: str) -> Measured:
    written = _written(bench, bench.folder / "csv")
    return median_of([_load(written, bench.folder)[0] for _ in range(bench.sizes.loads)], note)


def _load(folder: Path, place: Path) -> tuple[float, float]:
    """Seconds of a load with an empty cache, and of the next one."""
    with tempfile.TemporaryDirectory(dir=place) as cache:
        return _seconds(folder, Path(cache)), _seconds(folder, Path(cache))


def _seconds(folder: Path, cache: Path) -> float:
    begun = time.perf_counter()
    load(str(folder), cache)
    return time.perf_counter() - begun


def _packed(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        with path.open("rb") as plain, gzip.open(to / f"{path.name}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
    return to


def _written(bench: Bench, to: Path) -> Path:
    to.mkdir()
    for name, images in zip(NAMES, (bench.dataset.train, bench.dataset.test), strict=True):
        _write_csv(to / name, images)
    return to


def _write_csv(path: Path, images: ImageSet) -> None:
    """As Kaggle's: a header, then the label and the pixels of an image a line."""
    numbers = [b"%d" % value for value in range(256)]
    rows = np.concatenate([images.labels[:, None], images.images.reshape(len(images), -1)], axis=1)
    with path.open("wb") as file:
        file.write(",".join(_COLUMNS).encode() + b"\n")
        for row in rows:
            file.write(b",".join([numbers[value] for value in row.tobytes()]) + b"\n")
