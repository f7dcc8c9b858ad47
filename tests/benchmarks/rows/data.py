"""How long the data takes: decoded anew, from the cache of decoded arrays, from a CSV pair."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from fmnist_tui.data import ImageSet, load
from fmnist_tui.data.kaggle import NAMES

_COLUMNS = ("label", *(f"pixel{number}" for number in range(1, 785)))


def measure(bench: Bench) -> Iterator[tuple[str, Measured]]:
    """The group's rows."""
    note = f"{len(bench.dataset.train) + len(bench.dataset.test)} images"
    if {"data-first", "data-cached"} & bench.wanted:
        packed = _packed(bench.data, bench.folder / "packed")
        firsts = [_load(packed, bench.folder) for _ in range(bench.sizes.loads)]
        yield "data-first", median_of([first for first, _ in firsts], f"{note}, gzipped IDX")
        yield "data-cached", median_of([again for _, again in firsts], note)
    if "data-csv" in bench.wanted:
        written = _written(bench, bench.folder / "csv")
        yield "data-csv", median_of([_load(written, bench.folder)[0] for _ in range(bench.sizes.loads)], note)


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
