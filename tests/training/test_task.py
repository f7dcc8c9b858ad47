from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from fmnist_tui.data import DataError, ImageSet, split
from fmnist_tui.training import devices
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.devices import resolve
from fmnist_tui.training.numpy_engine import NumpyEngine
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import make_engine, make_task
from fmnist_tui.training.torch_engine import TorchEngine, keep_freed_memory

from .samples import config, dataset, task


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_task_trains_on_one_part_of_the_split_and_validates_on_the_other() -> None:
    made = task()
    train, validation = split(60)
    np.testing.assert_array_equal(made.train_indices, train)
    np.testing.assert_array_equal(made.validation_indices, validation)


def test_steps_are_batches_and_the_last_one_may_be_smaller() -> None:
    made = task(changes={"epochs": 3})
    assert (made.steps_per_epoch, made.total_steps) == (7, 21)
    assert task(changes={"batch_size": 54}).steps_per_epoch == 1
    assert task(changes={"batch_size": 53}).steps_per_epoch == 2


def test_a_limit_takes_the_first_training_images() -> None:
    limited = task(limit=20)
    assert (len(limited.train_indices), len(limited.validation_indices)) == (18, 2)
    assert max(*limited.train_indices, *limited.validation_indices) == 19


def test_a_limit_of_sorted_labels_is_divided_like_any_other_and_remembered() -> None:
    data = dataset(60)
    order = np.argsort(data.train.labels, kind="stable")
    in_order = replace(data, train=ImageSet.of(data.train.images[order], data.train.labels[order]))
    limited = task(limit=20, data=in_order)
    both = np.concatenate([limited.train_indices, limited.validation_indices])
    assert np.bincount(in_order.train.labels[both]).tolist() == [2] * 10
    assert (len(limited.train_indices), limited.config.subset) == (18, "by_class")
    resumed = make_task(replace(limited.config, subset="first"), in_order)
    assert max(*resumed.train_indices, *resumed.validation_indices) == 19
    assert task(limit=20).config.subset == "first"
    assert task().config.subset == "auto"


def test_two_images_are_enough_and_one_is_not() -> None:
    two = task(data=dataset(2))
    assert (len(two.train_indices), len(two.validation_indices), two.total_steps) == (1, 1, 2)
    with pytest.raises(DataError, match="made here contains one training image; use at least 2"):
        task(data=dataset(1))


def test_what_the_recipe_leaves_to_the_data_is_settled() -> None:
    data = dataset()
    made = make_task(configure("v1", "tuned", {}, device="cpu", threads=1), data)
    scale, offset = made.config.hyperparameters.pixel_scaling
    values = data.train.images * scale + offset
    assert values.mean() == pytest.approx(0.0, abs=1e-3)
    assert values.std() == pytest.approx(1.0, abs=1e-3)
    assert made.config.hyperparameters.flip == "off"
    assert not made.config.modified


def test_a_limit_beyond_the_images_takes_all_of_them() -> None:
    assert len(task(limit=1000).train_indices) == 54


@pytest.mark.parametrize(
    ("version", "device", "batch_size", "window"),
    [("v0", "cpu", 1, 5), ("v0", "cpu", 64, 1), ("v1", "cpu", 1, 2), ("v3", "cpu", 540, 1)],
)
def test_a_log_interval_is_a_hundredth_of_an_epoch_but_short_where_steps_are_slow(
    version: str, device: str, batch_size: int, window: int
) -> None:
    made = make_task(config(version, {"batch_size": batch_size}, device=device), dataset(train=600))
    assert made.window == window


