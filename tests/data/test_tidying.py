from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import load
from fmnist_tui.data.cache import MAX_ENTRIES, prune, sweep

from .samples import Sample, put

DAY = 24 * 3600


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def entry(folder: Path, name: str, seconds: float) -> None:
    put(folder / name, {"meta.json": b"{}"})
    age(folder / name, seconds)


def test_the_entries_used_last_are_kept(tmp_path: Path) -> None:
    for number in range(5):
        entry(tmp_path, f"entry{number}", seconds=100 - number)
    prune(tmp_path, limit=2)
    assert names(tmp_path) == {"entry3", "entry4"}


def test_pruning_lets_temporary_folders_be(tmp_path: Path) -> None:
    for name in ("old", "new", ".new-abc"):
        entry(tmp_path, name, seconds=1000)
    age(tmp_path / "new", 0)
    prune(tmp_path, limit=1)
    assert names(tmp_path) == {"new", ".new-abc"}


def test_a_folder_that_is_not_there_is_nothing_to_tidy(tmp_path: Path) -> None:
    prune(tmp_path / "nowhere")
    sweep(tmp_path / "nowhere")


def test_temporary_files_and_folders_older_than_a_day_are_swept(tmp_path: Path) -> None:
    leftovers = {".new-abc", ".apt-def"}
    for name in leftovers:
        entry(tmp_path, name, seconds=DAY + 60)
    (tmp_path / ".train-images-idx3-ubyte.gz.12-34.tmp").touch()
    age(tmp_path / ".train-images-idx3-ubyte.gz.12-34.tmp", DAY + 60)
    sweep(tmp_path)
    assert names(tmp_path) == set()


def test_what_is_young_or_not_temporary_is_not_swept(tmp_path: Path) -> None:
    entry(tmp_path, ".new-abc", seconds=DAY - 60)
    for name in ("entry", ".DS_Store", "train-images-idx3-ubyte.gz", ".newer"):
        entry(tmp_path, name, seconds=DAY * 30)
    before = names(tmp_path)
    sweep(tmp_path)
    assert names(tmp_path) == before


def test_a_link_among_leftovers_loses_itself_at_most(tmp_path: Path) -> None:
    put(tmp_path / "precious", {"file": b"1"})
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".new-abc").symlink_to(tmp_path / "precious")
    os.utime(tmp_path / "cache" / ".new-abc", (0, 0), follow_symlinks=False)
    sweep(tmp_path / "cache")
    assert names(tmp_path / "precious") == {"file"}


def test_a_load_tidies_the_cache_and_keeps_its_own_entry(tmp_path: Path, small: Sample) -> None:
    cache = tmp_path / "cache"
    for number in range(MAX_ENTRIES + 2):
        entry(cache / "arrays", f"entry{number}", seconds=1000 + number)
    for folder in ("arrays", "fashion-mnist"):
        entry(cache / folder, ".new-abc", seconds=2 * DAY)
    load(str(small.write(tmp_path / "data")), cache)
    left = names(cache / "arrays")
    assert {f"entry{number}" for number in range(MAX_ENTRIES - 1)} < left
    assert len(left) == MAX_ENTRIES
    assert names(cache / "fashion-mnist") == set()


def test_an_entry_that_is_used_again_is_not_the_oldest_any_more(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)
    (used,) = (cache / "arrays").iterdir()
    age(used, seconds=1000)
    for number in range(MAX_ENTRIES):
        entry(cache / "arrays", f"entry{number}", seconds=10 + number)
    load(str(folder), cache)
    assert used.name in names(cache / "arrays")
    assert f"entry{MAX_ENTRIES - 1}" not in names(cache / "arrays")


def test_images_that_are_in_use_outlive_their_entry(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)
    mapped = load(str(folder), cache)
    prune(cache / "arrays", limit=0)
    assert names(cache / "arrays") == set()
    assert mapped.train.is_intact()
    np.testing.assert_array_equal(mapped.test.images, small.test[0])


def test_a_cache_that_may_not_be_changed_is_still_used(
    tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert load(str(folder), cache).train.is_intact()
