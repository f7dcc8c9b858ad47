from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from full_disk import space_for

from fmnist_tui.data import Dataset, load
from fmnist_tui.data.cache import load_arrays

from .samples import Sample, sample, snapshot


def assert_same(one: Dataset, other: Dataset) -> None:
    assert one.fingerprints == other.fingerprints
    for a, b in ((one.train, other.train), (one.test, other.test)):
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.labels, b.labels)


def only_entry(cache: Path) -> Path:
    (entry,) = (cache / "arrays").iterdir()
    return entry


def test_the_second_load_is_equal_and_does_not_read_the_source_files(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    first = load(str(folder), cache)
    for path in folder.iterdir():  # the same size and time, but nothing that could be read again
        status = path.stat()
        path.write_bytes(b"?" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = load(str(folder), cache)
    assert_same(first, second)
    assert (second.name, second.source, second.classes) == (first.name, first.source, first.classes)
    assert second.train.is_intact()
    assert second.test.is_intact()


def test_cached_arrays_are_read_only_bytes_in_memory_order(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)
    images = load(str(folder), cache).train.images
    assert type(images) is np.ndarray
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert not images.flags.writeable


def test_a_changed_source_file_is_read_again(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    first = load(str(folder), cache)
    other = sample(seed=1)
    other.write(folder)
    second = load(str(folder), cache)
    assert second.fingerprints == other.release.fingerprints
    assert second.fingerprints != first.fingerprints


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def scramble(path: Path) -> None:
    path.write_bytes(b"{" * path.stat().st_size)


def say_61(path: Path) -> None:
    path.write_text(path.read_text().replace("60", "61"))


def forget_test(path: Path) -> None:
    path.write_text(path.read_text().replace('"test"', '"toast"'))


def list_instead(path: Path) -> None:
    path.write_text('{"train": [], "test": []}')


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("train-images.npy", cut),
        ("train-images.npy", lengthen),
        ("train-images.npy", scramble),
        ("test-images.npy", Path.unlink),
        ("train-labels.npy", cut),
        ("test-labels.npy", scramble),
        ("meta.json", Path.unlink),
        ("meta.json", cut),
        ("meta.json", scramble),
        ("meta.json", say_61),
        ("meta.json", forget_test),
        ("meta.json", list_instead),
    ],
)
def test_a_broken_entry_is_rebuilt(name: str, damage: Callable[[Path], None], tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    first = load(str(folder), cache)
    entry = only_entry(cache)
    damage(entry / name)
    assert load_arrays(entry) is None
    assert_same(first, load(str(folder), cache))
    assert only_entry(cache) == entry
    assert load_arrays(entry) is not None


def test_damage_in_the_cache_is_decoded_again_for_those_who_must_be_sure(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)
    path = only_entry(cache) / "train-images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not load(str(folder), cache).train.is_intact()
    for _ in range(2):  # decoded again, and from the cache
        np.testing.assert_array_equal(load(str(folder), cache, verify=True).train.images, small.train[0])


def test_a_label_in_the_cache_that_no_class_has_is_never_used(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    load(str(folder), cache)
    path = only_entry(cache) / "test-labels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xc8")
    np.testing.assert_array_equal(load(str(folder), cache).test.labels, small.test[1])


def test_a_cache_that_cannot_be_made_does_not_stop_a_load(tmp_path: Path, small: Sample) -> None:
    folder = small.write(tmp_path / "data")
    (tmp_path / "file").touch()
    assert len(load(str(folder), tmp_path / "file" / "cache").train) == 60


def test_a_full_disk_does_not_stop_a_load_and_leaves_nothing(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write(tmp_path / "data"), tmp_path / "cache"
    with space_for(1000):
        dataset = load(str(folder), cache)
    assert len(dataset.train) == 60
    assert snapshot(cache) == {}
    assert list((cache / "arrays").iterdir()) == []
