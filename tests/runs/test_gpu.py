"""Trainers on an NVIDIA GPU: `pytest -m gpu -n0`. Elsewhere these tests fail, and are not part of the suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.runs.usage import UsageProbe
from fmnist_tui.training.events import CheckpointSaved, Epoch, StepMetrics

from .trainers import SHORT_V3, Watch, assert_undisturbed, finish, request, running

pytestmark = pytest.mark.gpu

GPU_V3 = replace(SHORT_V3, device="auto")
LONG_V3 = replace(GPU_V3, hyperparameters=replace(SHORT_V3.hyperparameters, epochs=3), limit=None)


def killed_on_the_way(run: RunDirectory) -> None:
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(Epoch)
        trainer.terminate()
        watch.next(CheckpointSaved)
        trainer.wait()


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_run_ends_on_the_gpu_and_says_so(runs: Path, version: str) -> None:
    run = request(runs, replace(GPU_V3, version=version))
    assert finish(run) == 0
    assert status_of(run) is Status.FINISHED
    assert read_manifest(run).json["device"] == "cuda:0"
    assert "NVIDIA" in read_manifest(run).json["device_name"]


def test_a_stopped_run_is_resumed_as_if_never_interrupted(runs: Path) -> None:
    undisturbed, run = request(runs, LONG_V3), request(runs, LONG_V3)
    assert finish(undisturbed) == 0
    killed_on_the_way(run)
    assert status_of(run) is not Status.FINISHED
    assert finish(run) == 0
    assert_undisturbed(run, undisturbed)


def test_two_trainers_take_turns_on_one_gpu(runs: Path) -> None:
    first, second = request(runs, LONG_V3), request(runs, GPU_V3)
    with running(first), running(second) as waiting:
        Watch(first).next(StepMetrics)
        wait_until(lambda: status_of(second) is Status.QUEUED or waiting.poll() is not None, "the second waits")
        assert status_of(second) is Status.QUEUED
        assert waiting.wait(120) == 0
    assert status_of(first) is Status.FINISHED


def test_the_gpu_is_watched_while_a_run_uses_it(runs: Path) -> None:
    run = request(runs, replace(LONG_V3, hyperparameters=replace(SHORT_V3.hyperparameters, epochs=1000)))
    probe = UsageProbe(run)
    with running(run):
        Watch(run).next(StepMetrics)
        wait_until(lambda: (usage := probe.look()) and usage.gpu, "the driver answered")
        usage = probe.look()
        assert usage
        assert usage.gpu
        assert usage.gpu.is_uuid
        assert usage.gpu.total - usage.gpu.free > 300_000_000
