from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from fmnist_tui.files import write_json
from fmnist_tui.host.gpu import Gpu, GpuProcess
from fmnist_tui.host.gpus import GpuProbe, GpuReport
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import write_heartbeat
from fmnist_tui.runs.usage import UsageProbe

from .trainers import change

FIRST, SECOND, HIDDEN = (Gpu(f"GPU-{number}", number, "NVIDIA H200") for number in range(3))


@contextmanager
def trainer_of(run: RunDirectory, **environ: str) -> Iterator[None]:
    """A process that the heartbeat calls the run's trainer."""
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **environ}) as trainer:
        assert trainer.stdin
        assert trainer.stdout
        trainer.stdout.readline()
        change(run.heartbeat, lambda beat: beat.update(pid=trainer.pid))
        yield
        trainer.communicate(b"\n")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The environments that were asked about; this machine has three GPUs, of which one is hidden."""
    asked: list[Mapping[str, str]] = []

    def look(_probe: GpuProbe, environ: Mapping[str, str]) -> GpuReport:
        asked.append(environ)
        return GpuReport((FIRST, SECOND), (HIDDEN,))

    monkeypatch.setattr(GpuProbe, "latest", look)
    return asked


@pytest.mark.parametrize(
    ("device", "gpu"), [("cuda:0", FIRST), ("cuda:1", SECOND), ("cuda:2", None), ("cuda", FIRST), ("cpu", None)]
)
def test_of_a_trainer_on_this_machine_its_memory_is_known_and_the_gpu_that_it_uses(
    run: RunDirectory, asked: list[Mapping[str, str]], device: str, gpu: Gpu | None
) -> None:
    write_json(run.run_json, {"device": device})
    write_heartbeat(run)
    usage = UsageProbe(run).look()
    assert usage
    assert usage.memory > 1_000_000
    assert usage.gpu == gpu
    assert (asked == []) == (device == "cpu")


def test_a_gpu_is_numbered_as_in_the_trainers_environment(run: RunDirectory, asked: list[Mapping[str, str]]) -> None:
    write_json(run.run_json, {"device": "cuda:0"})
    write_heartbeat(run)
    with trainer_of(run, CUDA_VISIBLE_DEVICES="GPU-2"):
        assert UsageProbe(run).look()
    assert [environ["CUDA_VISIBLE_DEVICES"] for environ in asked] == ["GPU-2"]


def test_a_process_that_the_driver_lists_is_where_it_is_listed(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = replace(HIDDEN, processes=(GpuProcess(os.getpid(), "ada", "python", None),))
    monkeypatch.setattr(GpuProbe, "latest", lambda _probe, _environ: GpuReport((FIRST,), (hidden,)))
    write_json(run.run_json, {"device": "cuda:0"})
    write_heartbeat(run)
    usage = UsageProbe(run).look()
    assert usage
    assert usage.gpu == hidden


def test_of_another_users_trainer_only_a_gpu_that_lists_it_is_known(
    run: RunDirectory, asked: list[Mapping[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(process: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "environ", denied)
    write_json(run.run_json, {"device": "cuda:0"})
    write_heartbeat(run)
    with trainer_of(run):
        usage = UsageProbe(run).look()
    assert usage
    assert usage.gpu is None


def test_of_a_trainer_on_another_machine_nothing_is_known(run: RunDirectory) -> None:
    write_heartbeat(run)
    change(run.heartbeat, lambda beat: beat.update(host="another"))
    assert UsageProbe(run).look() is None


def test_of_a_run_without_a_trainer_nothing_is_known(run: RunDirectory) -> None:
    assert UsageProbe(run).look() is None
