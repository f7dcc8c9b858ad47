"""Data in MNIST's format that is not Fashion-MNIST, or not in its order."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.data import FASHION_CLASSES, DataError, Dataset, Progress, load, official, split

from .samples import Sample, csv_file, put, sample

TEN_NAMES = tuple(f"class {label}" for label in range(10))


def counts(dataset: Dataset) -> tuple[list[int], list[int]]:
    train, test = (np.bincount(part.labels, minlength=10).tolist() for part in (dataset.train, dataset.test))
    return train, test


def test_a_set_of_another_size_is_loaded_and_split(tmp_path: Path) -> None:
    dataset = load(str(sample(train=100, test=20).write(tmp_path / "tiny")), tmp_path / "cache")
    assert (len(dataset.train), len(dataset.test)) == (100, 20)
    assert [len(part) for part in split(len(dataset.train))] == [90, 10]


def test_fewer_classes_keep_ten_names_so_that_a_label_is_always_an_index(tmp_path: Path) -> None:
    dataset = load(str(sample(classes=4).write(tmp_path / "four")), tmp_path / "cache")
    assert dataset.classes == TEN_NAMES
    assert [count > 0 for count in counts(dataset)[0]] == [True] * 4 + [False] * 6


def test_a_class_may_be_missing_in_the_test_set_and_another_in_the_training_set(tmp_path: Path) -> None:
    small = sample()
    train, test = np.clip(small.train[1], 0, 8), np.clip(small.test[1], 1, 9)
    folder = Sample((small.train[0], train), (small.test[0], test)).write_csv(tmp_path / "odd")
    train_counts, test_counts = counts(load(str(folder), tmp_path / "cache"))
    assert train_counts[9] == 0
    assert test_counts[0] == 0


def test_one_image_each_is_a_dataset(tmp_path: Path) -> None:
    dataset = load(str(sample(train=1, test=1).write(tmp_path / "one")), tmp_path / "cache")
    assert (len(dataset.train), len(dataset.test)) == (1, 1)


@pytest.mark.parametrize("write", [Sample.write, Sample.write_plain, Sample.write_csv])
def test_what_a_folder_is_called_makes_nothing_fashion_mnist(write: object, tmp_path: Path, small: Sample) -> None:
    assert callable(write)
    dataset = load(str(write(small, tmp_path / "fashion-mnist")), tmp_path / "cache")
    assert dataset.name == 'folder "fashion-mnist"'
    assert dataset.classes == TEN_NAMES
    assert not dataset.is_fashion_mnist


def test_kaggles_pair_says_that_it_is_csv(tmp_path: Path, small: Sample) -> None:
    folder = small.write_csv(tmp_path / "kaggle")
    assert load(str(folder), tmp_path / "cache").source == f"given folder ({folder}), CSV"


def test_csv_rows_in_the_official_order_are_known_by_their_fingerprint(
    tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "FASHION_MNIST", small.release)
    dataset = load(str(small.write_csv(tmp_path / "kaggle")), tmp_path / "cache")
    assert dataset.is_fashion_mnist
    assert (dataset.name, dataset.classes) == ("Fashion-MNIST", FASHION_CLASSES)


def test_csv_rows_in_another_order_are_other_data(
    tmp_path: Path, small: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "FASHION_MNIST", small.release)
    turned = Sample(small.train, (small.test[0][::-1], small.test[1][::-1]))
    assert not load(str(turned.write_csv(tmp_path / "kaggle")), tmp_path / "cache").is_fashion_mnist


def test_csv_files_are_parsed_once(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write_csv(tmp_path / "data"), tmp_path / "cache"
    seen: list[Progress] = []
    first = load(str(folder), cache, seen.append)
    assert [step.what for step in seen] == ["reading fashion-mnist_train.csv", "reading fashion-mnist_test.csv"]
    for path in folder.iterdir():  # the same size and time, but nothing that could be parsed again
        status = path.stat()
        path.write_bytes(b"?" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.clear()
    second = load(str(folder), cache, seen.append)
    assert seen == []
    assert (second.fingerprints, second.source) == (first.fingerprints, first.source)
    assert second.train.is_intact()


def test_a_fault_in_a_given_pair_is_reported_and_never_made_up_for(tmp_path: Path, small: Sample) -> None:
    folder, cache = small.write_csv(tmp_path / "data"), small.write(tmp_path / "cache" / "fashion-mnist").parent
    load(str(folder), cache)
    put(folder, {"fashion-mnist_test.csv": csv_file(*small.test).replace(b",", b",x", 1000)})
    with pytest.raises(DataError, match=r"fashion-mnist_test\.csv, line 2: "):
        load(str(folder), cache)