@pytest.mark.parametrize(
    ("batch_size", "macs", "window"),
    [(1, 10**6, 270), (2, 10**6, 270), (3, 10**6, 180), (540, 10**6, 1), (1, 10**11, 27), (1, 10**13, 5)],
)
def test_on_a_gpu_a_log_interval_lasts_a_quarter_of_a_second_since_it_ends_with_waiting(
    batch_size: int, macs: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps of a millisecond, or longer ones of a large network; or a hundredth of an epoch, if that is longer."""
    monkeypatch.setattr("fmnist_tui.training.task.saved_table", lambda *_: SimpleNamespace(training_macs=macs))
    made = make_task(config("v3", {"batch_size": batch_size}, device="cuda:0"), dataset(train=600))
    assert made.window == window


def test_a_run_keeps_the_log_interval_it_has() -> None:
    assert make_task(config(), dataset(), 3).window == 3


def test_the_engine_is_the_versions_and_is_bound_to_the_threads_asked_for() -> None:
    assert isinstance(make_engine(task("v0", threads=1)), NumpyEngine)
    assert blas_threads() == {1}
    engine = make_engine(task("v3", threads=2))
    assert isinstance(engine, TorchEngine)
    assert engine.parameters == 5_858_442
    assert torch.get_num_threads() == 2


def test_every_blas_is_bound_though_the_engine_loads_one_of_its_own() -> None:
    program = """
import threadpoolctl
from pathlib import Path
from types import SimpleNamespace
from fmnist_tui.data import load
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import make_engine, make_task
make_engine(make_task(configure("v0", "tuned", {}, threads=1, device="cpu"), load("demo", Path("unused"))))
print({pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "{1}\n"


def test_training_v0_never_imports_torch() -> None:
    code = """
import sys
import numpy as np
from fmnist_tui.data.dataset import Dataset, ImageSet
from fmnist_tui.training import trainer
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import make_engine, make_task
images = ImageSet.of(np.zeros((20, 28, 28), np.uint8), np.zeros(20, np.uint8))
config = configure("v0", "tuned", {}, device="cpu", threads=1)
task = make_task(config, Dataset("black", ("",) * 10, images, images, ""))
make_engine(task).step(task.train_indices, 0.1, 1, 0)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_cpu_is_always_there_and_auto_finds_something() -> None:
    assert resolve("cpu") == "cpu"
    found = resolve("auto")
    assert found.startswith("cuda") == torch.cuda.is_available()


@pytest.mark.parametrize(
    ("wanted", "free", "device"),
    [
        ("auto", "cuda:1", "cuda:1"),
        ("cuda", "cuda:1", "cuda:1"),
        ("auto", "cuda:5", "cuda:0"),
        ("auto", "cpu", "cuda:0"),
        ("cuda:0", "cuda:1", "cuda:0"),
    ],
)
def test_where_any_gpu_will_do_the_free_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, wanted: str, free: str, device: str
) -> None:
    monkeypatch.setattr(devices, "count_gpus", lambda: (2, ""))
    assert resolve(wanted, free) == device


def test_a_device_that_is_not_there_says_what_to_use() -> None:
    with pytest.raises(ConfigError, match=r"device cuda:99 is not available here \(\d+ CUDA devices\); use --device"):
        resolve("cuda:99")


def test_a_gpu_that_pytorch_cannot_use_is_reported_in_its_first_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        warnings.warn("CUDA initialization: the driver\n is too old. Please update it. (Triggered)", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", broken)
    monkeypatch.setattr(devices, "count_gpus", devices.count_gpus.__wrapped__)
    assert devices.count_gpus() == (0, "CUDA initialization: the driver is too old")
    with pytest.raises(ConfigError, match=r"not available here \(CUDA initialization: the driver is too old\); use"):
        resolve("cuda")


@pytest.mark.parametrize("libc", ["musl", "", "glibc"])
def test_only_glibc_is_set_to_keep_freed_buffers(libc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        reported: list[tuple[int, int]] = []  # noqa: RUF012

        def mallopt(self, option: int, value: int) -> int:
            self.reported.append((option, value))
            return 1

    monkeypatch.setattr("platform.libc_ver", lambda: (libc, "2.36"))
    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    assert keep_freed_memory() == (libc == "glibc")
    thresholds = [(-3, 2**30), (-1, 2**30)]  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h
    assert Library.reported == (thresholds if libc == "glibc" else [])


def test_the_thread_that_trains_now_bounds_the_products_whoever_did_before() -> None:
    go_on = threading.Event()
    bounded = threading.Event()

    def other() -> None:
        make_engine(task(threads=2))
        bounded.set()
        go_on.wait(60)

    before = threading.Thread(target=other)
    before.start()
    try:
        assert bounded.wait(60)
        make_engine(task(threads=1))
        assert blas_threads() == {1}
    finally:
        go_on.set()
        before.join()
