from __future__ import annotations

import pytest

from fmnist_tui.host.command import CommandResult
from fmnist_tui.runs.machine.devices import cpu_row, expects_gpu, gpu_row
from fmnist_tui.runs.machine.row import Row, State

from .conftest import Make
from .machines import reported

H100 = {"name": "NVIDIA H100", "total": 85_000_000_000, "free": 80_500_000_000, "busy": 0}
FULL = {**H100, "free": 400_000_000, "busy": 99}


def test_the_cpus_are_counted_and_named(make: Make) -> None:
    assert cpu_row(make()) == Row("cpu", State.OK, "2 CPUs, AMD EPYC")
    assert cpu_row(make(cpus=(1, 1))).seen == "1 CPU, AMD EPYC"


def test_cpus_that_may_not_be_used_are_told(make: Make) -> None:
    assert cpu_row(make(cpus=(4, 64))).seen == "4 of 64 CPUs (the rest is barred), AMD EPYC"


def test_a_processor_without_a_name_is_told_by_its_kind(make: Make) -> None:
    assert cpu_row(make(files={"proc/cpuinfo": "CPU implementer\t: 0x41\n"})).seen == "2 CPUs, x86_64"


def test_a_mac_is_asked_for_its_processor(make: Make) -> None:
    answers = {"sysctl": CommandResult(0, "Apple M3\n")}
    assert cpu_row(make(system="Darwin", answers=answers)).seen == "2 CPUs, Apple M3"
    assert cpu_row(make(system="Darwin")).seen == "2 CPUs, x86_64"


def test_gpus_are_listed_with_their_memory() -> None:
    answer = reported(driver="550.54", gpus=[H100, {**H100, "busy": None}])
    assert gpu_row(answer) == Row(
        "gpu",
        State.OK,
        "2 GPUs, driver 550.54; NVIDIA H100 (80.5 GB of 85.0 GB free, 0 % busy); NVIDIA H100 (80.5 GB of 85.0 GB free)",
    )
    assert expects_gpu(answer)


def test_gpus_whose_memory_is_in_use_are_a_note_unless_one_is_free() -> None:
    full = gpu_row(reported(driver="1", gpus=[FULL, FULL]))
    assert full.state is State.NOTE
    assert "--device cpu" in full.advice
    assert gpu_row(reported(driver="1", gpus=[FULL, H100])).state is State.OK


def test_memory_that_the_driver_does_not_tell_is_not_called_full() -> None:
    assert gpu_row(reported(driver="1", gpus=[{**H100, "total": 0, "free": 0}])).state is State.OK


def test_a_driver_that_was_updated_while_in_use_asks_for_a_reboot() -> None:
    answer = reported(error="Driver/library version mismatch")
    row = gpu_row(answer)
    assert (row.state, row.seen) == (
        State.PROBLEM,
        "NVIDIA's driver doesn't work: Driver/library version mismatch",
    )
    assert "reboot" in row.advice
    assert expects_gpu(answer)


def test_a_library_without_a_driver_is_no_problem() -> None:
    answer = reported(error="Driver Not Loaded")
    assert gpu_row(answer).state is State.NOTE
    assert not expects_gpu(answer)
    assert not expects_gpu(reported(driver="1", gpus=[]))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (CommandResult(None, errors="no answer within 5 s"), "no answer within 5 s"),
        (CommandResult(-11), "it says nothing"),
        (CommandResult(1, "", "Traceback\nOSError: libnvidia-ml.so.1: wrong ELF class\n"), "wrong ELF class"),
        (CommandResult(0, "no JSON"), "it says nothing"),
        (CommandResult(0, "[1]"), "it says nothing"),
    ],
)
def test_a_driver_that_hangs_or_crashes_is_one_line(answer: CommandResult, why: str) -> None:
    row = gpu_row(answer)
    assert row.state is State.PROBLEM
    assert row.seen.endswith(why)
    assert "\n" not in row.seen + row.advice
